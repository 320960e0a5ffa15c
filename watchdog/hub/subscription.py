"""One game's supervised life: token, connect, subscribe, updates, backoff, and again."""

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from watchdog.core.arrival import Arrival
from watchdog.core.backoff import Backoff
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import Invalid
from watchdog.core.protocol.signalr import KEEP_ALIVE_SECONDS
from watchdog.core.protocol.updates import Update, subscribe_record
from watchdog.hub.attempt import Attempt
from watchdog.hub.connection import HubConnection
from watchdog.hub.transport import ConnectionLostError
from watchdog.hub.websocket import WebSocket
from watchdog.runtime.clock import Clock
from watchdog.runtime.redaction import redact

TAKE_OVER_SECONDS = 30.0
"""An attempt with a new token must deliver within this time, or that of two updates; the old one goes on."""

Report = Callable[[Monitor, list[Finding]], None]


class Keeper(Protocol):
    """What a subscription needs from the keeper of the feed's token."""

    @property
    def token(self) -> str | None:
        """The token to connect with, if there is one."""

    @property
    def pending(self) -> bool:
        """Whether it is not known yet if there is a token."""

    @property
    def changed(self) -> trio.Event:
        """What is set, and replaced, when there is another token or the one there is has become valid."""

    def accepted(self, token: str) -> None:
        """The hub accepted this token."""

    def rejected(self, token: str) -> None:
        """The hub refused this token."""


Connect = Callable[[str], AbstractAsyncContextManager[WebSocket]]
"""Opens a connection with a token."""


class Subscription:
    """Watches one game for as long as `run` runs; nothing the hub or the network does ends it.

    One attempt is active, and its updates are judged. While an attempt with a new token is on standby, the
    active one goes on until the standby has shown that it delivers.
    """

    def __init__(
        self,
        monitor: Monitor,
        checks: CheckSettings,
        partner_client_id: int,
        *,
        keeper: Keeper,
        connect: Connect,
        clock: Clock,
        backoff: Backoff,
        report: Report,
        random: Callable[[], float],
    ) -> None:
        """`random` returns random numbers from [0, 1); `report` takes what the monitor found."""
        self.monitor = monitor
        self.backoff = backoff
        self._checks = checks
        self._take_over_seconds = max(TAKE_OVER_SECONDS, 2.0 * checks.late_after_seconds)
        self._silence_seconds = checks.silence_reconnect_seconds - checks.late_after_seconds
        self._record = subscribe_record(monitor.game_type, partner_client_id)
        self._keeper = keeper
        self._connect = connect
        self._clock = clock
        self._report_to = report
        self._random = random
        self._failures = 0
        self._active: Attempt | None = None
        self._standby: Attempt | None = None
        self._nursery: trio.Nursery | None = None
        self._lost: ConnectionLostError | None = None

    async def run(self) -> None:
        """Keep the game subscribed until cancelled."""
        while True:
            token, changed = self._keeper.token, self._keeper.changed
            if token is None:
                if not self._keeper.pending:
                    self._report(self.monitor.no_token(self._clock.now()))
                await self._wait(math.inf, changed)
                continue
            try:
                attempt, lost = await self._hold(token)
            except* trio.Cancelled:  # it comes as a group out of the connection's nursery
                self._report(self.monitor.lost("shutdown", self._clock.now()))
                raise
            unauthorized = lost.reason == "unauthorized"
            await self._wait(self._delay_seconds(attempt, lost), changed if unauthorized else None)

    async def rotate(self, token: str) -> bool:
        """Switch to a connection with another token while the present one goes on; False if that failed.

        A game without a connection has nothing to switch from: it will connect with the new token anyway.
        """
        attempt, nursery = self._active, self._nursery
        if attempt is None or nursery is None or attempt.token == token or not self.monitor.connected:
            return True
        standby = self._standby = Attempt(token, self._checks)
        self._report(self.monitor.connecting(self._clock.now()))
        nursery.start_soon(self._serve, standby)
        try:
            with trio.move_on_after(self._take_over_seconds):
                await standby.settled.wait()
            if not standby.settled.is_set():
                self._ended(standby, ConnectionLostError("timeout", "the new connection did not deliver"))
        finally:
            self._standby = None
            if standby is not self._active:
                standby.scope.cancel()
        return standby is self._active

    async def _hold(self, token: str) -> tuple[Attempt, ConnectionLostError]:
        """Stay subscribed until the active attempt is lost, however often another one took over."""
        self._report(self.monitor.connecting(self._clock.now()))
        first = self._active = Attempt(token, self._checks)
        try:
            async with trio.open_nursery() as self._nursery:
                await self._serve(first)
            attempt, lost = self._active, self._lost
        finally:
            self._active = self._nursery = self._lost = None
        if lost is None:
            raise RuntimeError("a conversation ended without a reason")
        return attempt, lost

    async def _serve(self, attempt: Attempt) -> None:
        """Run one connection from its first step to its end, whatever the reason."""
        with attempt.scope:
            try:
                async with self._connect(attempt.token) as connection:
                    try:
                        await self._hub(connection, attempt).run()
                    except ConnectionLostError as lost:
                        # Report at once: closing may take a second if the hub does not cooperate.
                        self._ended(attempt, lost)
            except ConnectionLostError as lost:
                self._ended(attempt, lost)
        attempt.settled.set()

    def _hub(self, connection: WebSocket, attempt: Attempt) -> HubConnection:
        return HubConnection(
            connection,
            self._record,
            attempt=attempt,
            listener=self,
            clock=self._clock,
            # Up to a second sooner: games that connected together would ping together, and hold the loop.
            keep_alive_seconds=KEEP_ALIVE_SECONDS - self._random(),
        )

    def _ended(self, attempt: Attempt, lost: ConnectionLostError) -> None:
        # Which role the attempt has decides what its end means:
        #
        #   neither   another attempt has replaced it, and it is only being closed: nothing happened
        #   standby   the switch to the new token failed; the active attempt goes on
        #   active    the connection is lost. A standby that has subscribed takes over at once, although it
        #             has not delivered yet. Otherwise `_hold` ends with this reason, and the backoff begins.
        #
        # A refused token is reported to the keeper in either role, so that it can renew it.
        if attempt is not self._active and attempt is not self._standby:
            return
        now = self._clock.now()
        if lost.reason == "unauthorized":
            self._keeper.rejected(attempt.token)
        if attempt is not self._active:
            # Now, not in `rotate`: the active attempt may be lost in the same instant, and then a dead one
            # must not take over.
            self._standby = None
            self._report(self.monitor.not_rotated(lost.reason, now, redact(lost.detail)))
            return
        if lost.reason == "oversize" or (lost.reason == "protocol" and self.monitor.connected):
            # A message ended the connection, so it counts as an invalid message too.
            self.invalid(attempt, Invalid(lost.reason, lost.detail), now)
        self._report(self.monitor.lost(lost.reason, now, redact(lost.detail)))
        standby = self._standby
        if standby is not None and standby.subscribed_at is not None:
            self._take_over(standby, now)
            self._report(self.monitor.subscribed(now))
            return
        self._lost = lost
        if standby is not None:
            standby.scope.cancel()

    def established(self, attempt: Attempt, at: float) -> None:
        """The hub accepted the handshake, and with it the token."""
        self._keeper.accepted(attempt.token)
        attempt.subscribed(at)
        if attempt is self._active:
            self._report(self.monitor.subscribed(at))

    def updated(self, attempt: Attempt, update: Update, size_bytes: int, arrival: Arrival) -> None:
        """Judge an update if the attempt is active, or becomes active by it."""
        attempt.delivered(arrival.at)
        if attempt is not self._active:
            known_id = self.monitor.sequence_id
            if attempt is not self._standby or attempt.is_ahead(update.sequence_id, known_id, arrival.at):
                self.monitor.overlapped()
                return
            self._take_over(attempt, arrival.at)
            self._report(self.monitor.rotated(arrival.at))
        if attempt.repeats(update.sequence_id, arrival.at):
            self._report(self.monitor.repeated(arrival.at))
            return
        self._report(self.monitor.received(update, arrival, size_bytes))

    def invalid(self, attempt: Attempt, event: Invalid, at: float) -> None:
        """Judge an invalid message; what comes over a standby comes over the active attempt as well."""
        if attempt is self._active:
            self._report(self.monitor.invalid(event.reason, at, self._clock.wall(), redact(event.detail)))

    def look_up_at(self, attempt: Attempt) -> float:
        """When something falls due if no message comes."""
        if attempt is self._active:
            return min(self.monitor.next_deadline, self.silent_until(attempt))
        # It may become active in the meantime, and then has to keep the monitor's deadlines.
        return self._clock.now() + self._checks.late_after_seconds

    def time_passed(self, attempt: Attempt, now: float) -> None:
        """Judge what has fallen due."""
        if attempt is self._active:
            self._report(self.monitor.advance(now))

    def silent_until(self, attempt: Attempt) -> float:
        """Until when the attempt may deliver no update; a standby may forever."""
        return self.monitor.update_due_at + self._silence_seconds if attempt is self._active else math.inf

    def _take_over(self, attempt: Attempt, at: float) -> None:
        """Listen to another attempt from now on, and close the previous one."""
        before, self._active, self._standby = self._active, attempt, None
        attempt.takes_over(self.monitor.sequence_id, at)
        if before is not None:
            if before.good:
                self._failures = 0
            before.scope.cancel()

    def _delay_seconds(self, attempt: Attempt, lost: ConnectionLostError) -> float:
        self._failures = 1 if attempt.good else self._failures + 1
        if not lost.allow_reconnect:
            # The hub asks us not to reconnect. A watchdog can't stop watching, but it waits its longest.
            return self.backoff.max_seconds
        return self.backoff.delay_seconds(self._failures, self._random())

    async def _wait(self, seconds: float, sooner: trio.Event | None) -> None:
        """Wait, and judge what falls due in the meantime; an event may end the wait sooner."""
        until = self._clock.now() + seconds
        while (now := self._clock.now()) < until and not (sooner is not None and sooner.is_set()):
            self._report(self.monitor.advance(now))
            with trio.CancelScope(deadline=min(until, self.monitor.next_deadline)):
                if sooner is not None:
                    await sooner.wait()
                else:
                    await trio.sleep_forever()

    def _report(self, findings: list[Finding]) -> None:
        if findings:
            self._report_to(self.monitor, findings)
