"""The monitor: all that is known of one game. Updates and events in, findings out; readers only read."""

import math

from watchdog.core.arrival import Arrival
from watchdog.core.checks.cadence import Cadence
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.suite import CheckSuite
from watchdog.core.counters import Counters
from watchdog.core.findings import Anomaly, Detail, Finding, Level
from watchdog.core.ledger import Ledger, State
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason
from watchdog.core.protocol.updates import Update, unix_seconds
from watchdog.core.snapshot import GameSnapshot

_NEVER = math.inf


class Monitor:
    """Judges one game. Told what happened and when (monotonic seconds), it answers what it found.

    `advance` must be called once `next_deadline` has passed and nothing that arrived before is left
    unread; until then the time since is booked to nothing.
    """

    def __init__(self, feed: str, game_type: int, game: str, settings: CheckSettings, at: float) -> None:
        self.feed = feed
        self.game_type = game_type
        self.game = game
        self._settings = settings
        self._ledger = Ledger(at)
        self._cadence = Cadence(settings)
        self._checks = CheckSuite(settings)
        self._tried = False
        self._connected = False
        self._authorized = True
        self._first_of_connection = False
        # Whether an update has come since the subscription.
        self._observing = False
        # A stall of ours hid whether the next update came in time.
        self._blind = False
        self._last_message_at = 0.0
        self._counters = Counters()
        # What `next_deadline` answers; None while that has to be found anew.
        self._deadline: float | None = None

    @property
    def state(self) -> State:
        """The state of the game as last judged."""
        return self._ledger.state

    @property
    def connected(self) -> bool:
        """Whether the game is subscribed to on an open connection."""
        return self._connected

    @property
    def sequence_id(self) -> int | None:
        """The id of the last update; None before the first."""
        return self._checks.sequence.last

    @property
    def update_due_at(self) -> float:
        """Until when the next update is on time; infinite without a subscription."""
        return self._cadence.due_at

    @property
    def next_deadline(self) -> float:
        """When the next judgement falls due if nothing happens until then; infinite if none does."""
        if self._deadline is None:
            self._deadline = self._ledger.since if self._blind else self._find_deadline()
        return self._deadline

    def clock_offset_seconds(self, at: float) -> float | None:
        """How far our clock is ahead of the provider's; None where its updates can't tell."""
        return None if self._checks.timestamps.stale else self._checks.latency.offset_seconds(at)

    def connecting(self, at: float) -> list[Finding]:
        """An attempt to connect begins."""
        self._tried = True
        self._counters.attempts += 1
        return [*self._elapse(at), *self._judge(at)]

    def no_token(self, at: float) -> list[Finding]:
        """There is nothing to connect with: no token. That counts as tried."""
        self._tried = True
        return [*self._elapse(at), *self._judge(at)]

    def subscribed(self, at: float) -> list[Finding]:
        """The connection is open and the subscription sent: updates are owed from now on."""
        findings = self._elapse(at)
        self._connected = True
        self._observing = False
        self._first_of_connection = True
        self._cadence.subscribed(at)
        self._checks.restart()
        return findings + self._judge(at)

    def lost(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """An attempt failed or the connection ended, for one named reason."""
        findings = self._elapse(at)
        self._counters.disconnect(reason)
        event = "connection.lost" if self._connected else "connection.failed"
        level: Level = "info" if reason == "shutdown" else "warning"
        findings.append(Finding(event, level, {"reason": reason} | ({"error": detail} if detail else {})))
        self._connected = self._observing = False
        self._blind = False
        self._checks.timer_seconds = None
        self._cadence.disconnected()
        return findings + self._judge(at)

    def rotated(self, at: float) -> list[Finding]:
        """Another connection of the same subscription takes over at `at`, without an interruption."""
        self._counters.rotated()
        self._first_of_connection = True
        return [*self._owed_from(at), Finding("connection.rotated", "info", {})]

    def not_rotated(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """Another connection that was to take over could not be had; the present one goes on."""
        self._counters.not_rotated(reason)
        particulars: Detail = {"reason": reason} | ({"error": detail} if detail else {})
        return [*self._elapse(at), Finding("connection.rotation_failed", "warning", particulars)]

    def overlapped(self) -> None:
        """An update came over a connection that has not taken over: the one in charge carries it as well."""
        self._counters.overlapped += 1

    def repeated(self, at: float) -> list[Finding]:
        """An update came that the connection before has delivered: it only shows that this one delivers."""
        self._counters.overlapped += 1
        return self._owed_from(at)

    def authorized(self, at: float, *, ok: bool) -> list[Finding]:
        """The feed's token is good, or it is missing, expired or rejected."""
        if ok == self._authorized:
            return []
        findings = self._elapse(at)
        self._authorized = ok
        return findings + self._judge(at)

    def invalid(self, reason: InvalidReason, at: float, wall: float, detail: str = "") -> list[Finding]:
        """A message that is no valid update: counted here and nowhere else."""
        findings = self._elapse(at)
        particulars: Detail = {"reason": reason, "error": detail}
        self._counters.invalid_message(reason, particulars, wall)
        return [*findings, Finding("message.invalid", "warning", particulars)]

    def received(self, update: Update, arrival: Arrival, size_bytes: int) -> list[Finding]:
        """Judge one update, whose record had `size_bytes`."""
        at = arrival.at
        for game in update.games:
            if game.type != self.game_type:
                detail = f"subscribed to game type {self.game_type}, got {game.type}"
                return self.invalid("game_type", at, arrival.wall, detail)
        findings = self._elapse(at)
        self._blind = False
        self._observing = True
        self._counters.message(size_bytes, arrival.wall)
        self._last_message_at = at
        self._cadence.received(at, exact=arrival.exact)
        sent = unix_seconds(update.sent)
        if arrival.exact:
            findings += self._checks.judge_latency(sent, arrival)
        else:
            # How long anything has lasted can't be told from a time of arrival that is ours.
            self._checks.restart()
        first, self._first_of_connection = self._first_of_connection, False
        if anomalies := self._checks.received(update, sent, arrival, first_of_connection=first):
            findings += self._count(anomalies, arrival.wall)
        return findings + self._judge(at)

    def stalled(self, since: float, until: float) -> list[Finding]:
        """Our own loop stood still: nothing was observed, and nobody is to blame for that time.

        If the next update fell due meanwhile, the game stays unobserved until what had arrived is read.
        """
        findings = self._elapse(since)
        findings += self._enter("unobserved", since)
        # Where it was silent already nothing fell due, and nobody will wake up to look.
        if self._connected and not self._cadence.silent and self._cadence.due_at <= until:
            self._blind = True
            # Times are booked from here on; the stall itself is over.
            self._ledger.enter("unobserved", until)
            return findings
        return findings + self._judge(until)

    def advance(self, at: float) -> list[Finding]:
        """Time has come to `at` and nothing that arrived before is unread: judge what fell due."""
        self._blind = False
        self._deadline = None
        return [*self._elapse(at, inclusive=True), *self._judge(at)]

    def snapshot(self, at: float, wall: float) -> GameSnapshot:
        """All that is known at `at` (monotonic) and `wall` (UNIX seconds).

        Seconds are booked up to the last instant that has been judged, so that no counter ever falls.
        """
        ledger, counters = self._ledger, self._counters
        return GameSnapshot(
            feed=self.feed,
            game_type=self.game_type,
            game=self.game,
            state=ledger.state,
            state_since=wall - (at - ledger.since),
            state_seconds=ledger.seconds(min(at, max(self.next_deadline, ledger.since))),
            interval_seconds=self._settings.interval_seconds,
            late_after_seconds=self._settings.late_after_seconds,
            frozen_because=tuple(self._frozen_because()),
            tried=self._tried,
            connected=self._connected,
            connection_attempts=counters.attempts,
            disconnects=counters.disconnects,
            last_disconnect=counters.last_disconnect,
            rotations=counters.rotations,
            overlap_messages=counters.overlapped,
            messages=counters.messages,
            received_bytes=counters.received_bytes,
            last_message_at=counters.last_message_wall,
            intervals=self._cadence.intervals.read(),
            latencies=self._checks.latency.latencies.read(),
            clock_offset_seconds=self._checks.latency.offset_seconds(at),
            sequence_id=self._checks.sequence.last,
            sequence_missed=self._checks.sequence.missed,
            betting_timer_seconds=self._checks.timer_seconds,
            betting_timer_stale=self._observing and self._checks.timer.stale is not None,
            maintenance=self._checks.maintenance.flag,
            round_state=self._checks.rounds.state_name,
            round_id=self._checks.rounds.id,
            round_outcomes=self._checks.rounds.outcomes,
            anomalies=counters.anomalies,
            invalid_messages=counters.invalid,
            recent_anomalies=counters.recent,
        )

    def _owed_from(self, at: float) -> list[Finding]:
        """The next update is due an interval from `at`; none is measured from the connection before."""
        findings = self._elapse(at)
        self._cadence.subscribed(at)
        return findings + self._judge(at)

    def _find_deadline(self) -> float:
        held_until = self._checks.maintenance.until if self._ledger.state == "maintenance" else _NEVER
        return min(self._cadence.deadline, self._due_checks_at(), held_until)

    def _due_checks_at(self) -> float:
        """When the first of the lasting conditions becomes an anomaly by itself."""
        return self._checks.due_at if self._connected else _NEVER

    def _elapse(self, at: float, *, inclusive: bool = False) -> list[Finding]:
        """Judge every deadline before `at`, each at its own instant; with `inclusive` those at `at` too.

        An update that arrives at the very instant of a deadline is on time, hence the difference. Whatever
        happens to a game begins here, so here the deadline known from before is forgotten.
        """
        findings: list[Finding] = []
        while not self._blind and ((due := self.next_deadline) < at or (inclusive and due == at)):
            if self._due_checks_at() <= due:
                wall = (self._counters.last_message_wall or 0.0) + due - self._last_message_at
                findings += self._count(self._checks.elapse(due), wall)
            self._cadence.elapse(due)
            findings += self._judge(due)
            self._deadline = None
        self._deadline = None
        return findings

    def _frozen_because(self) -> list[str]:
        return self._checks.stale_because() if self._observing else []

    def _state_at(self, at: float) -> State:
        """The first state that applies, in the order of precedence."""
        if not self._tried or self._blind:
            return "unobserved"
        if self._checks.maintenance.in_force(at):
            return "maintenance"
        if not self._connected:
            return "disconnected" if self._authorized else "unauthorized"
        if self._cadence.silent:
            return "silent"
        return "frozen" if self._observing and self._checks.stale else "fresh"

    def _judge(self, at: float) -> list[Finding]:
        return self._enter(self._state_at(at), at)

    def _enter(self, state: State, at: float) -> list[Finding]:
        old = self._ledger.state
        lasted = self._ledger.enter(state, at)
        if lasted is None:
            return []
        detail: Detail = {"old": old, "new": state, "lasted_seconds": round(lasted, 3)}
        if state == "frozen":
            detail["because"] = self._frozen_because()
        # The first attempt of a watch passes through `disconnected`: that is no trouble yet.
        first = old == "unobserved" and state == "disconnected" and self._counters.last_disconnect is None
        expected = first or state in ("fresh", "maintenance")
        level: Level = "info" if expected else "warning"
        return [Finding("feed.state_changed", level, detail)]

    def _count(self, anomalies: list[Anomaly], wall: float) -> list[Finding]:
        for anomaly in anomalies:
            self._counters.anomaly(anomaly, wall)
        return [Finding(anomaly.event, "warning", anomaly.detail) for anomaly in anomalies]
