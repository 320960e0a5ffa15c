"""The hub: connections on one side, the games' broadcasts on the other, ticking without drift."""

import time
from collections import deque
from collections.abc import Callable
from secrets import token_urlsafe

import trio

from watchdog.simulator.broadcast import Broadcast, Run
from watchdog.simulator.connection import Connection
from watchdog.simulator.games import GAME_TYPES
from watchdog.simulator.requests import FaultRequest
from watchdog.simulator.scene import Document
from watchdog.simulator.session import Subscribed
from watchdog.simulator.settings import SimulatorSettings
from watchdog.simulator.table import Table
from watchdog.simulator.tokens import acceptable

_MAX_NEGOTIATED = 1024


class Clock:
    """Wall time that follows Trio's clock, so that it is mocked along and never steps."""

    def __init__(self, epoch_seconds: float | None) -> None:
        epoch = time.time() if epoch_seconds is None else epoch_seconds
        self._offset = epoch - trio.current_time()

    def now(self) -> float:
        """UNIX seconds."""
        return trio.current_time() + self._offset


class Stage:
    """One game type and those who watch it."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast = broadcast
        self._audience: dict[int, set[Connection]] = {}
        self._arrival = trio.Event()

    def join(self, partner: int, connection: Connection) -> None:
        """Add a connection to the audience of a partner's sequence."""
        self._audience.setdefault(partner, set()).add(connection)
        self._arrival.set()

    def leave(self, connection: Connection) -> None:
        """Take a connection out of the audience, if it is in there."""
        for partner, connections in list(self._audience.items()):
            connections.discard(connection)
            if not connections:
                del self._audience[partner]

    async def play(self, clock: Callable[[], float], interval_seconds: float) -> None:
        """Send an update every interval while somebody watches, the first one at once."""
        while True:
            if not self._audience:
                self._arrival = trio.Event()
                await self._arrival.wait()
            start, beat = trio.current_time(), 0
            while self._audience:
                if not any(each.swallowing for audience in self._audience.values() for each in audience):
                    await self._update(clock)
                # After a stall the beats missed are left out rather than sent in a burst.
                beat = max(beat + 1, int((trio.current_time() - start) / interval_seconds))
                await trio.sleep_until(start + beat * interval_seconds)

    async def _update(self, clock: Callable[[], float]) -> None:
        outcome = self.broadcast.tick(clock(), self._audience)
        while outcome.delay_seconds:
            await trio.sleep(outcome.delay_seconds)
            if not self._audience:
                return
            outcome = self.broadcast.tick(clock(), self._audience)
        for partner, records in outcome.records.items():
            for connection in self._audience[partner]:
                for record in records:
                    connection.post(record)
        if outcome.farewell is not None:
            for connections in list(self._audience.values()):
                for connection in list(connections):
                    self.leave(connection)
                    connection.finish(outcome.farewell.record)


class Hub:
    """All stages and what they share: the clock, the door, and the faults of the whole feed."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.clock = Clock(settings.epoch_seconds)
        self.feed_runs: deque[Run] = deque(maxlen=_MAX_NEGOTIATED)
        self._connection_ids: deque[str] = deque(maxlen=_MAX_NEGOTIATED)
        self.stages = {game: Stage(self._broadcast(game)) for game in settings.games}

    def _broadcast(self, game: int) -> Broadcast:
        table = Table(
            GAME_TYPES[game], seed=self.settings.seed, now=self.clock.now(), scale=self.settings.round_scale
        )
        return Broadcast(table, [request for request in self.settings.faults if request.game == game])

    async def play(self) -> None:
        """Play all games until cancelled."""
        async with trio.open_nursery() as nursery:
            for stage in self.stages.values():
                nursery.start_soon(stage.play, self.clock.now, self.settings.interval_seconds)

    def subscribe(self, connection: Connection, wish: Subscribed) -> None:
        """Add a connection to the audience of a game."""
        self.stages[wish.game].join(wish.partner, connection)

    def leave(self, connection: Connection) -> None:
        """Take a connection out of every audience."""
        for stage in self.stages.values():
            stage.leave(connection)

    def admits(self, token: str) -> bool:
        """Whether a new connection with this token is let in now."""
        now = self.clock.now()
        if token in self.settings.rejected_tokens or not acceptable(token, now):
            return False
        return not any(stage.broadcast.rejects_tokens(now) for stage in self.stages.values())

    def new_connection_id(self) -> str:
        """An id for one connection, as the negotiation hands it out."""
        connection_id = token_urlsafe(16)
        self._connection_ids.append(connection_id)
        return connection_id

    def redeem(self, connection_id: str) -> bool:
        """Use an id up; return whether it was handed out and not used yet."""
        if connection_id not in self._connection_ids:
            return False
        self._connection_ids.remove(connection_id)
        return True

    def ask(self, request: FaultRequest) -> bool:
        """Ask for a fault of one game; return False where too many wait already."""
        return request.game is not None and self.stages[request.game].broadcast.ask(request, self.clock.now())

    def reports(self) -> list[Document]:
        """Every fault known, as JSON."""
        now = self.clock.now()
        feed = [run.report(now) for run in self.feed_runs]
        return [*feed, *(run for stage in self.stages.values() for run in stage.broadcast.reports(now))]
