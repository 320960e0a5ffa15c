"""The one reader of the process: it comes by ten times a second, and the kernel is the witness of the rest.

One wake-up of the loop costs more than all that an update needs, so no game waits for its socket. The kernel
stamps each arrival: when it is read makes no difference to the verdict. On each beat the reader takes what
has arrived on all sockets, and judges what has fallen due. It comes by sooner for a deadline that falls
before the next beat, so silence is noticed on time.
"""

import math
import select
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import NamedTuple, Protocol

import trio

from watchdog.core.arrival import Arrival
from watchdog.hub.connection import Heard, HubConnection
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls
from watchdog.runtime.waker import Waker, current_waker

BEAT_SECONDS = 0.1
SHORTEST_BEAT_SECONDS = 0.02
"""A game whose tolerance wants a shorter beat is read with each arrival."""

MAX_READS = 16
"""How often one connection is read in one beat, 64 KiB each time: a flood of one hub delays nobody."""

_PORTION = 32
"""So many connections are read, or games judged, before the other tasks have their turn."""


Hear = Callable[[Sequence[tuple[Heard, Arrival]]], None]
"""Takes what a connection has said."""


class _Holding(NamedTuple):
    connection: HubConnection
    hear: Hear
    beat_seconds: float


class Judged(Protocol):
    """A game, with the time at which something falls due by itself."""

    @property
    def due(self) -> float:
        """When to judge it; infinite for never."""

    def judge(self, now: float) -> None:
        """Read what has arrived, then judge the time."""


class Reader:
    """Reads all connections that are held open, and judges all games in time."""

    def __init__(
        self,
        clock: Clock,
        stalls: Stalls,
        *,
        waker: Waker | None = None,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        """`waker` gives the reader its turns, by default the cheapest one; no beat is longer than given."""
        self.clock = clock
        self.stalls = stalls
        self.rings_at = -math.inf
        """When its next turn is due; whoever wants it sooner calls `hasten`. In a turn it lies behind."""
        self._waker = waker
        self._epoll = select.epoll()
        self._held: dict[int, _Holding] = {}
        self._games: dict[Judged, None] = {}
        self._longest_beat_seconds = self._beat_seconds = beat_seconds

    @property
    def working(self) -> bool:
        """Whether it is in a turn."""
        return self.rings_at == -math.inf

    def add(self, game: Judged) -> None:
        """Judge this game too, from now on."""
        self._games[game] = None

    def discard(self, game: Judged) -> None:
        """Judge this game no longer."""
        self._games.pop(game, None)

    def hasten(self, due: float) -> None:
        """Take a turn by then, because something has turned out to fall due so soon."""
        if self._waker is not None and due < self.rings_at:
            self._waker.hasten(self._expect_turn(due))

    async def hold(self, connection: HubConnection, hear: Hear, tolerance_seconds: float) -> None:
        """Read a connection until cancelled.

        It is read on the beat once it is established, where the kernel stamps arrivals and the tolerance
        allows for that; else with each arrival.
        """
        held = _Holding(connection, hear, min(self._longest_beat_seconds, tolerance_seconds / 2.0))
        on_beats = connection.stamped and held.beat_seconds >= SHORTEST_BEAT_SECONDS
        hear(connection.receive())
        while not (on_beats and connection.established):
            await connection.wait_readable()
            hear(connection.receive())
        connection.read_late = True
        number = connection.fileno()
        self._held[number] = held
        self._beat_seconds = min(self._beat_seconds, held.beat_seconds)
        self._epoll.register(number, select.EPOLLIN)
        try:
            await trio.sleep_forever()
        finally:
            self._epoll.unregister(number)
            del self._held[number]
            if held.beat_seconds < self._longest_beat_seconds:
                beats = (each.beat_seconds for each in self._held.values())
                self._beat_seconds = min(beats, default=self._longest_beat_seconds)

    async def run(self) -> None:
        """Read and judge for as long as this task runs."""
        self._waker = self._waker or current_waker()
        try:
            await self._waker.run(self._turns().__next__)
        finally:
            # Connections that are being closed still ask for the time: a turn that never comes is not late.
            self.stalls.expected_at = math.inf
            self.rings_at = -math.inf

    def _turns(self) -> Generator[float, None, None]:
        """Take one turn after another; each yields when the next is due."""
        beats_at = now = self.clock.now()
        while True:
            if now >= beats_at:
                if ready := self._epoll.poll(0, len(self._held) or 1):
                    yield from self._read(ready)
                now = self.stalls.catch_up()
                # A beat that was missed is not caught up with.
                beats_at = max(beats_at + self._beat_seconds, now)
            if (due := self._next_due()) <= now:
                yield from self._judge(self._games, now)
                self.stalls.catch_up()
                due = self._next_due()
            now = yield from self._wait(min(due, beats_at))

    def _expect_turn(self, at: float) -> float:
        self.rings_at = at
        # What should have been judged long ago is no stall: it has only just turned out to be due.
        self.stalls.expected_at = max(at, self.clock.now())
        return at

    def _wait(self, at: float) -> Generator[float, None, float]:
        yield self._expect_turn(at)
        now = self.stalls.catch_up()
        self.rings_at = -math.inf
        return now

    def _next_due(self) -> float:
        return min([game.due for game in self._games], default=math.inf)

    def _read(self, ready: Sequence[tuple[int, int]]) -> Generator[float, None, None]:
        """Take what has arrived on these sockets: first a little of each, then more of those with more."""
        turn = 0
        # However much more there is: the next beat is not to be missed for it.
        until = self.clock.now() + self._beat_seconds / 2.0
        # Reading a thousand games takes longer than silence may go unnoticed.
        soon = [game for game in self._games if game.due <= until]
        while ready and turn < MAX_READS and self.clock.now() <= until:
            more = []
            for count, event in enumerate(ready):
                if (turn or count) and count % _PORTION == 0:
                    now = yield from self._let_others()
                    yield from self._judge(soon, now)
                # One may be gone since the kernel named it.
                if held := self._held.get(event[0]):
                    held.hear(held.connection.receive())
                    if not held.connection.drained:
                        more.append(event)
            ready, turn = more, turn + 1

    def _judge(self, games: Iterable[Judged], now: float) -> Generator[float, None, None]:
        for count, game in enumerate([game for game in games if game.due <= now]):
            if count and count % _PORTION == 0:
                now = yield from self._let_others()
            if game in self._games:
                game.judge(now)

    def _let_others(self) -> Generator[float, None, float]:
        # What the portion took is a stall too if it was long: no game is to answer for it.
        return self._wait(self.stalls.catch_up())
