import math

import pytest

from tests.support.builders import TICK, Watch


def late_ones(watch):
    intervals = watch.snapshot.intervals
    limit = watch.settings.late_after_seconds
    return sum(
        count
        for bound, count in zip((*intervals.bounds, math.inf), intervals.counts, strict=True)
        if bound > limit
    )


@pytest.mark.parametrize(("interval", "late"), [(0.5, 0), (0.75, 0), (0.75 + TICK, 1), (5.0, 1)])
def test_an_update_is_late_when_more_than_interval_and_tolerance_passed(interval, late):
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.receive(0.5 + interval)

    assert late_ones(watch) == watch.snapshot.late_updates == late
    assert watch.snapshot.timed_updates == 1
    assert watch.snapshot.intervals.total == interval


def test_the_limit_is_a_bound_of_the_histogram_whatever_the_settings():
    watch = Watch(interval_seconds=0.3, tolerance_seconds=0.03)

    assert watch.settings.late_after_seconds in watch.snapshot.intervals.bounds
    assert {0.5, 0.75, 1.0} <= set(watch.snapshot.intervals.bounds)


def test_the_bounds_of_the_histogram_ascend():
    bounds = Watch(interval_seconds=0.3).snapshot.intervals.bounds

    assert list(bounds) == sorted(set(bounds))


def test_the_first_update_of_a_connection_has_no_interval():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.lose(1.0)
    watch.subscribe(20.0)
    watch.receive(20.5)

    assert sum(watch.snapshot.intervals.counts) == 0


def test_an_update_whose_arrival_a_stall_of_ours_hid_bounds_no_interval():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.receive(3.0, exact=False)
    watch.receive(3.5)

    assert sum(watch.snapshot.intervals.counts) == 0

    watch.receive(4.0)

    assert sum(watch.snapshot.intervals.counts) == 1


def test_an_update_stamped_before_the_one_ahead_of_it_has_an_interval_of_zero():
    watch = Watch().subscribe()
    watch.receive(1.0)
    watch.receive(0.9)

    assert watch.snapshot.intervals.total == 0.0


def test_late_is_what_the_game_itself_is_promised():
    watch = Watch(interval_seconds=1.0, tolerance_seconds=0.25).subscribe()
    for at in (1.0, 2.0, 3.25, 4.5 + TICK):
        watch.receive(at)

    assert (watch.snapshot.timed_updates, watch.snapshot.late_updates) == (3, 1)


def test_an_interval_that_begins_in_maintenance_is_not_timed():
    watch = Watch(maintenance_hold_seconds=2.0).subscribe()
    watch.receive(0.5)
    watch.receive(2.5, maintenance=True)
    assert (watch.snapshot.timed_updates, watch.snapshot.late_updates) == (1, 1)

    watch.receive(4.0, maintenance=True)
    watch.receive(9.0)
    assert (watch.snapshot.timed_updates, watch.snapshot.late_updates) == (1, 1)

    watch.receive(9.5)
    assert (watch.snapshot.timed_updates, watch.snapshot.late_updates) == (2, 1)
    assert sum(watch.snapshot.intervals.counts) == 4


def test_where_maintenance_is_never_believed_every_interval_is_timed():
    watch = Watch(maintenance_hold_seconds=0.0).subscribe()
    for at in (0.5, 1.0, 3.0):
        watch.receive(at, maintenance=True)

    assert (watch.snapshot.timed_updates, watch.snapshot.late_updates) == (2, 1)


def test_an_interval_across_connections_or_with_an_inexact_end_is_not_timed():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.receive(1.0, exact=False)
    watch.receive(1.5)
    watch.lose(2.0)
    watch.subscribe(5.0)
    watch.receive(5.5)

    assert watch.snapshot.timed_updates == 0
