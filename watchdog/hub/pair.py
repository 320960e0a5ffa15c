"""A game's two attempts, the active one and the one that stands by: what they say, and what falls due."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from watchdog.core.arrival import Arrival
from watchdog.core.backoff import Backoff
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.handover import Retry
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import Established, Invalid, UpdateReceived
from watchdog.core.protocol.updates import foreign_game
from watchdog.hub.attempt import FLOOD_SECONDS, Attempt, Keeper
from watchdog.hub.connection import Heard
from watchdog.hub.reader import Reader
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.redaction import present

_DETAIL_CHARACTERS = 200
"""What is kept of a hub's own words, which may be megabytes."""

_NOT_DELIVERED = ConnectionLostError("timeout", "the new connection did not deliver")
_SILENT = ConnectionLostError("silence", "the hub sent no update")
_SILENT_BESIDE = ConnectionLostError("silence", "the connection before it delivers again")
_SUPERSEDED = ConnectionLostError("silence", "another one is opened with a renewed token")
_REPLACED = "another connection delivers"

Report = Callable[[Monitor, list[Finding]], None]


class Pair:
    """Tells the monitor what the attempts deliver, and decides which of them is listened to.

    The active one is judged. Another one stands by while a renewed token is switched to, or while the active
    one is silent; both go on until it is known which one delivers. All of it is synchronous: whatever a hub
    says, and whatever falls due, the reader brings in. The tasks of the subscription only connect and close.
    """

    def __init__(
        self,
        monitor: Monitor,
        checks: CheckSettings,
        *,
        keeper: Keeper,
        reader: Reader,
        backoff: Backoff,
        report: Report,
        serve: Callable[[Attempt], None],
    ) -> None:
        """`serve` starts the task of an attempt that stands by; `report` takes what the monitor found."""
        self.monitor = monitor
        self.backoff = backoff
        self.due = math.inf
        """When something falls due by itself."""
        self.active: Attempt | None = None
        self.standby: Attempt | None = None
        self.lost: ConnectionLostError | None = None
        """Why the active attempt ended, once none has taken its place."""
        self.not_before = -math.inf
        """Until when the hub wants to be left alone by a connection with a renewed token."""
        self._checks = checks
        self._keeper = keeper
        self._reader = reader
        self._clock, self._stalls = reader.clock, reader.stalls
        self._report_to = report
        self._serve = serve
        self._retry = Retry(checks)
        self._failures = 0

    def begin(self, token: str) -> Attempt:
        """The first attempt of a round: it is active from its first step on."""
        self.active = Attempt(token, "active", self._checks)
        return self.active

    def end(self) -> None:
        """No attempt is left."""
        self.active = self.standby = self.lost = None
        self.find_due()

    def stand_by(self, token: str) -> Attempt:
        """Open a connection beside the active one, in place of the one that stands by already."""
        if self.standby is not None:
            self.ended(self.standby, _SUPERSEDED)
        standby = self.standby = Attempt(token, "standby", self._checks)
        self._serve(standby)
        return standby

    def judge(self, now: float) -> None:
        """Read what has arrived by now, then judge what has fallen due."""
        attempts = [each for each in (self.active, self.standby) if each is not None]
        drained = [each.read(partial(self.hear, each), self._clock) for each in attempts]
        if not all(drained):
            self.due = self._clock.now() + FLOOD_SECONDS
            return
        self.report(self.monitor.advance(now))
        if self.standby is not None and now >= self.standby.rotates_by:
            self.ended(self.standby, _NOT_DELIVERED)
        for attempt in attempts:
            if attempt.connection is not None and (lost := attempt.connection.tick(now)) is not None:
                self.ended(attempt, lost)
        self._look_elsewhere(now)
        self.find_due()

    def hear(self, attempt: Attempt, heard: Sequence[tuple[Heard, Arrival]]) -> None:
        """Act on what a hub has said over an attempt."""
        for what, arrival in heard:
            if isinstance(what, UpdateReceived):
                self._updated(attempt, what, arrival)
            elif isinstance(what, Established):
                self._established(attempt, arrival.at)
            elif isinstance(what, Invalid):
                self._invalid(attempt, what, arrival.at, exact=arrival.exact)
            else:
                self.ended(attempt, what)
        if not heard:
            self.find_due()

    def ended(self, attempt: Attempt, lost: ConnectionLostError) -> None:
        """An attempt has come to its end, before it was connected or after.

        Which it was decides what becomes of the game. The active one ended: a standby that is subscribed
        takes its place, else the game is disconnected. The standby ended: the active one goes on. One that
        has been retired is of no interest any more.
        """
        attempt.hang_up()
        if attempt is not self.active and attempt is not self.standby:
            return
        now, detail = self._stalls.catch_up(), present(lost.detail, _DETAIL_CHARACTERS)
        self.not_before = max(self.not_before, now + lost.retry_after_seconds)
        if lost.reason == "unauthorized":
            self._keeper.rejected(attempt.token)
        if lost.reason == "oversize" or (lost.reason == "protocol" and attempt.subscribed):
            # It was a message that ended the connection, so it counts as one that is invalid.
            self._invalid(attempt, Invalid(lost.reason, lost.detail), now)
        if attempt is self.active:
            self._active_ended(lost, now, detail)
        else:
            self._standby_ended(attempt, lost, now, detail)

    def report(self, findings: list[Finding]) -> None:
        """Hand on what the monitor found, and find out what is due next."""
        self.find_due()
        if findings:
            self._report_to(self.monitor, findings)

    def find_due(self) -> None:
        """Work out when the next thing falls due."""
        due, active, standby = self.monitor.next_deadline, self.active, self.standby
        if active is not None:
            if due > self.monitor.update_due_at:
                # It is silent already.
                beside = None if standby is None else standby.delivery
                due = min(due, self._retry.due_at(active.delivery, beside))
            due = active.due(due)
        if standby is not None:
            due = min(due, standby.due(standby.rotates_by))
        self.due = due
        if due < self._reader.rings_at:
            self._reader.hasten(due)

    def delay_seconds(self, attempt: Attempt, lost: ConnectionLostError, random: float) -> float:
        """How long to wait after the end of the last attempt; `random` is from [0, 1)."""
        self._failures = 1 if attempt.delivery.good else self._failures + 1
        if not lost.allow_reconnect:
            # The hub asks us not to reconnect. A watchdog can't stop watching, but it waits its longest.
            return self.backoff.max_seconds
        return self.backoff.delay_seconds(self._failures, random, lost.retry_after_seconds)

    def _look_elsewhere(self, now: float) -> None:
        """Open a connection beside a silent one if it is time to; one that is as silent gives way to it."""
        active, standby = self.active, self.standby
        if active is None or not self.monitor.connected:
            return
        if now < self._retry.due_at(active.delivery, None if standby is None else standby.delivery):
            return
        if standby is not None:
            self.ended(standby, _SILENT)
        if (token := self._keeper.token) is None:
            self._retry.failed(now)
        else:
            self.stand_by(token)

    def _established(self, attempt: Attempt, at: float) -> None:
        """The hub accepted the handshake, and with it the token."""
        self._keeper.accepted(attempt.token)
        attempt.delivery.subscribed(at)
        # Of a standby there is nothing to report, but from now on something is due.
        self.report(self.monitor.subscribed(at) if attempt is self.active else [])

    def _updated(self, attempt: Attempt, received: UpdateReceived, arrival: Arrival) -> None:
        update, monitor, active = received.update, self.monitor, self.active
        if (mistake := foreign_game(update, monitor.game_type)) is not None:
            self._invalid(attempt, Invalid("game_type", mistake), arrival.at, exact=arrival.exact)
            return
        beside = None if active is None else active.delivery
        verdict = attempt.delivery.received(update.sequence_id, monitor.sequence_id, arrival.at, beside)
        if verdict in ("take_over_and_judge", "take_over_and_repeat"):
            self._deliver_instead(attempt, arrival.at)
        elif attempt is active and self.standby is not None and not self.standby.rotates:
            self.ended(self.standby, _SILENT_BESIDE)
        if verdict in ("judge", "take_over_and_judge"):
            self.report(monitor.received(update, arrival, received.size_bytes))
        elif verdict == "overlap":
            monitor.overlapped()
        else:
            self.report(monitor.repeated(arrival.at))

    def _invalid(self, attempt: Attempt, event: Invalid, at: float, *, exact: bool = True) -> None:
        attempt.delivery.invalid(at)
        active = self.active
        if active is None or (attempt is not active and not active.delivery.is_mute(at)):
            # The active attempt carries it as well.
            return
        detail = present(event.detail, _DETAIL_CHARACTERS)
        self.report(self.monitor.invalid(event.reason, at, self._clock.wall(), detail, exact=exact))

    def _active_ended(self, lost: ConnectionLostError, now: float, detail: str) -> None:
        standby = self.standby
        if standby is not None and standby.subscribed:
            self._take_over(standby, now)
            self.report(self.monitor.replaced(lost.reason, now, detail))
            return
        self.report(self.monitor.lost(lost.reason, now, detail))
        self.lost = lost
        if standby is not None:
            # At once: it may be read in this very instant, and is not to take over any more.
            self.standby = None
            standby.hang_up()

    def _standby_ended(self, standby: Attempt, lost: ConnectionLostError, now: float, detail: str) -> None:
        # At once here too: the active attempt may be lost in the same instant, and must find it gone.
        self.standby = None
        if lost.reason != "silence":
            pause_seconds = 0.0 if lost.allow_reconnect else self.backoff.max_seconds
            self._retry.failed(now, max(pause_seconds, lost.retry_after_seconds))
        self.report(self.monitor.standby_ended(standby.ending, lost.reason, now, detail))

    def _deliver_instead(self, standby: Attempt, at: float) -> None:
        """The standby has shown that it delivers, and takes over."""
        silent = self.active is not None and at >= self.active.delivery.silent_at
        self._take_over(standby, at)
        self.report(self.monitor.replaced("silence", at, _REPLACED) if silent else self.monitor.rotated(at))

    def _take_over(self, standby: Attempt, at: float) -> None:
        """Listen to the standby from now on, and hang up the active one."""
        before, self.active, self.standby = self.active, standby, None
        standby.settled.set()
        if before is not None:
            standby.delivery.take_over(self.monitor.sequence_id, at, before.delivery)
            if before.delivery.good:
                self._failures = 0
            before.delivery.role = "retired"
            before.scope.cancel()
