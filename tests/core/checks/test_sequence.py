import pytest

from tests.support.builders import Watch, betting, events


def watched(*ids, **settings):
    watch = Watch(**settings).subscribe()
    for number, sequence_id in enumerate(ids, start=1):
        watch.receive(number / 2, sequence_id=sequence_id)
    return watch


@pytest.mark.parametrize("first", [0, 1, 8975])
def test_the_first_id_may_be_any(first):
    assert watched(first).anomalies == {}


def test_ids_that_rise_by_one_are_right():
    watch = watched(7, 8, 9, 10)

    assert watch.anomalies == {}
    assert watch.snapshot.sequence_id == 10


@pytest.mark.parametrize(("got", "missed"), [(9, 1), (10, 2), (1000, 992)])
def test_a_higher_id_is_a_gap_of_the_difference_less_one(got, missed):
    watch = watched(7, got)

    assert watch.anomalies == {"sequence.gap": 1}
    assert watch.snapshot.sequence_missed == missed


def test_a_gap_tells_what_was_expected_and_what_came():
    watch = watched(7)

    (finding,) = watch.receive(1.0, sequence_id=10)

    assert (finding.event, finding.level) == ("sequence.gap", "warning")
    assert finding.detail == {"expected": 8, "got": 10, "missed": 2}


def test_the_same_id_is_a_duplicate():
    assert watched(7, 7).anomalies == {"sequence.duplicate": 1}


def test_every_duplicate_counts():
    assert watched(7, 7, 7).anomalies == {"sequence.duplicate": 2}


@pytest.mark.parametrize("got", [499, 0])
def test_a_lower_id_within_a_connection_is_a_regression(got):
    assert watched(500, got).anomalies == {"sequence.regression": 1}


@pytest.mark.parametrize("ids", [(7, 10, 11, 12), (7, 7, 8, 9), (500, 490, 491, 492)])
def test_after_an_anomaly_the_sequence_goes_on_from_the_id_received(ids):
    assert sum(watched(*ids).anomalies.values()) == 1


@pytest.mark.parametrize("ids", [(7, 9), (7, 1000)])
def test_gaps_may_be_allowed(ids):
    watch = watched(*ids, sequence="increasing")

    assert watch.anomalies == {}
    assert watch.snapshot.sequence_missed == 0


@pytest.mark.parametrize(("ids", "kind"), [((7, 7), "duplicate"), ((7, 6), "regression")])
def test_where_gaps_are_allowed_the_ids_must_rise_all_the_same(ids, kind):
    assert watched(*ids, sequence="increasing").anomalies == {f"sequence.{kind}": 1}


@pytest.mark.parametrize(
    ("last", "first", "anomalies"),
    [
        (500, 501, {}),
        (500, 503, {"sequence.gap": 1}),
        (500, 500, {"sequence.duplicate": 1}),
        (500, 499, {"sequence.regression": 1}),
        (500, 380, {"sequence.regression": 1}),
        (500, 379, {"sequence.reset": 1}),
        (200, 120, {"sequence.regression": 1}),
        (200, 119, {"sequence.reset": 1}),
        (50, 0, {"sequence.reset": 1}),
    ],
)
def test_across_a_reconnection_a_far_fall_is_a_reset(last, first, anomalies):
    watch = watched(last)
    watch.lose(1.0)
    watch.subscribe(1.5)

    watch.receive(2.0, sequence_id=first)

    assert watch.anomalies == anomalies


def test_only_the_first_update_of_a_connection_can_be_a_reset():
    watch = watched(500)
    watch.lose(1.0)
    watch.subscribe(1.5)
    watch.receive(2.0, sequence_id=501)

    watch.receive(2.5, sequence_id=0)

    assert watch.anomalies == {"sequence.regression": 1}


def test_the_updates_of_one_minute_depend_on_the_promised_interval():
    watch = watched(5000, interval_seconds=0.1)
    watch.lose(1.0)
    watch.subscribe(1.5)

    watch.receive(2.0, sequence_id=4400)

    assert watch.anomalies == {"sequence.regression": 1}


def test_an_invalid_update_does_not_move_the_sequence():
    watch = watched(7)
    watch.receive(1.0, sequence_id=8, games=(betting(type=4),))

    watch.receive(1.5, sequence_id=8)

    assert watch.anomalies == {}


def test_an_id_that_stands_still_freezes_the_game_until_it_advances():
    watch = watched(7, 7, 7, 7)
    assert watch.state == "fresh"

    watch.receive(2.5, sequence_id=7)
    watch.advance(2.5)
    assert watch.state == "frozen"
    assert watch.snapshot.frozen_because == ("sequence.frozen",)

    assert events(watch.receive(3.0, sequence_id=8)) == ["feed.state_changed"]
    assert watch.state == "fresh"


def test_an_id_that_keeps_falling_does_not_advance():
    assert watched(50, 49, 48, 47, 46, 45).state == "frozen"


def test_an_id_that_goes_on_after_a_regression_advances():
    assert watched(*range(50, 54), *range(10, 20)).state == "fresh"


def test_the_time_without_a_connection_is_no_evidence_of_a_standing_id():
    watch = watched(7)
    watch.lose(1.0)
    watch.subscribe(9.5)
    watch.receive(10.0, sequence_id=7)
    watch.receive(10.5, sequence_id=7)

    assert watch.state == "fresh"


def test_a_reset_lets_a_standing_id_go_on():
    watch = watched(7, 7, 7, 7, 7, 7)
    assert watch.state == "frozen"
    watch.lose(3.5)
    watch.subscribe(4.0)

    watch.receive(4.5, sequence_id=0)

    assert watch.state == "fresh"


@pytest.mark.parametrize(
    ("away", "step", "found"),
    [
        (0.5, 121, "sequence.gap"),
        (0.5, 122, "sequence.reset"),
        (60.0, 240, "sequence.gap"),
        (60.0, 241, "sequence.reset"),
        (0.5, 4_118_588_212, "sequence.reset"),
    ],
)
def test_on_a_new_connection_nobody_can_have_lost_more_than_was_sent_and_a_minute(away, step, found):
    watch = watched(8000)
    watch.lose(0.6)
    watch.subscribe(0.7)

    watch.receive(0.5 + away, sequence_id=8000 + step)

    assert watch.anomalies == {found: 1}
    assert watch.snapshot.sequence_missed == (step - 1 if found == "sequence.gap" else 0)
    # The count goes on from there.
    watch.receive(watch.at + 0.5)
    assert watch.anomalies == {found: 1}


def test_a_jump_on_the_same_connection_is_a_gap_however_far():
    watch = watched(8000)

    watch.receive(1.0, sequence_id=4_118_596_218)

    assert watch.anomalies == {"sequence.gap": 1}
    assert watch.snapshot.sequence_missed == 4_118_588_217


def test_what_can_have_been_lost_depends_on_the_promised_interval():
    watch = watched(8000, interval_seconds=0.1)
    watch.lose(0.6)
    watch.subscribe(0.7)

    watch.receive(1.0, sequence_id=8600)

    assert watch.anomalies == {"sequence.gap": 1}


def test_where_gaps_are_allowed_no_jump_is_a_reset():
    watch = watched(8000, sequence="increasing")
    watch.lose(0.6)
    watch.subscribe(0.7)

    watch.receive(1.0, sequence_id=4_118_596_218)

    assert watch.anomalies == {}
