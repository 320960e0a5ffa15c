"""One game's supervised life: token, connect, subscribe, hand over, backoff, and again."""

from collections.abc import Callable
from functools import partial

import trio

from watchdog.core.backoff import Backoff
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.signalr import PROTOCOL_TIMEOUTS, Timeouts
from watchdog.core.protocol.updates import subscribe_record
from watchdog.hub.attempt import Attempt, Connect, Keeper
from watchdog.hub.channel import Channel
from watchdog.hub.connection import HubConnection
from watchdog.hub.pair import Pair, Report
from watchdog.hub.reader import Reader
from watchdog.hub.transport import ConnectionLostError

CONNECTIONS = 2
"""So many are open for a game at most, those that are being opened or closed included."""

TAKE_OVER_SECONDS = 30.0
"""An attempt with a new token has to deliver within this time, or that of two updates; the old goes on."""


class Subscription:
    """Watches one game for as long as `run` runs; nothing the hub or the network does ends it.

    The tasks here only live: they connect, wait and close. What becomes of the attempts is up to the `Pair`.
    """

    def __init__(
        self,
        monitor: Monitor,
        checks: CheckSettings,
        partner_client_id: int,
        *,
        keeper: Keeper,
        connect: Connect,
        reader: Reader,
        backoff: Backoff,
        report: Report,
        random: Callable[[], float],
        timeouts: Timeouts = PROTOCOL_TIMEOUTS,
    ) -> None:
        """`random` returns numbers from [0, 1); `report` takes what the monitor found."""
        self.monitor = monitor
        self._pair = Pair(
            *(monitor, checks),
            keeper=keeper,
            reader=reader,
            backoff=backoff,
            report=report,
            serve=self._stand_by,
        )
        self._tolerance_seconds = checks.tolerance_seconds
        self._take_over_seconds = max(TAKE_OVER_SECONDS, 2.0 * checks.late_after_seconds)
        self._record = subscribe_record(monitor.game_type, partner_client_id)
        self._keeper = keeper
        self._connect = connect
        self._reader = reader
        self._clock, self._stalls = reader.clock, reader.stalls
        self._random = random
        self._timeouts = timeouts
        self._open = trio.Semaphore(CONNECTIONS)
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Keep the game subscribed until cancelled."""
        self._reader.add(self._pair)
        try:
            while True:
                await self._live()
        finally:
            self._reader.discard(self._pair)

    async def rotate(self, token: str) -> bool:
        """Switch to a connection with another token while the present one goes on; False if that failed.

        A game without a connection has nothing to switch from: its next attempt takes the new token anyway.
        Also False while it still connects with the old token, or while its hub wants to be left alone.
        """
        pair = self._pair
        if pair.active is None or pair.active.token == token:
            return True
        if not self.monitor.connected or self._clock.now() < pair.not_before:
            return False
        standby = pair.standby
        if standby is None or standby.token != token:
            standby = pair.stand_by(token)
        standby.rotates_by = self._clock.now() + self._take_over_seconds
        pair.find_due()
        await standby.settled.wait()
        return standby is pair.active

    def back_off(self, backoff: Backoff) -> None:
        """Wait by other bounds from now on."""
        self._pair.backoff = backoff

    def stalled(self, since: float, until: float) -> None:
        """Our own loop stood still."""
        self._pair.report(self.monitor.stalled(since, until))

    def authorized(self, at: float, *, ok: bool) -> None:
        """The feed's token is good, or it is missing, expired or rejected."""
        self._pair.report(self.monitor.authorized(at, ok=ok))

    async def _live(self) -> None:
        """One round of the game's life: a connection from the first attempt to the pause after its end."""
        token, changed = self._keeper.token, self._keeper.changed
        if token is None:
            if not self._keeper.pending:
                self._pair.report(self.monitor.no_token(self._stalls.catch_up()))
            await changed.wait()
            return
        try:
            attempt, lost = await self._hold(token)
        except* trio.Cancelled:  # it comes as a group out of the connection's nursery
            self._pair.report(self.monitor.lost("shutdown", self._stalls.catch_up()))
            raise
        # For a token that was refused, another one ends the pause.
        sooner = changed if lost.reason == "unauthorized" else trio.Event()
        with trio.move_on_after(self._pair.delay_seconds(attempt, lost, self._random())):
            await sooner.wait()

    async def _hold(self, token: str) -> tuple[Attempt, ConnectionLostError]:
        """Be subscribed until the active attempt is lost, whichever took over from which."""
        pair = self._pair
        first = pair.begin(token)
        try:
            async with trio.open_nursery() as self._nursery:
                await self._serve(first)
            attempt, lost = pair.active, pair.lost
        finally:
            self._nursery = None
            pair.end()
        if attempt is None or lost is None:
            raise RuntimeError("a connection ended without a reason")
        return attempt, lost

    def _stand_by(self, attempt: Attempt) -> None:
        if self._nursery is None:
            raise RuntimeError("there is no connection to stand by")
        self._nursery.start_soon(self._serve, attempt)

    async def _serve(self, attempt: Attempt) -> None:
        """One connection from its first step to its end, for whichever reason."""
        try:
            with attempt.scope:
                self._pair.report(self.monitor.connecting(self._stalls.catch_up()))
                async with self._open:
                    try:
                        channel, begin = await self._connect(attempt.token)
                    except ConnectionLostError as lost:
                        self._pair.ended(attempt, lost)
                    else:
                        await self._subscribe(attempt, channel, begin)
        finally:
            # Even if the game is no longer watched: the other games of the feed wait for it to rotate.
            attempt.settled.set()

    async def _subscribe(self, attempt: Attempt, channel: Channel, begin: bytes) -> None:
        timeouts = self._timeouts.spread(self._random())
        connection = HubConnection(channel, begin, self._record, clock=self._clock, timeouts=timeouts)
        attempt.connection = connection
        self._pair.find_due()
        try:
            await self._reader.hold(connection, partial(self._pair.hear, attempt), self._tolerance_seconds)
        finally:
            attempt.connection = None
            # What ended it has been reported: closing may take a second if the hub does not play along.
            await connection.aclose()
