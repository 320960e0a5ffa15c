"""The one reader of the process: it comes by ten times a second, and the kernel is the witness of the rest.

One wake-up of the loop costs more than all that an update needs, so no game waits for its socket. The kernel
stamps each arrival: when it is read makes no difference to the verdict. On each beat the reader takes what
has arrived on all sockets, and judges what has fallen due. A deadline that falls before the next beat has
the alarm set to it, so silence is noticed on time.
"""

import math
import select
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import trio

from watchdog.core.arrival import Arrival
from watchdog.hub.connection import Heard, HubConnection
from watchdog.runtime.alarm import Alarm, TrioAlarm
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

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

    def read(self) -> bool:
        """Take in what has arrived, up to 64 KiB; returns whether there may be more."""
        self.hear(self.connection.receive())
        return not self.connection.drained


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
        alarm: Alarm | None = None,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        """`alarm` wakes the reader, by default by Trio's deadlines; no beat is longer than `beat_seconds`."""
        self._longest_beat_seconds = beat_seconds
        self.clock = clock
        self.stalls = stalls
        self._alarm = alarm or TrioAlarm()
        self._epoll = select.epoll()
        self._held: dict[int, _Holding] = {}
        self._games: dict[Judged, None] = {}
        self._beat_seconds = beat_seconds
        self.rings_at = -math.inf
        """When it wakes up next; whoever wants it sooner calls `hasten`."""
        self._rings_every = math.inf

    def add(self, game: Judged) -> None:
        """Judge this game too, from now on."""
        self._games[game] = None

    def discard(self, game: Judged) -> None:
        """Judge this game no longer."""
        self._games.pop(game, None)

    def hasten(self, due: float) -> None:
        """Be awake by then, because something has turned out to fall due so soon."""
        self._set_alarm(due)

    async def hold(self, connection: HubConnection, hear: Hear, tolerance_seconds: float) -> None:
        """Read a connection until cancelled.

        It is read on the beat once it is established, where the kernel stamps arrivals and the tolerance
        allows for that; else with each arrival.
        """
        held = _Holding(connection, hear, min(self._longest_beat_seconds, tolerance_seconds / 2.0))
        on_beats = connection.stamped and held.beat_seconds >= SHORTEST_BEAT_SECONDS
        held.read()
        while not (on_beats and connection.established):
            await connection.wait_readable()
            held.read()
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
        beats_at = self.clock.now()
        self._set_alarm(beats_at)
        try:
            while True:
                await self._alarm.wait()
                now = self.stalls.catch_up()
                self.rings_at += self._rings_every
                if self.rings_at <= now:
                    # Beats were missed, and the alarm goes on in a beat of its own: it is set again below.
                    self.rings_at = math.inf
                if now >= beats_at:
                    if ready := self._epoll.poll(0, len(self._held) or 1):
                        await self._read([number for number, _ in ready])
                    # A beat that was missed is not caught up with.
                    beats_at = max(beats_at + self._beat_seconds, self.stalls.catch_up())
                if self._next_due() <= self.clock.now():
                    await self._judge()
                    self.stalls.catch_up()
                wanted_at = min(self._next_due(), beats_at)
                if wanted_at < self.rings_at or self._rings_every != self._beat_seconds:
                    self._set_alarm(wanted_at)
                else:
                    # On the beat it rings by itself.
                    self._expect_ring()
        finally:
            # Connections that are being closed still ask for the time: a beat that ended is not late.
            self.stalls.expect(math.inf)
            self.rings_at = -math.inf
            self._alarm.close()

    def _set_alarm(self, at: float) -> None:
        self.rings_at, self._rings_every = at, self._beat_seconds
        self._alarm.set(at, self._beat_seconds)
        self._expect_ring()

    def _expect_ring(self) -> None:
        # What should have been judged long ago is no stall: it has only just turned out to be due.
        self.stalls.expect(max(self.rings_at, self.clock.now()))

    def _next_due(self) -> float:
        return min([game.due for game in self._games], default=math.inf)

    async def _read(self, ready: Sequence[int]) -> None:
        """Take what has arrived on these sockets: first a little of each, then more of those with more."""
        turn = 0
        # However much more there is: the next beat is not to be missed for it.
        until = self.clock.now() + self._beat_seconds / 2.0
        while ready and turn < MAX_READS and self.clock.now() <= until:
            more: list[int] = []
            for begin in range(0, len(ready), _PORTION):
                if turn or begin:
                    await self._let_others()
                more += self._read_portion(ready[begin : begin + _PORTION])
            ready, turn = more, turn + 1

    def _read_portion(self, numbers: Sequence[int]) -> list[int]:
        held = self._held
        # One may be gone since the kernel named it.
        return [number for number in numbers if number in held and held[number].read()]

    async def _judge(self) -> None:
        now = self.clock.now()
        due = [game for game in self._games if game.due <= now]
        for begin in range(0, len(due), _PORTION):
            if begin:
                await self._let_others()
            now = self.stalls.catch_up()
            for game in due[begin : begin + _PORTION]:
                if game in self._games:
                    game.judge(now)

    async def _let_others(self) -> None:
        # What the portion took is a stall too if it was long: no game is to answer for it.
        self.stalls.catch_up()
        self.stalls.expect(self.clock.now())
        await trio.lowlevel.checkpoint()
        self.stalls.catch_up()
