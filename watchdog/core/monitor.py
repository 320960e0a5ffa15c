"""The monitor: all that is known of one game. Updates and events in, findings out; readers only read."""

import math

from watchdog.core.arrival import Arrival
from watchdog.core.checks.cadence import Cadence
from watchdog.core.checks.latency import Latency
from watchdog.core.checks.maintenance import Maintenance
from watchdog.core.checks.settings import DEFAULT_OBJECTIVE, CheckSettings
from watchdog.core.checks.suite import CheckSuite
from watchdog.core.connections import Connections, Ending
from watchdog.core.counters import Counters, IncidentCounts
from watchdog.core.findings import Anomaly, Detail, Finding, Level
from watchdog.core.ledger import Ledger, State
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason
from watchdog.core.protocol.updates import Update, foreign_game, known_seconds
from watchdog.core.snapshot import GameSnapshot


class Monitor:
    """Judges one game: takes what happened and when (monotonic seconds), returns what it found.

    `advance` must be called once `next_deadline` has passed and nothing that arrived before is left
    unread; until then the time since is booked to nothing. Every method that takes an event first judges
    what fell due before it (`_elapse`) and last the state that it leads to (`_judge`).
    """

    def __init__(self, feed: str, game_type: int, game: str, settings: CheckSettings, at: float) -> None:
        self.feed, self.game_type, self.game = feed, game_type, game
        self.freshness_objective = DEFAULT_OBJECTIVE
        self._settings = settings
        self._ledger = Ledger(at)
        self._cadence = Cadence(settings)
        self._latency = Latency(settings)
        self._maintenance = Maintenance(settings)
        self._suite = CheckSuite(settings)
        self._connections = Connections()
        self._counters = Counters()
        self.incidents = IncidentCounts()  # kept by whoever makes incidents of what is found here
        self._tried, self._authorized = False, True
        self.connected = False  # subscribed to on an open connection
        self._observing = False  # an update has come since the subscription
        self._blind = False  # our own stall hid if the next update came in time
        self.next_deadline = math.inf
        """When the next judgement falls due if nothing happens until then; infinite if none does."""

    @property
    def state(self) -> State:
        """The state of the game as last judged."""
        return self._ledger.state

    @property
    def sequence_id(self) -> int | None:
        """The id of the last update; None before the first."""
        return self._suite.checks.sequence.last

    @property
    def update_due_at(self) -> float:
        """Until when the next update is on time; infinite without a subscription."""
        return self._cadence.due_at

    def clock_offset_seconds(self, at: float) -> float | None:
        """How far our clock is ahead of the provider's; None where its updates don't show it."""
        return None if self._suite.checks.timestamps.stale_because else self._latency.offset_seconds(at)

    def connecting(self, at: float) -> list[Finding]:
        """An attempt to connect begins."""
        self._tried = True
        self._connections.attempts += 1
        return [*self._elapse(at), *self._judge(at)]

    def no_token(self, at: float) -> list[Finding]:
        """There is no token to connect with; that counts as tried."""
        self._tried = True
        return [*self._elapse(at), *self._judge(at)]

    def subscribed(self, at: float) -> list[Finding]:
        """The connection is open and the subscription sent: updates are owed from now on."""
        findings = self._elapse(at)
        self.connected = True
        self._observing = False
        self._cadence.subscribed(at)
        self._suite.begin_connection()
        self._suite.restart()
        return findings + self._judge(at)

    def lost(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """An attempt failed or the connection ended, for one named reason."""
        event: Ending = "connection.lost" if self.connected else "connection.failed"
        findings = [*self._elapse(at), self._connections.ended(event, reason, at, detail)]
        self.connected = self._observing = self._blind = False
        self._cadence.disconnected()
        return findings + self._judge(at)

    def rotated(self, at: float) -> list[Finding]:
        """Another connection of the same subscription takes over without an interruption."""
        self._suite.begin_connection()
        return [*self._owed_from(at), self._connections.rotated(at)]

    def standby_ended(self, event: Ending, reason: DisconnectReason, at: float, detail: str) -> list[Finding]:
        """A connection beside the present one failed or ended; the present one goes on."""
        return [*self._elapse(at), self._connections.ended(event, reason, at, detail)]

    def replaced(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """The connection ended, and another one that is subscribed goes on; what is silent stays so."""
        findings = [*self._elapse(at), self._connections.ended("connection.lost", reason, at, detail)]
        self._observing = False
        self._cadence.replaced(at)
        self._suite.begin_connection()
        self._suite.restart()
        return findings + self._judge(at)

    def overlapped(self) -> None:
        """Count an update of a connection that has not taken over: the active one carries it as well."""
        self._connections.overlapped += 1

    def repeated(self, at: float) -> list[Finding]:
        """Count an update that the connection before has delivered: it only shows that this one delivers."""
        self._connections.overlapped += 1
        self._suite.pass_over()
        return self._owed_from(at)

    def authorized(self, at: float, *, ok: bool) -> list[Finding]:
        """The feed's token is good, or it is missing, expired or rejected."""
        if ok == self._authorized:
            return []
        findings = self._elapse(at)
        self._authorized = ok
        return findings + self._judge(at)

    def invalid(
        self, reason: InvalidReason, at: float, wall: float, detail: str = "", *, exact: bool = True
    ) -> list[Finding]:
        """Count a message that is no valid update; it counts nowhere else. For `exact` see `Arrival`."""
        findings = self._elapse(at) if exact else []
        agreed = self._maintenance.in_force(at)
        return [*findings, self._counters.invalid_message(reason, detail, at, wall, agreed=agreed)]

    def received(self, update: Update, arrival: Arrival, size_bytes: int) -> list[Finding]:
        """Judge one update, whose record had `size_bytes`."""
        at = arrival.at
        if (mistake := foreign_game(update, self.game_type)) is not None:
            return self.invalid("game_type", at, arrival.wall, mistake, exact=arrival.exact)
        # An inexact time proves no lateness: what is not judged yet fell due after the last read, and this
        # update may have come before it.
        findings = self._elapse(at) if arrival.exact else []
        self._blind = False
        self._observing = True
        self._counters.message(size_bytes, arrival)
        self._cadence.received(at, exact=arrival.exact, agreed=self._maintenance.begun)
        agreed = self._maintenance.received(flag=update.maintenance, at=at)
        if update.tolerated:
            findings += self._counters.tolerate(update.tolerated, at)
        sent = known_seconds(update.sent)
        if not arrival.exact:
            self._suite.restart()  # its time is no evidence of how long anything has lasted
        elif sent is not None:
            findings += self._latency.received(sent, arrival.wall, at)
        if anomalies := self._suite.received(update, sent, at):
            findings += self._count(anomalies, at, arrival.wall, agreed=agreed)
        return findings + self._judge(at)

    def stalled(self, since: float, until: float) -> list[Finding]:
        """Our own loop stood still: nothing was observed, and nobody is to blame for that time.

        If the next update fell due in the meantime, the game stays unobserved until what had arrived is read.
        """
        findings = [*self._elapse(since), *self._enter("unobserved", since)]
        # Of a game that was silent already nothing fell due, and no deadline will make anybody look.
        if self.connected and not self._cadence.silent and self._cadence.due_at <= until:
            self._blind = True
            self._ledger.book(until)  # the stall itself is over
            self.next_deadline = self._find_deadline()
            return findings
        return findings + self._judge(until)

    def advance(self, at: float) -> list[Finding]:
        """Judge what fell due up to `at`, now that nothing that arrived before is unread."""
        self._blind = False
        self.next_deadline = self._find_deadline()
        return [*self._elapse(at, inclusive=True), *self._judge(at)]

    def snapshot(self, at: float, wall: float) -> GameSnapshot:
        """All that is known at `at` (monotonic) and `wall` (UNIX seconds).

        Seconds are booked up to `at`, or to the last instant that has been judged. They stay booked: an
        earlier event that becomes known only later takes nothing back, so no counter ever falls.
        """
        ledger, counters, checks = self._ledger, self._counters, self._suite.checks
        connections = self._connections
        ledger.book(min(at, max(self.next_deadline, ledger.since)))
        return GameSnapshot(
            feed=self.feed,
            game_type=self.game_type,
            game=self.game,
            state=ledger.state,
            state_since=wall - (at - ledger.since),
            state_seconds=ledger.seconds(),
            interval_seconds=self._settings.interval_seconds,
            late_after_seconds=self._settings.late_after_seconds,
            freshness_objective=self.freshness_objective,
            frozen_because=tuple(self._frozen_because()),
            tried=self._tried,
            connected=self.connected,
            connection_attempts=connections.attempts,
            disconnects=connections.disconnects,
            last_disconnect=connections.last_disconnect,
            rotations=connections.rotations,
            overlap_messages=connections.overlapped,
            messages=counters.messages,
            received_bytes=counters.received_bytes,
            tolerated_updates=counters.tolerated,
            timed_updates=self._cadence.timed,
            late_updates=self._cadence.late,
            last_message_at=None if counters.last_arrival is None else counters.last_arrival.wall,
            intervals=self._cadence.intervals.read(),
            latencies=self._latency.latencies.read(),
            clock_offset_seconds=self._latency.offset_seconds(at),
            sequence_id=checks.sequence.last,
            sequence_missed=counters.missed,
            betting_timer_seconds=checks.timer.seconds_left if self._observing else None,
            betting_timer_stale=self._observing and bool(checks.timer.stale_because),
            maintenance=self._maintenance.flag,
            round_state=checks.rounds.state_name,
            round_id=checks.rounds.id,
            round_outcomes=checks.rounds.outcomes,
            anomalies=counters.anomalies,
            invalid_messages=counters.invalid,
            maintenance_anomalies=counters.maintenance_anomalies,
            recent_anomalies=counters.recent,
            incidents=self.incidents.began,
            incident_since=self.incidents.since,
        )

    def _owed_from(self, at: float) -> list[Finding]:
        """Owe the next update an interval from `at`; none is measured from the connection before."""
        findings = self._elapse(at)
        self._cadence.subscribed(at)
        return findings + self._judge(at)

    def _find_deadline(self) -> float:
        if self._blind:
            return self._ledger.since
        due_at = self._cadence.deadline
        if self.connected:
            due_at = min(due_at, self._suite.due_at)
        if self._ledger.state == "maintenance":
            due_at = min(due_at, self._maintenance.until)
        return due_at

    def _elapse(self, at: float, *, inclusive: bool = False) -> list[Finding]:
        """Judge every deadline before `at`, each at its own instant; with `inclusive` those at `at` too.

        An update that arrives at the very instant of a deadline is on time, hence the difference.
        """
        findings: list[Finding] = []
        while not self._blind and ((due := self.next_deadline) < at or (inclusive and due == at)):
            if self.connected and self._suite.due_at <= due:
                wall, agreed = self._counters.wall_at(due), self._maintenance.in_force(due)
                findings += self._count(self._suite.elapse(due), due, wall, agreed=agreed)
            self._cadence.elapse(due)
            findings += self._judge(due)
        return findings

    def _frozen_because(self) -> list[str]:
        return self._suite.stale_because() if self._observing else []

    def _state_at(self, at: float) -> State:
        """The first state that applies at `at`, in the order of precedence."""
        if not self._tried or self._blind:
            return "unobserved"
        if self._maintenance.in_force(at):
            return "maintenance"
        if not self.connected:
            return "disconnected" if self._authorized else "unauthorized"
        if self._cadence.silent:
            return "silent"
        return "frozen" if self._observing and self._suite.stale else "fresh"

    def _judge(self, at: float) -> list[Finding]:
        """Enter the state that holds at `at`, and find when that is to be judged next."""
        findings = self._enter(self._state_at(at), at)
        self.next_deadline = self._find_deadline()
        return findings

    def _enter(self, state: State, at: float) -> list[Finding]:
        old = self._ledger.state
        lasted = self._ledger.enter(state, at)
        if lasted is None:
            return []
        detail: Detail = {"old": old, "new": state, "lasted_seconds": round(lasted, 3)}
        if state == "frozen":
            detail["because"] = self._frozen_because()
        # The first attempt of a watch passes through `disconnected`; that is no trouble yet.
        first = old == "unobserved" and state == "disconnected" and self._connections.last_disconnect is None
        level: Level = "info" if first or state in ("fresh", "maintenance") else "warning"
        return [Finding("feed.state_changed", level, detail, self._ledger.since)]

    def _count(self, anomalies: list[Anomaly], at: float, wall: float, *, agreed: bool) -> list[Finding]:
        return [self._counters.anomaly(anomaly, at, wall, agreed=agreed) for anomaly in anomalies]
