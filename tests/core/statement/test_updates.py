"""Updates received, late and missed, and their quantiles, from hourly roll-ups."""

import pytest

from tests.support.histories import at, only, rollup, stated, watched
from watchdog.core.history import Buckets
from watchdog.core.statement.updates import merged_buckets, quantile

DAY = 86_400


def updates(*histories, start=0, end=DAY, **accounting):
    return only(stated(*histories, start=start, end=end, **accounting)).updates


def test_hours_that_begin_within_the_period_are_added_up():
    rows = [rollup(hour, 7000, late=hour, missed=1) for hour in (-1, 0, 1, 2)]
    found = updates(watched([(-3600, "fresh")], DAY, rollups=rows), end=7200)

    assert (found.received, found.late, found.missed) == (14_000, 1, 2)


def test_a_run_that_begins_within_an_hour_counts_from_there():
    history = watched([(1800, "fresh")], 2000, rollups=[rollup(0.5, 400)])

    assert updates(history, start=900, end=2000).received == 400
    assert updates(history, start=0, end=1800).received == 0


def test_two_runs_of_one_watchdog_in_one_hour_are_added_up():
    first = watched([(0, "fresh")], 1000, run="one", rollups=[rollup(0, 2000, run="one")])
    second = watched([(1100, "fresh")], 3600, run="two", rollups=[rollup(0.4, 5000, late=2, run="two")])

    assert updates(first, second).received == 7000


def test_of_several_watchdogs_the_one_that_received_most_on_time_counts_hour_by_hour():
    here = watched(
        [(0, "fresh")],
        7200,
        rollups=[rollup(0, 7200), rollup(1, 100, late=90, intervals=Buckets((0.5, 1.0), (0, 0, 100)))],
    )
    there = watched(
        [(0, "fresh")],
        7200,
        instance="us-1",
        rollups=[rollup(0, 3000, missed=4200, run="us-1-run"), rollup(1, 7000, late=3, run="us-1-run")],
    )

    for order in ((here, there), (there, here)):
        found = updates(*order)
        assert (found.received, found.late, found.missed) == (14_200, 3, 0)
        assert found.interval.p99_seconds == 0.495


def test_hours_outside_the_promise_do_not_count():
    rows = [rollup(hour, 10) for hour in range(24)]

    assert updates(watched([(0, "fresh")], DAY, rollups=rows), hours=("mon 08:00-10:00",)).received == 20


def test_another_games_rows_do_not_count():
    history = watched({3: [(0, "fresh")], 4: [(0, "fresh")]}, DAY, rollups=[rollup(0, 10)])
    by_game = {game.game_type: game.updates.received for game in stated(history, start=0, end=DAY).games}

    assert by_game == {3: 10, 4: 0}


def test_without_updates_there_are_no_quantiles():
    found = updates(watched([(0, "fresh")], DAY))

    assert (found.interval.p50_seconds, found.latency.p99_seconds) == (None, None)
    assert quantile(Buckets((), (5,)), 1, 2) is None


@pytest.mark.parametrize(
    ("counts", "p50", "p99"),
    [((10, 0, 0), 0.25, 0.495), ((5, 5, 0), 0.5, 0.99), ((0, 0, 10), 1.0, 1.0), ((1, 0, 9), 1.0, 1.0)],
)
def test_a_quantile_is_estimated_within_its_bucket_and_ends_with_the_last_bound(counts, p50, p99):
    histogram = Buckets((0.5, 1.0), counts)

    assert (quantile(histogram, 1, 2), quantile(histogram, 99, 100)) == (p50, p99)


def test_histograms_are_merged_by_the_bounds_that_they_share():
    one, other = Buckets((0.5, 0.75, 1.0), (1, 2, 4, 8)), Buckets((0.5, 0.8, 1.0), (10, 20, 40, 80))

    assert merged_buckets([one, other]) == Buckets((0.5, 1.0), (11, 66, 88))
    assert merged_buckets([other, one, Buckets()]) == Buckets((0.5, 1.0), (11, 66, 88))
    assert merged_buckets([]) == Buckets()


def test_the_start_of_a_period_counts_and_its_end_belongs_to_the_next():
    history = watched([(0, "fresh")], DAY, rollups=[rollup(0, 1), rollup(1, 10)])

    assert at(3600) == history.rollups[1].began
    assert [updates(history, start=0, end=3600).received, updates(history, start=3600).received] == [1, 10]
