"""What holds for the monitor whatever happens to it, and in whatever order."""

import math
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import TICK, Watch, betting, dealing, game, moment, result
from watchdog.core.findings import Finding
from watchdog.core.ledger import STATES
from watchdog.core.protocol.reasons import DISCONNECT_REASONS, INVALID_REASONS

HOLD_TICKS = round(6.0 / TICK)
DUE_TICKS = round(0.75 / TICK)
SETTINGS = {"maintenance_hold_seconds": 6.0}


@dataclass(frozen=True)
class Step:
    """`wait` ticks after the step before, something happens; a stall lasts `lasts` ticks."""

    wait: int
    action: str
    changes: dict[str, Any] = field(default_factory=dict)
    lasts: int = 0


WAITS = st.integers(0, 20) | st.sampled_from([31, 32, 33, 47, 48, 49, 128, 192]) | st.integers(0, 500)

GAMES = st.sampled_from(
    [
        (game(),),
        (betting(),),
        (betting(current_round=2),),
        (dealing(),),
        (dealing(results=(result("3c"),)),),
        (dealing(results=(result("4c"),)),),
        (dealing(finishes=moment(-60)),),
        (game(id=101),),
        (game(id=99, state=3),),
        (game(state=5),),
        (game(type=4),),
        (),
    ]
)
NASTY = st.fixed_dictionaries(
    {},
    optional={
        "games": GAMES,
        "betting_timer": st.sampled_from([-1, 0, 5, 9, 10, 30, 1e9 + 1, 2e12]),
        "maintenance": st.booleans(),
        "sequence_id": st.integers(0, 5) | st.just(5000),
        "sent": st.sampled_from([0.0, 0.5, 1.0]),
    },
)
TAME = st.sampled_from([{}, {}, {"maintenance": True}, {"games": (dealing(finishes=moment(-60)),)}])

OTHERS = st.sampled_from(
    [
        *("connecting", "no_token", "subscribed", "subscribed", "lost", "replaced", "standby_ended"),
        *("invalid", "authorized", "unauthorized"),
    ]
)


def steps(updates):
    return st.lists(
        st.builds(Step, WAITS, OTHERS)
        | st.builds(Step, WAITS, st.just("received"), updates)
        | st.builds(Step, WAITS, st.just("stalled"), st.none() | updates, st.integers(1, 120)),
        max_size=30,
    ).map(lambda chosen: [Step(3, "connecting"), Step(3, "subscribed"), *chosen])


def happen(watch: Watch, step: Step) -> list[Finding]:
    """Let the step happen now."""
    monitor, at = watch.monitor, watch.at
    reason = DISCONNECT_REASONS[step.wait % len(DISCONNECT_REASONS)]
    match step.action:
        case "connecting" | "no_token" | "subscribed":
            found = getattr(monitor, step.action)(at)
        case "lost":
            found = monitor.lost(reason, at)
        case "replaced":
            # Only one that is subscribed to can be; without it there is nothing to replace.
            found = (monitor.replaced if monitor.connected else monitor.lost)(reason, at)
        case "standby_ended":
            found = monitor.standby_ended("connection.failed", reason, at, "")
        case "invalid":
            found = monitor.invalid(INVALID_REASONS[step.wait % len(INVALID_REASONS)], at, 0.0)
        case "authorized" | "unauthorized":
            found = monitor.authorized(at, ok=step.action == "authorized")
        case "received":
            found = watch.receive(**step.changes)
        case _:
            found = stall(watch, step)
    return found


def stall(watch: Watch, step: Step) -> list[Finding]:
    """After a stall, what had arrived meanwhile is read, stamped half-way through; then time is judged."""
    since, until = watch.at, watch.at + step.lasts * TICK
    found = watch.monitor.stalled(since, until)
    if step.changes is not None:
        found += watch.receive(since + step.lasts // 2 * TICK, **step.changes)
    return found + watch.advance(until)


def play(chosen: list[Step], *, every: int | None = None, looks: bool = False) -> tuple[Watch, list[Finding]]:
    """Let the steps happen one after the other.

    With `every`, time is advanced that many ticks at a time between them; with `looks`, someone also
    takes snapshots meanwhile, before or after what fell due was judged.
    """
    watch = Watch(**SETTINGS)
    found: list[Finding] = []
    for step in [*chosen, Step(100, "end")]:
        begin = watch.at
        for tick in range(1, step.wait):
            now = begin + tick * TICK
            if looks and tick % 7 == 0:
                watch.monitor.snapshot(now, 0.0)
            if every and tick % every == 0:
                found += watch.advance(now)
        watch.at = begin + step.wait * TICK
        found += watch.advance(watch.at) if step.action == "end" else happen(watch, step)
    return watch, found


@given(steps(NASTY))
def test_the_seconds_over_all_states_add_up_to_the_time_watched(chosen):
    watch, _ = play(chosen)

    assert math.isclose(sum(watch.snapshot.state_seconds.values()), watch.at, abs_tol=1e-6)


@given(steps(NASTY), st.booleans())
def test_the_findings_alone_tell_the_stays_of_the_ledger(chosen, looks):
    watch, found = play(chosen, looks=looks)
    seconds: dict[Any, float] = dict.fromkeys(STATES, 0.0)
    state: Any = "unobserved"
    since = 0.0
    for finding in found:
        assert finding.at is not None
        if finding.event == "feed.state_changed":
            assert finding.detail["old"] == state
            seconds[state] += finding.at - since
            state, since = finding.detail["new"], finding.at
    seconds[state] += watch.at - since

    assert seconds == watch.snapshot.state_seconds


@given(steps(NASTY), st.integers(1, 40))
def test_advancing_in_one_step_or_in_a_thousand_gives_the_same(chosen, every):
    at_once, found_at_once = play(chosen)
    in_steps, found_in_steps = play(chosen, every=every)

    assert in_steps.snapshot == at_once.snapshot
    assert found_in_steps == found_at_once


@given(steps(NASTY))
def test_looking_changes_nothing(chosen):
    unseen, _ = play(chosen, every=50)
    seen, _ = play(chosen, every=50, looks=True)

    assert seen.snapshot == unseen.snapshot


@given(steps(NASTY), st.integers(0, 200))
def test_no_counter_ever_falls_between_two_snapshots(chosen, ahead):
    watch = Watch(**SETTINGS)
    before = watch.snapshot
    for step in chosen:
        watch.at += step.wait * TICK
        for at in (watch.at, watch.at + ahead * TICK):
            happen(watch, step)
            after = watch.monitor.snapshot(at, 0.0)
            assert all(after.state_seconds[state] >= before.state_seconds[state] for state in STATES)
            assert all(after.anomalies[kind] >= before.anomalies[kind] for kind in before.anomalies)
            assert after.messages >= before.messages
            before = after


@given(steps(NASTY))
def test_what_is_next_due_always_lies_ahead(chosen):
    watch = Watch(**SETTINGS)
    for step in chosen:
        watch.at += step.wait * TICK
        happen(watch, step)
        watch.advance(watch.at)
        assert watch.monitor.next_deadline > watch.at


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e4) | st.sampled_from([0.0, 0.75, 2.0, 1e-9]),
            st.floats(-5, 5),
            OTHERS.map(lambda action: Step(0, action))
            | st.builds(Step, st.just(0), st.just("received"), NASTY),
        ),
        max_size=25,
    ),
    st.floats(0.001, 10),
    st.floats(0, 10),
)
def test_with_times_of_any_kind_nothing_raises_and_what_is_due_lies_ahead(chosen, interval, tolerance):
    watch = Watch(interval_seconds=interval, tolerance_seconds=tolerance, timer_frozen_seconds=interval)
    latest = 0.0
    for wait, stamped_off, step in chosen:
        latest += wait
        watch.at = latest + stamped_off
        happen(watch, step)
        watch.advance(latest)
        assert watch.monitor.next_deadline > latest
        watch.monitor.stalled(latest, latest + wait)
        latest += wait
        watch.advance(latest)
        assert watch.monitor.next_deadline > latest


@dataclass
class Oracle:
    """The definitions of the states, asked at every tick; no deadlines, no bookkeeping of stays."""

    tried: bool = False
    connected: bool = False
    authorized: bool = True
    owed_since: int = 0
    maintenance_until: int = 0
    overdue: bool = False

    def state(self, tick: int) -> str:
        if not self.tried:
            return "unobserved"
        if tick < self.maintenance_until:
            return "maintenance"
        if not self.connected:
            return "disconnected" if self.authorized else "unauthorized"
        if tick - self.owed_since >= DUE_TICKS:
            return "silent"
        return "frozen" if self.overdue else "fresh"

    def learn(self, step: Step, tick: int) -> None:
        match step.action:
            case "connecting" | "no_token":
                self.tried = True
            case "subscribed":
                self.connected, self.overdue, self.owed_since = True, False, tick
            case "replaced":
                if tick - self.owed_since <= DUE_TICKS:
                    self.owed_since = tick
                # Nothing has been seen on the new connection, so nothing can be wrong with it.
                self.overdue = False
            case "lost":
                self.connected = False
            case "authorized" | "unauthorized":
                self.authorized = step.action == "authorized"
            case "received":
                self.owed_since = tick
                self.overdue = "games" in step.changes
                self.maintenance_until = tick + HOLD_TICKS if step.changes.get("maintenance") else 0


def expected_seconds(chosen: list[Step]) -> dict[str, float]:
    oracle, now = Oracle(), 0
    ticks: dict[str, int] = dict.fromkeys(STATES, 0)
    for step in [*chosen, Step(100, "end")]:
        for tick in range(now, now + step.wait):
            ticks[oracle.state(tick)] += 1
        now += step.wait
        if step.action == "stalled":
            if step.changes is not None:
                oracle.learn(Step(0, "received", step.changes), now + step.lasts // 2)
            ticks["unobserved"] += step.lasts
            now += step.lasts
        else:
            oracle.learn(step, now)
    return {state: count * TICK for state, count in ticks.items()}


@settings(max_examples=300)
@given(steps(TAME))
def test_no_state_is_entered_before_its_threshold_or_later(chosen):
    watch, _ = play(chosen)

    assert watch.snapshot.state_seconds == expected_seconds(chosen)
