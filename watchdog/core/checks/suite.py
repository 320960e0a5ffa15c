"""The content of a game's updates: what they say, and what is wrong with it."""

from watchdog.core.arrival import Arrival
from watchdog.core.checks.betting_timer import BettingTimer, seconds_left
from watchdog.core.checks.latency import Latency
from watchdog.core.checks.maintenance import Maintenance
from watchdog.core.checks.rounds import Rounds
from watchdog.core.checks.sequence import Sequence
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.timestamps import Timestamps
from watchdog.core.findings import Anomaly, Finding
from watchdog.core.protocol.updates import Game, GameState, PlayStatus, Update


class CheckSuite:
    """Asks every check but the cadence, which is about arrival alone."""

    __slots__ = (
        "_lasting",
        "_latency_high",
        "_settings",
        "latency",
        "maintenance",
        "rounds",
        "sequence",
        "timer",
        "timer_seconds",
        "timestamps",
    )

    def __init__(self, settings: CheckSettings) -> None:
        self._settings = settings
        self.sequence = Sequence(settings)
        self.timestamps = Timestamps(settings)
        self.latency = Latency()
        self.timer = BettingTimer(settings)
        self.rounds = Rounds(settings)
        self.maintenance = Maintenance(settings)
        self._lasting = (self.sequence, self.timestamps, self.timer)
        self._latency_high = False
        self.timer_seconds: float | None = None

    def received(
        self, update: Update, sent: float, arrival: Arrival, *, first_of_connection: bool
    ) -> list[Anomaly]:
        """Judge one update of this game, which was `sent` then by its `tst`, in UNIX seconds."""
        at = arrival.at
        before = self.sequence.last
        gap = self.sequence.received(update.sequence_id, at, first_of_connection=first_of_connection)
        anomalies = [gap] if gap is not None else []
        anomalies += self.timestamps.received(sent, at)
        current = update.games[0] if update.games else None
        anomalies += self._judge_timer(update, current, sent, at)
        if current is None:
            self.rounds.absent()
        else:
            contiguous = self._follows(update.sequence_id, before, first_of_connection=first_of_connection)
            anomalies += self.rounds.received(current, sent, contiguous=contiguous)
        self.maintenance.received(flag=update.maintenance, at=at)
        return anomalies

    def judge_latency(self, sent: float, arrival: Arrival) -> list[Finding]:
        """Take in how late an update arrived; tell of it when that begins to be too late."""
        latency = self.latency.received(sent, arrival.wall, arrival.at)
        high = latency > self._settings.latency_warning_seconds
        begins, self._latency_high = high and not self._latency_high, high
        if not begins:
            return []
        return [Finding("latency.high", "warning", {"latency_seconds": round(latency, 3)})]

    def restart(self) -> None:
        """How long anything has lasted can't be told from here on: it counts anew."""
        for check in self._lasting:
            check.reconnected()

    @property
    def due_at(self) -> float:
        """When the first of the lasting conditions becomes an anomaly by itself; infinite if none does."""
        return min(self.sequence.due_at, self.timestamps.due_at, self.timer.due_at)

    def elapse(self, at: float) -> list[Anomaly]:
        """Time has come to `at` without an update."""
        return [anomaly for check in self._lasting for anomaly in check.elapse(at)]

    @property
    def stale(self) -> bool:
        """Whether anything stands still or contradicts itself."""
        return bool(self.timer.stale or self.timestamps.stale or self.sequence.stale or self.rounds.overdue)

    def stale_because(self) -> list[str]:
        """What stands still or contradicts itself; empty while nothing does."""
        reasons = [f"betting_timer.{self.timer.stale}"] if self.timer.stale else []
        if self.timestamps.stale:
            reasons.append("timestamp.frozen")
        if self.sequence.stale:
            reasons.append("sequence.frozen")
        if self.rounds.overdue:
            reasons.append("round.overdue")
        return reasons

    def _judge_timer(self, update: Update, game: Game | None, sent: float, at: float) -> list[Anomaly]:
        left = seconds_left(update.betting_timer, sent, self._settings.timer_unit)
        self.timer_seconds = left
        if game is None or game.state != GameState.ACTIVE:
            self.timer.inactive()
            return []
        betting_open = game.play_status == PlayStatus.BETTING_TIME
        return self.timer.received(left, at, window=(game.id, game.current_round), betting_open=betting_open)

    def _follows(self, sequence_id: int, before: int | None, *, first_of_connection: bool) -> bool:
        """Whether no update, and so no round, can have been lost since the one `before`."""
        if before is None or sequence_id == before + 1:
            return True
        if first_of_connection:
            return False
        return sequence_id <= before or self._settings.sequence == "increasing"
