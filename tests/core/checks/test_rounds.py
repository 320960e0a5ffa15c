import itertools
import time
from datetime import datetime

import pytest
from msgspec import structs

from tests.support.builders import (
    TICK,
    Watch,
    betting,
    dealing,
    game,
    moment,
    result,
    update,
    wall,
)
from watchdog.core.arrival import Arrival
from watchdog.core.protocol.games import GameState

AWAITING, ACTIVE, FINISHED, REVIEW, CANCELLED = 1, 2, 3, 4, 5


def receive_all(watch, *games, every=0.5, **changes):
    for each in games:
        watch.receive(watch.at + every, games=(each,) if each else (), **changes)
    return watch


def watched(*games):
    return receive_all(Watch().subscribe(), *games)


def shown(*results, **changes):
    return dealing(results=results, **changes)


def test_rounds_that_follow_one_another_are_right():
    assert watched(game(id=100), game(id=101), game(id=102)).anomalies == {}


def test_the_first_round_seen_may_follow_any():
    assert watched(game(id=100, last_round_id=7)).anomalies == {}


@pytest.mark.parametrize("last_round_id", [99, 101, 0, 102])
def test_a_new_round_that_does_not_name_the_one_before_it_skipped_some(last_round_id):
    watch = watched(game(id=100), game(id=105, last_round_id=last_round_id))

    assert watch.anomalies == {"round.skipped": 1}


def test_ids_need_not_be_neighbours_if_the_new_round_names_the_one_before():
    assert watched(game(id=100), game(id=105, last_round_id=100)).anomalies == {}


def test_a_skipped_round_counts_once():
    skipping = game(id=105, last_round_id=104)

    assert watched(game(id=100), skipping, skipping).anomalies == {"round.skipped": 1}


def test_a_round_lost_with_its_updates_is_counted_as_the_gap_it_is():
    watch = watched(game(id=100))

    watch.receive(1.0, sequence_id=50, games=(game(id=105),))

    assert watch.anomalies == {"sequence.gap": 1}


def test_a_duplicate_excuses_no_skipped_round():
    watch = watched(game(id=100))

    watch.receive(1.0, sequence_id=watch.sequence_id, games=(game(id=105),))

    assert watch.anomalies == {"sequence.duplicate": 1, "round.skipped": 1}


def test_a_reset_excuses_the_rounds_missed_meanwhile():
    watch = Watch().subscribe()
    watch.receive(0.5, sequence_id=5000, games=(game(id=100),))
    watch.lose(1.0)
    watch.subscribe(60.0)

    watch.receive(60.5, sequence_id=0, games=(game(id=105),))

    assert watch.anomalies == {"sequence.reset": 1}


def test_a_round_id_that_falls_has_regressed():
    assert watched(game(id=100), game(id=99)).anomalies == {"round.regressed": 1}


@pytest.mark.parametrize("over", [FINISHED, CANCELLED])
def test_a_round_that_is_over_and_active_again_has_regressed(over):
    assert watched(game(state=over), dealing(), dealing()).anomalies == {"round.regressed": 1}


@pytest.mark.parametrize("over", [FINISHED, CANCELLED])
def test_a_round_that_is_over_may_be_reviewed_but_not_be_active_after_it(over):
    assert watched(dealing(), game(state=over), game(state=REVIEW)).anomalies == {}
    assert watched(game(state=over), game(state=REVIEW), dealing()).anomalies == {"round.regressed": 1}


def test_a_round_that_is_active_again_twice_counts_twice():
    finished = game(state=FINISHED)

    assert watched(finished, dealing(), finished, dealing()).anomalies == {"round.regressed": 2}


def test_a_round_may_go_from_review_back_to_active():
    assert watched(dealing(), game(state=REVIEW), dealing(), game(state=FINISHED)).anomalies == {}


def test_the_next_round_may_be_active_after_the_last_was_over():
    assert watched(dealing(id=100), game(id=100, state=FINISHED), dealing(id=101)).anomalies == {}


@pytest.mark.parametrize(
    ("state", "planned", "grace", "anomalies"),
    [
        (ACTIVE, "finishes", 30.0, {}),
        (ACTIVE, "finishes", 30.0 + TICK, {"round.overdue": 1}),
        (ACTIVE, "starts", 100.0, {}),
        (AWAITING, "starts", 30.0, {}),
        (AWAITING, "starts", 30.0 + TICK, {"round.overdue": 1}),
        (AWAITING, "finishes", 100.0, {}),
        (FINISHED, "finishes", 100.0, {}),
        (REVIEW, "finishes", 100.0, {}),
        (CANCELLED, "finishes", 100.0, {}),
    ],
)
def test_a_round_is_overdue_later_than_planned_and_grace(state, planned, grace, anomalies):
    watch = watched(game(state=state, **{planned: moment(0.5 - grace)}))

    assert watch.anomalies == anomalies
    assert watch.state == ("frozen" if anomalies else "fresh")


NEVER = [
    "0001-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00",
    "1753-01-01T00:00:00Z",
    "1900-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "1970-01-01T03:00:00+03:00",
    "1970-01-01T03:00:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T00:00:00",
]


@pytest.mark.parametrize("text", NEVER)
@pytest.mark.parametrize(("state", "planned"), [(AWAITING, "starts"), (ACTIVE, "finishes")])
def test_a_date_that_was_never_set_is_no_plan(state, planned, text):
    watch = watched(game(state=state, **{planned: datetime.fromisoformat(text)}))

    assert watch.anomalies == {}
    assert watch.state == "fresh"


@pytest.mark.parametrize("text", NEVER)
def test_a_timestamp_that_was_never_set_makes_no_round_overdue_and_ends_that_it_is(text):
    late = dealing(finishes=moment(-31))
    watch = watched(late)
    assert watch.state == "frozen"

    unset = structs.replace(update(games=(late,), sequence_id=2), sent=datetime.fromisoformat(text))
    watch.monitor.received(unset, Arrival(1.0, wall(1.0)), 100)
    assert watch.state == "fresh"

    watch.receive(1.5, sequence_id=3, games=(late,))
    assert watch.anomalies == {"round.overdue": 2}


def test_lateness_is_told_by_the_timestamp_and_not_by_our_clock():
    watch = Watch().subscribe()

    watch.receive(500.0, sent=100.0, games=(dealing(finishes=moment(90)),))

    assert watch.anomalies == {}


def test_the_overdue_grace_is_a_setting():
    watch = receive_all(Watch(round_overdue_seconds=0.0).subscribe(), dealing(finishes=moment(0.25)))

    assert watch.anomalies == {"round.overdue": 1}


def test_an_overdue_round_freezes_the_game_and_counts_once_until_it_is_over():
    late = dealing(finishes=moment(-60))
    watch = watched(late, late, late)
    assert watch.anomalies == {"round.overdue": 1}
    assert watch.snapshot.frozen_because == ("round.overdue",)

    receive_all(watch, game(state=FINISHED))

    assert watch.state == "fresh"
    assert watch.anomalies == {"round.overdue": 1}


def test_a_game_that_stays_the_very_same_turns_overdue_with_time():
    watch = Watch(round_overdue_seconds=1.0).subscribe()
    unchanged = (dealing(finishes=moment(2.0)),)

    watch.keep_receiving(3.0, games=unchanged, betting_timer=0)
    assert watch.anomalies == {}
    watch.keep_receiving(6.0, games=unchanged, betting_timer=0)

    assert watch.anomalies == {"round.overdue": 1}
    assert watch.state == "frozen"


def test_a_round_overdue_again_after_its_plan_was_moved_counts_again():
    late = dealing(finishes=moment(-60))

    assert watched(late, dealing(), late).anomalies == {"round.overdue": 2}


def test_the_next_round_is_overdue_by_itself():
    watch = watched(dealing(id=100, finishes=moment(-60)), dealing(id=101, finishes=moment(-60)))

    assert watch.anomalies == {"round.overdue": 2}


def test_an_update_without_a_game_tells_of_no_round_and_ends_an_overdue_one():
    watch = watched(dealing(finishes=moment(-60)), None)

    assert watch.anomalies == {"round.overdue": 1}
    assert watch.state == "fresh"
    assert watch.snapshot.round_id == 100


def test_after_an_update_without_a_game_the_round_is_compared_with_the_last_one_seen():
    assert watched(game(id=100), None, game(id=105)).anomalies == {"round.skipped": 1}


def test_results_may_appear_one_by_one():
    first, second = result("3c", number=1), result("9c", number=2)

    assert watched(shown(), shown(first), shown(first, second), shown(second, first)).anomalies == {}


def test_a_published_result_that_changes_its_value_has_changed():
    watch = watched(shown(result("3c")))

    findings = watch.receive(1.0, games=(shown(result("4c")),))

    assert [finding.event for finding in findings] == ["round.result_changed"]
    assert findings[0].detail == {
        "id": 100,
        "round_id": 1,
        "hand_id": 1,
        "sequential_number": 1,
        "was": "3c",
        "now": "4c",
    }
    assert watch.anomalies == {"round.result_changed": 1}


@pytest.mark.parametrize("rest", [(), (result("9c", number=2),)])
def test_a_published_result_that_vanishes_has_changed(rest):
    watch = watched(shown(result("3c"), *rest), shown(*rest))

    assert watch.anomalies == {"round.result_changed": 1}


@pytest.mark.parametrize("place", [{"hand": 2}, {"round_id": 2}, {"number": 2}])
def test_a_result_is_known_by_its_round_hand_and_number(place):
    watch = watched(shown(result("3c")), shown(result("3c"), result("4c", **place)))

    assert watch.anomalies == {}


def test_a_changed_result_counts_once_and_its_next_change_again():
    watch = watched(*(shown(result(value)) for value in ("3c", "4c", "4c", "5c")))

    assert watch.anomalies == {"round.result_changed": 2}


def test_every_result_that_changes_counts():
    watch = watched(
        shown(result("3c", number=1), result("9c", number=2)),
        shown(result("4c", number=1), result("8c", number=2)),
    )

    assert watch.anomalies == {"round.result_changed": 2}


def test_a_cancelled_result_may_vanish_or_change():
    cancelled = result("3c", status=2)

    assert watched(shown(result("3c")), shown(cancelled), shown()).anomalies == {}
    assert watched(shown(result("3c")), shown(cancelled), shown(result("4c"))).anomalies == {}


def test_a_result_may_change_with_its_cancellation():
    assert watched(shown(result("3c")), shown(result("4c", status=2))).anomalies == {}


C, A = 2, 1


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ([("3c", A)], [("3c", C), ("4d", A)], []),
        ([("3c", A)], [("4d", A), ("3c", C)], []),
        ([("3c", C), ("4d", A)], [("3c", C), ("5h", A)], [("4d", "5h")]),
        ([("4d", A), ("3c", C)], [("5h", A), ("3c", C)], [("4d", "5h")]),
        ([("3c", A), ("4d", A)], [("4d", A), ("3c", A)], []),
        ([("3c", A), ("3c", A)], [("3c", A)], [("3c", None)]),
        ([("3c", A), ("4d", A)], [("4d", A)], [("3c", None)]),
        ([("3c", A), ("4d", A)], [("5h", A), ("6s", A)], [("3c", "5h"), ("4d", "6s")]),
        ([("3c", A)], [("3c", C), ("3c", A)], []),
        ([("3c", C), ("3c", A)], [("3c", C)], [("3c", None)]),
        ([("3c", C), ("3c", A)], [("3c", C), ("3c", C)], []),
        ([("3c", C), ("4d", A)], [("4d", C), ("3c", C), ("5h", A)], []),
        ([("3c", C), ("4d", A)], [("4d", A)], []),
        ([("3c", A)], [("9h", C), ("4d", A)], []),
        ([("3c", A), ("4d", A)], [("4d", C), ("5h", A), ("6s", A)], [("3c", "5h")]),
    ],
)
def test_results_under_one_key_are_compared_whatever_their_order(before, now, changed):
    watch = watched(shown(*(result(value, status=status) for value, status in before)))

    findings = watch.receive(1.0, games=(shown(*(result(value, status=status) for value, status in now)),))

    assert [(finding.detail["was"], finding.detail["now"]) for finding in findings] == changed
    assert watch.receive(1.5, games=(shown(*(result(v, status=s) for v, s in reversed(now))),)) == []


def test_results_belong_to_their_game():
    assert watched(shown(result("3c"), id=100), shown(result("4c"), id=101)).anomalies == {}
    assert watched(shown(result("3c"), id=100), shown(id=101)).anomalies == {}


def test_an_update_may_leave_out_the_results_without_taking_them_back():
    assert watched(shown(result("3c")), dealing(), shown(result("3c"))).anomalies == {}
    assert watched(shown(result("3c")), dealing(), shown(result("4c"))).anomalies == {
        "round.result_changed": 1
    }


@pytest.mark.parametrize(
    ("state", "name"),
    [(1, "awaiting"), (2, "active"), (3, "finished"), (4, "review"), (5, "cancelled")],
)
def test_the_state_of_the_round_has_a_name(state, name):
    assert watched(game(state=state)).snapshot.round_state == name


def test_games_that_are_marked_unchanged_are_not_compared_again():
    watch = watched(game(id=100))

    watch.receive(1.0, games=(game(id=105),), games_unchanged=True)

    assert watch.anomalies == {}


def test_a_round_becomes_overdue_while_its_games_are_unchanged():
    late = dealing(finishes=moment(-29))
    watch = watched(late)

    receive_all(watch, late, late, every=0.75, games_unchanged=True)

    assert watch.anomalies == {"round.overdue": 1}


@pytest.mark.parametrize("event", ["subscribed", "rotated", "repeated"])
def test_unchanged_since_an_update_that_was_not_judged_means_nothing(event):
    watch = watched(game(id=100))
    getattr(watch.monitor, event)(1.0)

    watch.receive(1.0, games=(game(id=99),), games_unchanged=True)

    assert watch.anomalies == {"round.regressed": 1}


def test_every_outcome_of_a_round_counts_once():
    watch = watched(
        *(game(id=100, state=state) for state in (ACTIVE, FINISHED, REVIEW, FINISHED)),
        *(game(id=101, state=state) for state in (GameState.ACTIVE, CANCELLED, CANCELLED)),
        game(id=102, state=FINISHED),
    )

    assert watch.snapshot.round_outcomes == {"finished": 2, "cancelled": 1}


def test_a_finished_round_that_is_cancelled_afterwards_has_both_outcomes():
    watch = watched(game(state=FINISHED), game(state=REVIEW), game(state=CANCELLED))

    assert watch.snapshot.round_outcomes == {"finished": 1, "cancelled": 1}
    assert watch.anomalies == {}


def test_betting_may_open_several_times_in_one_round():
    assert watched(betting(current_round=1), dealing(), betting(current_round=2), dealing()).anomalies == {}


def test_where_gaps_are_allowed_a_step_of_the_sequence_excuses_no_skipped_round():
    watch = receive_all(Watch(sequence="increasing").subscribe(), game(id=100))

    watch.receive(1.0, sequence_id=50, games=(game(id=105),))

    assert watch.anomalies == {"round.skipped": 1}


def of_one_hash(count):
    """Ids of results whose tuples all have the same hash, because the third undoes the other two."""
    first, second, start, size = 11400714785074694791, 14029467366897019727, 2870177450012600261, 2**64

    def rotated(value, by):
        return (value << by | value >> 64 - by) % size

    def third(number):
        before = start
        for lane in (number, 0):
            before = rotated((before + lane * second) % size, 31) * first % size
        return (rotated(1, 33) - before) * pow(second, -1, size) % size

    ids = ((number, 0, third(number)) for number in itertools.count())
    return list(itertools.islice((each for each in ids if each[2] < 2**61 - 1), count))


def test_ids_of_results_chosen_to_share_a_hash_are_judged_as_fast_as_others():
    ids = of_one_hash(8_000)
    assert len({hash(each) for each in ids}) == 1

    def shows(value):
        return shown(
            *(result(value, hand=hand, round_id=round_id, number=number) for round_id, hand, number in ids)
        )

    watch, changed = watched(shows("2c")), shows("3c")
    begun = time.process_time()
    receive_all(watch, changed)
    # It takes 0.03 s; with the ids themselves for keys, 1 s.
    assert time.process_time() - begun < 0.3
    assert watch.anomalies == {"round.result_changed": 8_000}
