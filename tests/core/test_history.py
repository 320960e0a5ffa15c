"""The rows of histories: what was known when, and several sources as one."""

from msgspec import structs

from tests.support.histories import at, rollup, watched
from watchdog.core.history import ClockStep, Disconnect, History, Rotation, combined


def test_an_empty_history_knows_of_nothing():
    assert History().known_until == 0
    assert combined([]) == History()


def test_a_run_is_known_until_its_end_or_its_last_sign_of_life():
    assert watched([(0, "fresh")], 50).known_until == at(50)
    assert watched([(0, "fresh")], 40, orderly=False).known_until == at(40)


def test_a_run_that_two_sources_hold_counts_once_from_the_one_that_knows_more():
    copy = watched(
        [(0, "fresh")], 50, orderly=False, anomalies=[(10, "sequence.gap")], rollups=[rollup(0, 80)]
    )
    original = watched([(0, "fresh"), (60, "silent")], 90, rollups=[rollup(0, 150)])
    other = watched([(0, "fresh")], 70, instance="us-1")

    for order in ([copy, original, other], [original, other, copy]):
        both = combined(order)
        assert sorted(run.id for run in both.runs) == ["eu-1-run", "us-1-run"]
        assert {run.until for run in both.runs} == {at(90), at(70)}
        assert len(both.stays) == 3
        assert both.anomalies == ()
        assert [row.updates for row in both.rollups] == [150]


def test_of_two_equal_sources_one_counts():
    history = watched([(0, "fresh")], 50, rollups=[rollup(0, 100)])

    assert combined([history, history]) == history


def test_every_sort_of_row_goes_with_its_run():
    rows = {
        "disconnects": (Disconnect(run="eu-1-run", feed="betcore", game_type=3, at=at(1), reason="dns"),),
        "rotations": (Rotation(run="eu-1-run", feed="betcore", game_type=3, at=at(1), outcome="ok"),),
        "clock_steps": (ClockStep(run="eu-1-run", at=at(1), by=-5),),
    }
    history = structs.replace(watched([(0, "fresh")], 50), **rows)
    strangers = {
        name: tuple(structs.replace(row, run="nobody") for row in values) for name, values in rows.items()
    }

    assert combined([history]) == history
    assert combined([structs.replace(history, **strangers)]) == watched([(0, "fresh")], 50)


def test_what_was_known_earlier_has_no_later_rows_and_no_later_ends():
    first = watched([(0, "fresh"), (10, "silent"), (20, "fresh")], 60, run="one", anomalies=[(55, "a.b")])
    second = watched([(70, "fresh")], 90, run="two")
    history = combined([first, second])

    known = history.known_by(at(15), {})
    assert [(run.id, run.last_alive, run.ended) for run in known.runs] == [("one", at(15), None)]
    assert [(stay.state, stay.began, stay.ended) for stay in known.stays] == [
        ("fresh", at(0), at(10)),
        ("silent", at(10), None),
    ]
    assert known.anomalies == ()
    assert len(known.promises) == 1
    assert history.known_by(at(90), {}) == history


def test_a_run_may_have_been_known_for_less_long_than_the_others():
    history = combined([watched([(0, "fresh")], 60), watched([(0, "fresh")], 60, instance="us-1")])

    known = history.known_by(at(50), {"us-1-run": at(48)})
    assert [run.until for run in known.runs] == [at(50), at(48)]
