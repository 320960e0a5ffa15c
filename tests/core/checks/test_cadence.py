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

    assert late_ones(watch) == late
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
