"""The statement of a period: what is promised, lost and met, to the microsecond."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.histories import BASE, KEY, at, only, rollup, stated, watched
from watchdog.core.history import GameKey
from watchdog.core.ledger import STATES
from watchdog.core.statement.accounting import CreditStep
from watchdog.core.statement.records import Evidence

DAY = 86_400
BERLIN = ZoneInfo("Europe/Berlin")

OUTAGE = ((0, "fresh"), (1000, "silent"), (1090.000001, "fresh"))


def lost(document):
    return only(document).lost_seconds


def moment(seconds):
    return BASE + timedelta(seconds=seconds)


def test_a_day_with_one_outage():
    document = stated(watched(OUTAGE, DAY), start=0, end=DAY)
    game = only(document)

    assert (game.promised_seconds, game.accountable_seconds, game.lost_seconds) == (DAY, DAY, 90.000001)
    assert game.by_state == {**dict.fromkeys(STATES, 0.0), "fresh": DAY - 90.000001, "silent": 90.000001}
    assert game.by_party["provider"] == 90.000001
    assert (game.freshness, game.freshness_percent, game.met) == (0.999, 99.8958, False)
    assert (game.budget_seconds, game.budget_used) == (86.4, 1.0417)
    assert game.credit_percent == 0.0
    [incident] = document.incidents
    assert (incident.start, incident.end) == (moment(1000), moment(1090.000001))
    assert incident.cause == "silent: subscribed, but no update comes"
    assert (incident.lost_seconds, incident.whose, incident.game) == (90.000001, "provider", "Game 3")
    assert (document.total.met, document.total.missed, document.total.lost_seconds) == (0, 1, 90.000001)


def test_the_objective_is_decided_exactly_and_before_rounding():
    def outage(lasted):
        return only(stated(watched([(0, "silent"), (lasted, "fresh")], DAY), start=0, end=DAY))

    just, over = outage(86.4), outage(86.400001)
    assert (just.met, just.freshness_percent, just.budget_used) == (True, 99.9, 1.0)
    assert (over.met, over.freshness_percent) == (False, 99.9)


def test_what_was_excluded_is_not_accountable_and_stands_beside_it():
    steps = ((0, "fresh"), (100, "maintenance"), (400, "unauthorized"), (500, "disconnected"), (520, "fresh"))
    game = only(stated(watched(steps, 1000), start=0, end=1100))

    assert game.promised_seconds == 1100
    assert game.accountable_seconds == 1100 - 300 - 100 - 100
    assert game.lost_seconds == 20
    assert game.by_party == {
        "provider": 0.0,
        "path_or_provider": 20.0,
        "path": 0.0,
        "partner": 100.0,
        "ours": 100.0,
        "agreed": 300.0,
    }


@pytest.mark.parametrize(
    ("exclude", "accountable", "is_lost"),
    [
        (("unauthorized", "unobserved"), 900, 320),
        (("maintenance",), 800, 220),
        (("maintenance", "maintenance"), 800, 220),
        ((), 1100, 520),
    ],
)
def test_what_is_not_excluded_is_lost_and_in_an_incident(exclude, accountable, is_lost):
    steps = ((0, "fresh"), (100, "maintenance"), (400, "unauthorized"), (500, "disconnected"), (520, "fresh"))
    document = stated(watched(steps, 1000), start=0, end=1100, exclude=exclude)

    assert (only(document).accountable_seconds, lost(document)) == (accountable, is_lost)
    assert sum(each.lost_seconds for each in document.incidents) == is_lost


def test_maintenance_outside_the_agreed_windows_counts_as_lost():
    steps = ((0, "fresh"), (1000, "maintenance"), (5000, "fresh"))
    planned = ("mon 00:30-01:00", "2026-11-02T01:10Z/2026-11-02T02:00Z")
    document = stated(watched(steps, DAY), start=0, end=DAY, planned_maintenance=planned)
    game = only(document)

    # 00:16:40 to 01:23:20 less 00:30 to 01:00 and 01:10 to 01:23:20.
    assert game.maintenance_not_agreed_seconds == game.lost_seconds == 800 + 600
    assert game.by_party["provider"] == 1400
    assert game.by_party["agreed"] == game.promised_seconds - game.accountable_seconds == 2600
    assert [each.seconds for each in document.incidents] == [{"maintenance": 800.0}, {"maintenance": 600.0}]
    assert [each.state for each in game.timeline] == ["maintenance"]
    none = stated(watched(steps, DAY), start=0, end=DAY, planned_maintenance=())
    assert lost(none) == 4000


def test_only_the_promised_hours_count():
    steps = ((0, "fresh"), (7 * 3600, "silent"), (9 * 3600, "fresh"))
    document = stated(watched(steps, DAY), start=0, end=DAY, hours=("mon-fri 08:00-20:00",))
    game = only(document)

    assert (game.promised_seconds, game.lost_seconds) == (12 * 3600, 3600)
    assert sum(game.by_state.values()) == 12 * 3600
    assert document.incidents[0].seconds == {"silent": 7200.0}
    assert document.incidents[0].lost_seconds == 3600


def test_promised_hours_are_by_the_clock_of_the_time_zone():
    base = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight in Berlin before clocks go back
    history = watched([(0, "fresh")], 25 * 3600, base=base)
    document = stated(
        history,
        start=0,
        end=25 * 3600,
        base=base,
        zone=BERLIN,
        timezone="Europe/Berlin",
        hours=("sun 00:00-24:00",),
    )

    assert only(document).promised_seconds == 25 * 3600
    assert any("Europe/Berlin" in text for text in document.method)


def test_an_incident_shorter_than_agreed_is_ignored_by_all_of_its_length():
    steps = ((0, "fresh"), (1000, "silent"), (1020, "fresh"), (DAY - 20, "silent"), (DAY + 20, "fresh"))
    history = watched(steps, 2 * DAY)
    day = stated(history, start=0, end=DAY, ignore_shorter_than_seconds=30)

    assert [(each.lost_seconds, each.ignored) for each in day.incidents] == [(0.0, True), (20.0, False)]
    assert (lost(day), only(day).accountable_seconds) == (20, DAY)
    assert only(day).by_state["silent"] == 40
    exactly = stated(history, start=0, end=DAY, ignore_shorter_than_seconds=20)
    assert lost(exactly) == 40


@pytest.mark.parametrize(("lasted", "counted"), [(29.999999, 0), (30, 60), (89.9, 60), (90, 120)])
def test_what_an_incident_lost_is_rounded_half_upwards(lasted, counted):
    history = watched(((0, "fresh"), (1000, "silent"), (1000 + lasted, "fresh")), DAY)
    document = stated(history, start=0, end=DAY, round_to_seconds=60)

    assert lost(document) == document.incidents[0].lost_seconds == counted


def test_more_cannot_be_lost_than_there_was():
    document = stated(watched([(0, "silent")], 40), start=0, end=40, round_to_seconds=60)

    assert (lost(document), only(document).freshness) == (60, 0.0)


def test_by_updates_the_late_and_the_missed_count():
    history = watched([(0, "fresh")], DAY, rollups=[rollup(0, 1000, late=10, missed=20)])
    game = only(stated(history, start=0, end=DAY, basis="updates"))

    assert (game.freshness, game.met) == (0.9706, False)  # 990 of 1020
    assert game.budget_used == 30.0  # 30 of the 1 that may be lost, rounded down


def test_by_updates_an_outage_counts_what_was_due_if_the_sequence_shows_less():
    history = watched(OUTAGE, DAY, rollups=[rollup(0, 1000, late=10, missed=20)])
    game = only(stated(history, start=0, end=DAY, basis="updates"))

    assert game.freshness_percent == round(100 * 990 / (990 + 180), 4)


@pytest.mark.parametrize(("below", "due"), [(0.9989, 0.0), (0.999, 10.0), (0.9999, 10.0)])
def test_of_the_credits_that_freshness_is_below_the_highest_is_due(below, due):
    steps = ((below, 10.0), (1.0, 0.0), (0.5, 50.0))
    credit_steps = tuple(CreditStep(below=each, percent=percent) for each, percent in steps)

    assert only(stated(watched(OUTAGE, DAY), start=0, end=DAY, credits=credit_steps)).credit_percent == due


def test_a_game_of_which_nothing_is_promised_is_neither_met_nor_missed():
    document = stated(watched([(0, "fresh")], DAY), start=0, end=DAY, hours=("sun 00:00-24:00",))
    game = only(document)

    assert (game.promised_seconds, game.freshness, game.met, game.budget_used, game.credit_percent) == (
        *(0.0, None, None, None, None),
    )
    assert (document.total.met, document.total.missed, document.total.freshness) == (0, 0, None)


def test_an_objective_of_all_leaves_no_budget():
    game = only(stated(watched([(0, "fresh")], DAY, objective=1.0), start=0, end=DAY))

    assert (game.met, game.budget_seconds, game.budget_used) == (True, 0.0, None)


def test_an_incident_over_the_edges_of_a_period_has_its_true_times_and_the_periods_seconds():
    history = watched(
        ((-100, "fresh"), (-50, "silent"), (50, "fresh"), (DAY - 10, "silent"), (DAY + 30, "fresh")), 2 * DAY
    )
    first, last = stated(history, start=0, end=DAY).incidents

    assert (first.start, first.end, first.seconds) == (moment(-50), moment(50), {"silent": 50.0})
    assert (last.start, last.end, last.seconds) == (moment(DAY - 10), moment(DAY + 30), {"silent": 10.0})


def test_incidents_that_only_touch_a_period_are_not_of_it():
    history = watched(
        ((-100, "fresh"), (-50, "silent"), (0, "fresh"), (DAY, "silent"), (DAY + 30, "fresh")),
        2 * DAY,
        anomalies=[(-60.5, "a.b"), (DAY, "a.b")],
    )

    assert stated(history, start=0, end=DAY).incidents == ()


def test_an_anomaly_at_the_start_of_a_period_is_of_it():
    history = watched([(-100, "fresh")], DAY, anomalies=[(0, "sequence.gap", '{"missed": 3}')])
    [incident] = stated(history, start=0, end=DAY).incidents

    assert (incident.start, incident.end, incident.lost_seconds) == (moment(0), moment(0), 0.0)
    assert incident.anomalies[0].detail == {"missed": 3}
    assert incident.cause == "sequence gap"


def test_one_that_goes_on_has_no_end():
    [incident] = stated(watched([(0, "fresh"), (50, "silent")], 100), start=0, end=100).incidents

    assert incident.end is None


def test_the_cause_names_the_longest_reasons_and_the_anomalies():
    reasons = [
        (100 + index, "disconnected", (reason,))
        for index, reason in enumerate(("tls", "dns", "closed", "timeout"))
    ]
    steps = ((0, "fresh"), *reasons, (105, "frozen", ("betting_timer.frozen",)), (4000, "fresh"))
    history = watched(steps, DAY, anomalies=[(101, "sequence.gap"), (102, "sequence.gap"), (103, "new.kind")])
    [incident] = stated(history, start=0, end=DAY).incidents

    assert incident.cause == (
        "frozen: betting timer stands still (1 h 4 min 55.000 s); disconnected: no answer in time (timeout) "
        "(2.000 s); disconnected: connection lost (closed) (1.000 s); disconnected: host name not found "
        "(dns) (1.000 s); 1 more; sequence gap 2 times; new kind"
    )


def test_evidence_stands_with_its_incident():
    evidence = Evidence(file="betcore-3-20261102T001640Z.jsonl.gz", sha256="0" * 64)
    document = stated(
        watched(OUTAGE, DAY), start=0, end=DAY, evidence={"betcore-3-20261102T001640Z": evidence}
    )

    assert document.incidents[0].evidence == evidence


def test_time_without_a_watchdog_is_shown_once_for_all_its_games():
    steps = {3: [(0, "fresh")], 4: [(0, "fresh"), (100, "unobserved"), (100.9, "fresh")]}
    document = stated(watched(steps, 500), start=0, end=600)

    [gap] = document.not_observed
    assert (gap.start, gap.end, gap.seconds) == (moment(500), moment(600), 100.0)
    assert gap.games == ("betcore/3", "betcore/4")


def test_the_watchdogs_are_named_with_their_runs_in_the_period():
    killed = watched([(10, "fresh")], 30, run="two", orderly=False)
    before = watched([(-100, "fresh")], 0, run="one")
    other = watched([(0, "fresh")], 500, instance="us-1")
    europe, america = stated(killed, before, other, start=0, end=600).watchdogs

    assert [run.id for run in europe.runs] == ["two"]
    assert (europe.runs[0].end, europe.runs[0].orderly) == (moment(30), False)
    assert (america.runs[0].host, america.runs[0].version, america.runs[0].orderly) == (
        "us-1.example",
        "1.2.3",
        True,
    )


def test_of_two_watchdogs_the_one_without_a_path_is_booked_for_it_and_nothing_is_lost():
    here = watched([(0, "fresh")], DAY)
    there = watched([(0, "fresh"), (1000, "silent"), (1100, "fresh")], DAY, instance="us-1")
    document = stated(here, there, start=0, end=DAY)
    game = only(document)

    assert (game.lost_seconds, document.incidents) == (0.0, ())
    assert game.by_party["path"] == 100.0
    assert game.path_seconds == {"us-1": 100.0}


def test_games_are_those_with_a_stay_in_the_period_or_those_that_were_asked_for():
    history = watched({3: [(0, "fresh")], 4: [(0, "fresh"), (500, "fresh")]}, DAY)
    gone = watched({5: [(-500, "fresh")]}, -100, run="before")

    def types(**more):
        return [game.game_type for game in stated(history, gone, start=0, end=DAY, **more).games]

    assert types() == [3, 4]
    assert types(games=[KEY]) == [3]
    assert types(games=[GameKey("betcore", 9), GameKey("betcore", 5)]) == [5]
    assert [game.game_type for game in stated(gone, start=0, end=DAY).games] == [5]


def test_the_promise_is_the_last_one_of_the_period():
    history = watched([(0, "fresh")], 3 * DAY, run="one", objective=0.9)
    later = watched([(DAY, "fresh")], 3 * DAY, run="two", objective=0.99)
    latest = watched([(2 * DAY, "fresh")], 3 * DAY, run="three", objective=0.5)

    assert only(stated(history, later, latest, start=0, end=2 * DAY)).objective == 0.99
    assert only(stated(later, latest, start=0, end=DAY, games=[KEY])).objective == 0.99


STEPS = st.lists(st.tuples(st.integers(1, 40_000_000), st.sampled_from(STATES)), min_size=1, max_size=30)


def history_of(entries, instance, offset=0):
    now, steps = offset / 1e6, []
    for lasted, state in entries:
        steps.append((now, state))
        now += lasted / 1e6
    return watched(steps, now, instance=instance)


@settings(deadline=None)
@given(STEPS, STEPS, st.integers(0, 300), st.integers(1, 300), st.integers(1, 300), st.integers(0, 30))
def test_incidents_add_up_to_the_table_and_periods_to_the_whole(one, other, start, length, more, ignored):
    histories = [history_of(one, "a"), history_of(other, "b", 7)]
    middle, end = start + length, start + length + more
    documents = [
        stated(*histories, start=begin, end=until, ignore_shorter_than_seconds=ignored, games=[KEY])
        for begin, until in ((start, middle), (middle, end), (start, end))
    ]

    def micro(value):
        return round(value * 1e6)

    for document, seconds in zip(documents, (length, more, length + more), strict=True):
        game = only(document)
        assert sum(micro(each.lost_seconds) for each in document.incidents) == micro(game.lost_seconds)
        assert sum(map(micro, game.by_state.values())) == seconds * 1_000_000
        assert micro(game.lost_seconds) <= micro(game.accountable_seconds) <= seconds * 1_000_000
    first, second, whole = map(only, documents)
    assert micro(first.lost_seconds) + micro(second.lost_seconds) == micro(whole.lost_seconds)
    for state in STATES:
        assert micro(first.by_state[state]) + micro(second.by_state[state]) == micro(whole.by_state[state])
    assert (
        stated(*reversed(histories), start=start, end=end, games=[KEY], ignore_shorter_than_seconds=ignored)
        == (documents[2])
    )


def test_times_of_the_document_are_whole_microseconds():
    assert moment(1090.000001) == datetime(2026, 11, 2, 0, 18, 10, 1, tzinfo=UTC)
    assert at(1090.000001) - at(0) == 1_090_000_001
