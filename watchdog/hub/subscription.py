"""One game's supervised life: token, connect, subscribe, hand over, backoff, and again."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import trio

from watchdog.core.arrival import Arrival
from watchdog.core.backoff import Backoff
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import Established, Invalid, UpdateReceived
from watchdog.core.protocol.signalr import PROTOCOL_TIMEOUTS, Timeouts
from watchdog.core.protocol.updates import subscribe_record
from watchdog.hub.attempt import FLOOD_SECONDS, Attempt, Connect, Keeper
from watchdog.hub.channel import Channel
from watchdog.hub.connection import Heard, HubConnection
from watchdog.hub.reader import Reader
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.redaction import present

TAKE_OVER_SECONDS = 30.0
"""An attempt with a new token has to deliver within this time, or that of two updates; the old goes on."""

_DETAIL_CHARACTERS = 200
"""What is kept of a hub's own words, which may be megabytes."""

Report = Callable[[Monitor, list[Finding]], None]


class Subscription:
    """Watches one game for as long as `run` runs; nothing the hub or the network does ends it.

    One attempt is active: what it delivers is judged. While an attempt with a new token stands by, the
    active one goes on until the other has shown that it delivers. The tasks here only live: they connect,
    wait and close. Whatever a hub says, and whatever falls due, the reader brings in synchronously.
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
        self.backoff = backoff
        self.due = math.inf
        """When something falls due by itself."""
        self._checks = checks
        self._take_over_seconds = max(TAKE_OVER_SECONDS, 2.0 * checks.late_after_seconds)
        self._silence_seconds = checks.silence_reconnect_seconds - checks.late_after_seconds
        self._record = subscribe_record(monitor.game_type, partner_client_id)
        self._keeper = keeper
        self._connect = connect
        self._reader = reader
        self._clock, self._stalls = reader.clock, reader.stalls
        self._report_to = report
        self._random = random
        self._timeouts = timeouts
        self._failures, self._not_before = 0, -math.inf
        self._active: Attempt | None = None
        self._standby: Attempt | None = None
        self._nursery: trio.Nursery | None = None
        self._lost: ConnectionLostError | None = None

    async def run(self) -> None:
        """Keep the game subscribed until cancelled."""
        self._reader.add(self)
        try:
            while True:
                await self._live()
        finally:
            self._reader.discard(self)

    async def rotate(self, token: str) -> bool:
        """Switch to a connection with another token while the present one goes on; False if that failed.

        A game without a connection has nothing to switch from: its next attempt takes the new token anyway.
        Also False while it still connects with the old token, or while its hub wants to be left alone.
        """
        active, nursery = self._active, self._nursery
        if active is None or nursery is None or active.token == token:
            return True
        if not self.monitor.connected or self._clock.now() < self._not_before:
            return False
        standby = self._standby = Attempt(token, "standby", self._checks)
        self._report(self.monitor.connecting(self._stalls.catch_up()))
        nursery.start_soon(self._serve, standby)
        try:
            with trio.move_on_after(self._take_over_seconds):
                await standby.settled.wait()
            if not standby.settled.is_set():
                self._ended(standby, ConnectionLostError("timeout", "the new connection did not deliver"))
        finally:
            self._standby = None
            if standby is not self._active:
                standby.hang_up()
        return standby is self._active

    def judge(self, now: float) -> None:
        """Read what has arrived by now, then judge what has fallen due."""
        attempts = [each for each in (self._active, self._standby) if each is not None]
        drained = [each.read(partial(self._hear, each), self._clock) for each in attempts]
        if not all(drained):
            self.due = self._clock.now() + FLOOD_SECONDS
            return
        self._report(self.monitor.advance(now))
        for attempt in attempts:
            if attempt.connection is not None and (lost := attempt.connection.tick(now)) is not None:
                self._ended(attempt, lost)
        if self._active is not None and now >= self.monitor.update_due_at + self._silence_seconds:
            self._ended(self._active, ConnectionLostError("silence", "the hub sent no update"))
        self._find_due()

    def stalled(self, since: float, until: float) -> None:
        """Our own loop stood still."""
        self._report(self.monitor.stalled(since, until))

    def authorized(self, at: float, *, ok: bool) -> None:
        """The feed's token is good, or it is missing, expired or rejected."""
        self._report(self.monitor.authorized(at, ok=ok))

    async def _live(self) -> None:
        """One round of the game's life: a connection from the first attempt to the pause after its end."""
        token, changed = self._keeper.token, self._keeper.changed
        if token is None:
            if not self._keeper.pending:
                self._report(self.monitor.no_token(self._stalls.catch_up()))
            await changed.wait()
            return
        try:
            attempt, lost = await self._hold(token)
        except* trio.Cancelled:  # it comes as a group out of the connection's nursery
            self._report(self.monitor.lost("shutdown", self._stalls.catch_up()))
            raise
        # For a token that was refused, another one ends the pause.
        sooner = changed if lost.reason == "unauthorized" else trio.Event()
        with trio.move_on_after(self._delay_seconds(attempt, lost)):
            await sooner.wait()

    async def _hold(self, token: str) -> tuple[Attempt, ConnectionLostError]:
        """Be subscribed until the active attempt is lost, whichever took over from which."""
        self._report(self.monitor.connecting(self._stalls.catch_up()))
        first = self._active = Attempt(token, "active", self._checks)
        try:
            async with trio.open_nursery() as self._nursery:
                await self._serve(first)
            attempt, lost = self._active, self._lost
        finally:
            self._active = self._nursery = self._lost = None
            self._find_due()
        if lost is None:
            raise RuntimeError("a connection ended without a reason")
        return attempt, lost

    async def _serve(self, attempt: Attempt) -> None:
        """One connection from its first step to its end, for whichever reason."""
        try:
            with attempt.scope:
                try:
                    channel, begin = await self._connect(attempt.token)
                except ConnectionLostError as lost:
                    self._ended(attempt, lost)
                else:
                    await self._subscribe(attempt, channel, begin)
        finally:
            # Even if the game is no longer watched: the other games of the feed wait for it to rotate.
            attempt.settled.set()

    async def _subscribe(self, attempt: Attempt, channel: Channel, begin: bytes) -> None:
        timeouts = self._timeouts.spread(self._random())
        connection = HubConnection(channel, begin, self._record, clock=self._clock, timeouts=timeouts)
        attempt.connection = connection
        self._find_due()
        try:
            await self._reader.hold(connection, partial(self._hear, attempt), self._checks.tolerance_seconds)
        finally:
            attempt.connection = None
            # What ended it has been reported: closing may take a second if the hub does not play along.
            await connection.aclose()

    def _hear(self, attempt: Attempt, heard: Sequence[tuple[Heard, Arrival]]) -> None:
        """Act on what a hub has said over an attempt."""
        for what, arrival in heard:
            if isinstance(what, UpdateReceived):
                self._updated(attempt, what, arrival)
            elif isinstance(what, Established):
                self._established(attempt, arrival.at)
            elif isinstance(what, Invalid):
                if attempt is self._active:
                    # One beside the active attempt is carried by that as well.
                    self._invalid(what, arrival.at)
            else:
                self._ended(attempt, what)
        if not heard:
            self._find_due()

    def _established(self, attempt: Attempt, at: float) -> None:
        """The hub accepted the handshake, and with it the token."""
        self._keeper.accepted(attempt.token)
        attempt.delivery.subscribed(at)
        if attempt is self._active:
            self._report(self.monitor.subscribed(at))

    def _updated(self, attempt: Attempt, received: UpdateReceived, arrival: Arrival) -> None:
        update, monitor = received.update, self.monitor
        verdict = attempt.delivery.received(update.sequence_id, monitor.sequence_id, arrival.at)
        if verdict in ("take_over_and_judge", "take_over_and_repeat"):
            self._take_over(attempt, arrival.at)
            self._report(monitor.rotated(arrival.at))
        if verdict in ("judge", "take_over_and_judge"):
            self._report(monitor.received(update, arrival, received.size_bytes))
        elif verdict == "overlap":
            monitor.overlapped()
        else:
            self._report(monitor.repeated(arrival.at))

    def _invalid(self, event: Invalid, at: float) -> None:
        detail = present(event.detail, _DETAIL_CHARACTERS)
        self._report(self.monitor.invalid(event.reason, at, self._clock.wall(), detail))

    def _ended(self, attempt: Attempt, lost: ConnectionLostError) -> None:
        """An attempt has come to its end, before it was connected or after.

        Which it was decides what becomes of the game. The active one ended: a standby that is subscribed
        takes its place, else the game is disconnected. The standby ended: the active one goes on. One that
        has been retired is of no interest any more.
        """
        attempt.hang_up()
        if attempt is not self._active and attempt is not self._standby:
            return
        now, detail = self._stalls.catch_up(), present(lost.detail, _DETAIL_CHARACTERS)
        self._not_before = now + lost.retry_after_seconds
        if lost.reason == "unauthorized":
            self._keeper.rejected(attempt.token)
        if attempt is not self._active:
            # At once: the active attempt may be lost in the same instant, and a dead one must not take over.
            self._standby = None
            self._report(self.monitor.not_rotated(lost.reason, now, detail))
            return
        if lost.reason == "oversize" or (lost.reason == "protocol" and self.monitor.connected):
            # It was a message that ended the connection, so it counts as one that is invalid.
            self._invalid(Invalid(lost.reason, lost.detail), now)
        self._report(self.monitor.lost(lost.reason, now, detail))
        standby = self._standby
        if standby is not None and standby.delivery.subscribed_at is not None:
            self._take_over(standby, now)
            self._report(self.monitor.subscribed(now))
            return
        self._lost = lost
        if standby is not None:
            # At once here too: it may be read in this very instant, and is not to take over any more.
            self._standby = None
            standby.hang_up()

    def _take_over(self, attempt: Attempt, at: float) -> None:
        """Listen to another attempt from now on, and hang up the one before."""
        before, self._active, self._standby = self._active, attempt, None
        attempt.delivery.take_over(self.monitor.sequence_id, at)
        attempt.settled.set()
        if before is not None:
            if before.delivery.good:
                self._failures = 0
            before.delivery.role = "retired"
            before.scope.cancel()

    def _find_due(self) -> None:
        """Work out when the next thing falls due."""
        due, update_due_at = self.monitor.next_deadline, self.monitor.update_due_at
        if due > update_due_at:  # It is silent already.
            due = min(due, update_due_at + self._silence_seconds)
        for attempt in (self._active, self._standby):
            if attempt is not None:
                due = attempt.due(due)
        self.due = due
        if due < self._reader.rings_at:
            self._reader.hasten(due)

    def _delay_seconds(self, attempt: Attempt, lost: ConnectionLostError) -> float:
        self._failures = 1 if attempt.delivery.good else self._failures + 1
        if not lost.allow_reconnect:
            # The hub asks us not to reconnect. A watchdog can't stop watching, but it waits its longest.
            return self.backoff.max_seconds
        return self.backoff.delay_seconds(self._failures, self._random(), lost.retry_after_seconds)

    def _report(self, findings: list[Finding]) -> None:
        self._find_due()
        if findings:
            self._report_to(self.monitor, findings)
