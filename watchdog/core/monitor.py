"""The monitor: all that is known of one game. Updates and events in, findings out; readers only read."""

from watchdog.core.arrival import Arrival, Finding, Level
from watchdog.core.checks.cadence import Cadence
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.suite import Content
from watchdog.core.counters import Tally
from watchdog.core.findings import Anomaly
from watchdog.core.ledger import Ledger, State
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason
from watchdog.core.protocol.updates import Update, unix_seconds
from watchdog.core.snapshot import GameSnapshot

_NEVER = float("inf")


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
        self._content = Content(settings)
        self._tried = False
        self._connected = False
        self._authorized = True
        self._first_of_connection = False
        # Whether an update has come since the subscription.
        self._observing = False
        # A stall of ours hid whether the next update came in time.
        self._blind = False
        self._last_message_at = 0.0
        self._tally = Tally()
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
        return self._content.sequence.last

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
        return None if self._content.timestamps.stale else self._content.latency.offset_seconds(at)

    def connecting(self, at: float) -> list[Finding]:
        """An attempt to connect begins."""
        self._tried = True
        self._tally.attempts += 1
        return [*self._elapse(at), *self._judge(at)]

    def unable(self, at: float) -> list[Finding]:
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
        self._content.restart()
        return findings + self._judge(at)

    def lost(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """An attempt failed or the connection ended, for one named reason."""
        findings = self._elapse(at)
        self._tally.disconnect(reason)
        event = "connection.lost" if self._connected else "connection.failed"
        level: Level = "info" if reason == "shutdown" else "warning"
        findings.append(Finding(event, level, {"reason": reason} | ({"error": detail} if detail else {})))
        self._connected = self._observing = False
        self._blind = False
        self._content.timer_seconds = None
        self._cadence.disconnected()
        return findings + self._judge(at)

    def rotated(self, at: float) -> list[Finding]:
        """Another connection of the same subscription takes over at `at`, without an interruption."""
        self._tally.rotated()
        self._first_of_connection = True
        return [*self._owed_from(at), Finding("connection.rotated", "info", {})]

    def not_rotated(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """Another connection that was to take over could not be had; the present one goes on."""
        self._tally.not_rotated(reason)
        particulars: dict[str, object] = {"reason": reason} | ({"error": detail} if detail else {})
        return [*self._elapse(at), Finding("connection.rotation_failed", "warning", particulars)]

    def overlapped(self) -> None:
        """An update came over a connection that has not taken over: the one in charge carries it as well."""
        self._tally.overlapped += 1

    def repeated(self, at: float) -> list[Finding]:
        """An update came that the connection before has delivered: it only shows that this one delivers."""
        self._tally.overlapped += 1
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
        particulars: dict[str, object] = {"reason": reason, "error": detail}
        self._tally.invalid_message(reason, particulars, wall)
        return [*findings, Finding("message.invalid", "warning", particulars)]

    def received(self, update: Update, arrival: Arrival) -> list[Finding]:
        """Judge one update."""
        at = arrival.at
        for game in update.games:
            if game.type != self.game_type:
                detail = f"subscribed to game type {self.game_type}, got {game.type}"
                return self.invalid("game_type", at, arrival.wall, detail)
        findings = self._elapse(at)
        self._blind = False
        self._observing = True
        self._tally.message(arrival.size_bytes, arrival.wall)
        self._last_message_at = at
        self._cadence.received(at, exact=arrival.exact)
        sent = unix_seconds(update.sent)
        if arrival.exact:
            findings += self._content.judge_latency(sent, arrival)
        else:
            # How long anything has lasted can't be told from a time of arrival that is ours.
            self._content.restart()
        first, self._first_of_connection = self._first_of_connection, False
        if anomalies := self._content.received(update, sent, arrival, first_of_connection=first):
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
        ledger, tally = self._ledger, self._tally
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
            connection_attempts=tally.attempts,
            disconnects=tally.disconnects,
            last_disconnect=tally.last_disconnect,
            rotations=tally.rotations,
            overlap_messages=tally.overlapped,
            messages=tally.messages,
            received_bytes=tally.received_bytes,
            last_message_at=tally.last_message_wall,
            intervals=self._cadence.intervals.read(),
            latencies=self._content.latency.latencies.read(),
            clock_offset_seconds=self._content.latency.offset_seconds(at),
            sequence_id=self._content.sequence.last,
            sequence_missed=self._content.sequence.missed,
            betting_timer_seconds=self._content.timer_seconds,
            betting_timer_stale=self._observing and self._content.timer.stale is not None,
            maintenance=self._content.maintenance.flag,
            round_state=self._content.rounds.state_name,
            round_id=self._content.rounds.id,
            round_outcomes=self._content.rounds.outcomes,
            anomalies=tally.anomalies,
            invalid_messages=tally.invalid,
            recent_anomalies=tally.recent,
        )

    def _owed_from(self, at: float) -> list[Finding]:
        """The next update is due an interval from `at`; none is measured from the connection before."""
        findings = self._elapse(at)
        self._cadence.subscribed(at)
        return findings + self._judge(at)

    def _find_deadline(self) -> float:
        held_until = self._content.maintenance.until if self._ledger.state == "maintenance" else _NEVER
        return min(self._cadence.deadline, self._due_checks_at(), held_until)

    def _due_checks_at(self) -> float:
        """When the first of the lasting conditions becomes an anomaly by itself."""
        return self._content.due_at if self._connected else _NEVER

    def _elapse(self, at: float, *, inclusive: bool = False) -> list[Finding]:
        """Judge every deadline before `at`, each at its own instant; with `inclusive` those at `at` too.

        An update that arrives at the very instant of a deadline is on time, hence the difference. Whatever
        happens to a game begins here, so here the deadline known from before is forgotten.
        """
        findings: list[Finding] = []
        while not self._blind and ((due := self.next_deadline) < at or (inclusive and due == at)):
            if self._due_checks_at() <= due:
                wall = (self._tally.last_message_wall or 0.0) + due - self._last_message_at
                findings += self._count(self._content.elapse(due), wall)
            self._cadence.elapse(due)
            findings += self._judge(due)
            self._deadline = None
        self._deadline = None
        return findings

    def _frozen_because(self) -> list[str]:
        return self._content.stale_because() if self._observing else []

    def _state_at(self, at: float) -> State:
        """The first state that applies, in the order of precedence."""
        if not self._tried or self._blind:
            return "unobserved"
        if self._content.maintenance.in_force(at):
            return "maintenance"
        if not self._connected:
            return "disconnected" if self._authorized else "unauthorized"
        if self._cadence.silent:
            return "silent"
        return "frozen" if self._observing and self._content.stale else "fresh"

    def _judge(self, at: float) -> list[Finding]:
        return self._enter(self._state_at(at), at)

    def _enter(self, state: State, at: float) -> list[Finding]:
        old = self._ledger.state
        lasted = self._ledger.enter(state, at)
        if lasted is None:
            return []
        detail: dict[str, object] = {"old": old, "new": state, "lasted_seconds": round(lasted, 3)}
        if state == "frozen":
            detail["because"] = self._frozen_because()
        # The first attempt of a watch passes through `disconnected`: that is no trouble yet.
        first = old == "unobserved" and state == "disconnected" and self._tally.last_disconnect is None
        expected = first or state in ("fresh", "maintenance")
        level: Level = "info" if expected else "warning"
        return [Finding("feed.state_changed", level, detail)]

    def _count(self, anomalies: list[Anomaly], wall: float) -> list[Finding]:
        for anomaly in anomalies:
            self._tally.anomaly(anomaly, wall)
        return [Finding(anomaly.event, "warning", anomaly.detail) for anomaly in anomalies]
