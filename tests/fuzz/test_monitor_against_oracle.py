"""Monitor, checks and ledger against the naive oracle, over any history that hypothesis thinks of."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from tests.fuzz.oracle import TICKS_PER_SECOND, Event, Verdict, judge
from tests.support.builders import GAME_TYPE, game, moment, result, update, wall
from tests.support.steps import uncounted_lines
from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.reasons import DISCONNECT_REASONS, INVALID_REASONS

HALF_SECOND = TICKS_PER_SECOND // 2

# What is right comes first: hypothesis shrinks towards it.
SETTINGS = st.builds(
    CheckSettings,
    timer_frozen_seconds=st.sampled_from([3.0, 0.5]),
    timer_grace_seconds=st.sampled_from([3.0, 0.5, 0.0]),
    round_overdue_seconds=st.sampled_from([30.0, 1.0, 0.0]),
    maintenance_hold_seconds=st.sampled_from([900.0, 1.5, 0.5]),
    sequence=st.sampled_from(["contiguous", "increasing"]),
    timer_unit=st.sampled_from(["auto", "seconds"]),
)
STEPS = st.sampled_from([1, 1, 1, 1, 0, 2, 7, 121, 130, 5000, -1, -1, -130, -5000])
TIMERS = st.sampled_from(
    ["counts", "counts", "stays", "jumps", "rises", "negative", "zero", "unix", "unix_ms"]
)
GAME_TYPES = st.sampled_from([GAME_TYPE] * 15 + [GAME_TYPE + 1])
SENT = st.sampled_from([0.0, 0.0, 0.0, 0.125, 1.0, -0.5])
# Dates that were never set.
NEVER = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]
UNSET = st.sampled_from([None] * 9 + NEVER)
# Several may share a key.
RESULTS = st.lists(
    st.tuples(st.sampled_from(["3c", "4d", "9h"]), st.sampled_from([1, 1, 2]), st.sampled_from([1, 1, 2])),
    max_size=4,
)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from([2, 2, 1, 3, 4, 5]),
        "play_status": st.sampled_from([1, 1, 2]),
        "current_round": st.sampled_from([1, 2]),
        "id": st.sampled_from([0, 1, -1]),
        "last_round_id": st.sampled_from([99, 100]),
        "starts": st.sampled_from([3600.0, 2.0, *NEVER]),
        "finishes": st.sampled_from([7200.0, 2.0, 5.0, *NEVER]),
        "results": st.none() | RESULTS,
    },
)


class Game(RuleBasedStateMachine):
    """Tells the monitor and the oracle the same, and compares them after every step."""

    @initialize(checks=SETTINGS, subscribed=st.sampled_from([True, True, True, False]))
    def begin(self, checks: CheckSettings, *, subscribed: bool) -> None:
        self.checks = checks
        self.monitor = Monitor("betcore", GAME_TYPE, "Poker", checks, 0.0)
        self.now = 0
        self.events: list[Event] = []
        self.phase = "idle"
        self.sequence_id = 1000
        self.timer = 8.0
        self.sent = 0.0
        self.table: dict[str, Any] = {"state": 2, "play_status": 1}
        self.earliest = 0
        self.judged = False
        if subscribed:
            self.connect()
            self.subscribe()

    def tell(self, kind: str, **told: Any) -> None:
        if self.judged:
            # Nothing more happens at an instant whose end has been judged.
            self.now += 1
            self.judged = False
        self.events.append(Event(self.now, kind, told))
        note(str(self.events[-1]))

    @property
    def at(self) -> float:
        return self.now / TICKS_PER_SECOND

    # Few rules, as hypothesis leaves out some of them in every example.

    @rule(ticks=st.sampled_from([HALF_SECOND, 1, 2, 6, 8, 16, 40]), judged=st.booleans())
    def time_passes(self, ticks: int, *, judged: bool) -> None:
        self.now += ticks
        self.judged = False
        if judged:
            self.look()

    @rule(well=st.sampled_from([True, True, True, False]), reason=st.sampled_from(DISCONNECT_REASONS))
    def connection_changes(self, reason: Any, *, well: bool) -> None:
        if self.phase == "subscribed" or (self.phase == "connecting" and not well):
            self.tell("lost", reason=reason)
            self.monitor.lost(reason, self.at)
            self.phase = "idle"
        elif self.phase == "connecting":
            self.subscribe()
        elif well:
            self.connect()
        else:
            self.tell("no_token")
            self.monitor.no_token(self.at)

    def connect(self) -> None:
        self.tell("connecting")
        self.monitor.connecting(self.at)
        self.phase = "connecting"

    def subscribe(self) -> None:
        self.tell("subscribed")
        self.monitor.subscribed(self.at)
        self.phase = "subscribed"
        self.earliest = self.now

    @precondition(lambda self: self.phase == "subscribed")
    @rule(delivers=st.booleans(), reason=st.sampled_from(DISCONNECT_REASONS))
    def one_of_two_connections_ends(self, reason: Any, *, delivers: bool) -> None:
        if delivers:
            self.tell("replaced", reason=reason)
            self.monitor.replaced(reason, self.at)
            self.earliest = self.now
        else:
            self.tell("standby_ended", reason=reason)
            self.monitor.standby_ended("connection.lost", reason, self.at, "")

    @rule(ok=st.booleans(), invalid=st.none() | st.sampled_from(INVALID_REASONS))
    def token_or_message(self, invalid: Any, *, ok: bool) -> None:
        if invalid is not None and self.phase == "subscribed":
            self.tell("invalid", reason=invalid)
            self.monitor.invalid(invalid, self.at, wall(self.at))
        else:
            self.tell("authorized", ok=ok)
            self.monitor.authorized(self.at, ok=ok)

    @precondition(lambda self: self.phase == "subscribed")
    @rule(
        step=STEPS,
        timer=TIMERS,
        sent=SENT,
        table=TABLES,
        maintenance=st.sampled_from([False, False, True]),
        game_type=GAME_TYPES,
        unset=UNSET,
    )
    def one_update(self, **drawn: Any) -> None:
        self.receive(**drawn)

    @precondition(lambda self: self.phase == "subscribed")
    @rule(
        count=st.integers(2, 12),
        ticks=st.sampled_from([HALF_SECOND, HALF_SECOND, 2, 6]),
        step=STEPS,
        timer=TIMERS,
        moves=st.sampled_from([True, True, False]),
        table=TABLES,
    )
    def updates_go_on(
        self, *, count: int, ticks: int, step: int, timer: str, moves: bool, table: Any
    ) -> None:
        for number in range(count):
            self.now += ticks
            self.judged = False
            self.receive(
                step=step,
                timer=timer,
                sent=0.0 if moves else None,
                table={} if number else table,
                maintenance=False,
            )

    @precondition(lambda self: self.phase == "subscribed")
    @rule(ticks=st.sampled_from([1, 4, 6, 7, 20]), timer=TIMERS, maintenance=st.booleans())
    def two_updates_in_one_read(self, *, ticks: int, timer: str, maintenance: bool) -> None:
        # What had arrived before has been read and judged.
        self.look()
        self.now += ticks
        self.judged = False
        for exact in (False, True):
            self.receive(step=1, timer=timer, sent=0.0, table={}, maintenance=maintenance, exact=exact)

    @rule(
        ticks=st.sampled_from([1, 2, 6, 20]),
        exact=st.booleans(),
        arrivals=st.lists(st.integers(0, 20), max_size=2),
    )
    def stall(self, *, ticks: int, exact: bool, arrivals: list[int]) -> None:
        if self.judged:
            self.now += 1
            self.judged = False
        since = self.now
        self.now += ticks
        self.tell("stalled", since=since)
        self.monitor.stalled(since / TICKS_PER_SECOND, self.at)
        if self.phase == "subscribed":
            for late in sorted(arrivals):
                self.receive(
                    step=1,
                    timer="counts",
                    sent=0.0,
                    table={},
                    maintenance=False,
                    arrived=min(since + late, self.now),
                    exact=exact,
                )
        # What the kernel holds has been read: that is told before time goes on.
        self.look()

    def receive(
        self,
        *,
        step: int,
        timer: str,
        sent: float | None,
        table: dict[str, Any],
        maintenance: bool,
        game_type: int = GAME_TYPE,
        arrived: int | None = None,
        exact: bool = True,
        unset: datetime | None = None,
    ) -> None:
        self.sequence_id = max(0, self.sequence_id + step)
        self.sent = self.sent if sent is None else self.at - sent
        self.table |= table
        told = update(
            sequence_id=self.sequence_id,
            sent=self.sent,
            betting_timer=self._timer(timer),
            maintenance=maintenance,
            games=(self._game(self.table, game_type),),
        )
        if unset is not None:
            told = replace(told, sent=unset)
        self.tell("received", update=told, at=0, exact=exact, wall=0.0)
        at = self.now if arrived is None else arrived
        self.earliest = at = max(at, self.earliest)
        self.events[-1].told.update(at=at, wall=wall(at / TICKS_PER_SECOND))
        self.monitor.received(
            told, Arrival(at / TICKS_PER_SECOND, wall(at / TICKS_PER_SECOND), exact=exact), 10
        )

    def _game(self, table: dict[str, Any], game_type: int) -> Any:
        fields = {"type": game_type} | table
        fields["id"] = 100 + fields.get("id", 0)
        for name in ("starts", "finishes"):
            if isinstance(fields.get(name), float):
                fields[name] = moment(fields[name])
        if fields.get("results") is not None:
            fields["results"] = tuple(
                result(value, number=number, status=status) for value, number, status in fields["results"]
            )
        return game(**fields)

    def _timer(self, timer: str) -> float:
        match timer:
            case "counts":
                self.timer = 20.0 - self.at % 20
            case "jumps":
                self.timer -= 5.0
            case "rises":
                self.timer += 2.0
            case "negative":
                self.timer = -1.0
            case "zero":
                self.timer = 0.0
            case "unix":
                return wall(self.sent) + 4.0
            case "unix_ms":
                return (wall(self.sent) + 4.0) * 1000
        return self.timer

    def look(self) -> None:
        """Judge all that fell due, and compare everything known."""
        if self.judged:
            return
        self.tell("advanced")
        self.monitor.advance(self.at)
        self.judged = True
        assert seen_of(self.monitor, self.at) == expected(judge(self.events, self.checks, self.now))

    def teardown(self) -> None:
        if hasattr(self, "monitor"):
            self.look()


def seen_of(monitor: Monitor, at: float) -> dict[str, Any]:
    shown = monitor.snapshot(at, wall(at))
    return {
        "state": shown.state,
        "state_seconds": {state: n for state, n in shown.state_seconds.items() if n},
        "anomalies": {name: n for name, n in shown.anomalies.items() if n},
        "missed": shown.sequence_missed,
        "messages": shown.messages,
        "in_maintenance": {kind: n for kind, n in shown.maintenance_anomalies.items() if n},
        "timed": shown.timed_updates,
        "late": shown.late_updates,
        "invalid": {reason: n for reason, n in shown.invalid_messages.items() if n},
        "disconnects": {reason: n for reason, n in shown.disconnects.items() if n},
        "attempts": shown.connection_attempts,
        "tried": shown.tried,
        "connected": shown.connected,
        "timer_stale": shown.betting_timer_stale,
        "timer_seconds": shown.betting_timer_seconds,
        "maintenance": shown.maintenance,
        "round_state": shown.round_state,
        "outcomes": {outcome: n for outcome, n in shown.round_outcomes.items() if n},
        "intervals": (sum(shown.intervals.counts), shown.intervals.total),
        "latencies": (sum(shown.latencies.counts), shown.latencies.total),
    }


def expected(verdict: Verdict) -> dict[str, Any]:
    known = {name: getattr(verdict, name) for name in vars(verdict)}
    return known | {
        "intervals": (len(verdict.intervals), sum(verdict.intervals)),
        "latencies": (len(verdict.latencies), sum(verdict.latencies)),
    }


def test_monitor_and_oracle_agree_on_any_history() -> None:
    chosen = settings(max_examples=300, stateful_step_count=40, suppress_health_check=list(HealthCheck))
    with uncounted_lines():
        run_state_machine_as_test(Game, settings=chosen)
