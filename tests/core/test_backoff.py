"""The wait before the next attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.backoff import Backoff


@pytest.mark.parametrize(
    ("failures", "most"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (7, 30.0), (8, 30.0), (10_000, 30.0)]
)
def test_the_longest_wait_doubles_up_to_the_maximum(failures, most):
    def bounds(random):
        return Backoff(0.25, 30.0).delay_seconds(failures, random)

    assert bounds(0.0) == 0.25
    assert bounds(0.5) == pytest.approx((0.25 + most) / 2)
    assert bounds(1.0) == pytest.approx(most)


@given(
    st.integers(1, 10**12),
    st.floats(0.0, 1.0, exclude_max=True),
    st.floats(0.001, 3600.0),
    st.floats(0.001, 3600.0),
)
def test_every_wait_lies_within_the_bounds(failures, random, one, another):
    initial, longest = sorted((one, another))
    wait = Backoff(initial, longest).delay_seconds(failures, random)
    assert initial <= wait <= longest * (1 + 1e-12)


def test_equal_bounds_leave_nothing_to_chance():
    assert Backoff(5.0, 5.0).delay_seconds(3, 0.7) == 5.0


def test_without_a_failure_there_is_nothing_to_wait_for():
    assert Backoff(5.0, 5.0).delay_seconds(0, 0.7) == 0.0


def test_a_wait_that_was_asked_for_is_kept_and_no_game_comes_at_its_very_end():
    backoff = Backoff(0.25, 30.0)
    assert backoff.delay_seconds(1, 0.0, 20.0) == 20.25
    assert backoff.delay_seconds(9, 0.5, 20.0) == pytest.approx(20.375)


def test_a_wait_that_was_asked_for_is_no_reason_to_come_sooner():
    assert Backoff(0.25, 30.0).delay_seconds(9, 1.0, 2.0) == pytest.approx(30.0)
