import pytest

from watchdog.core.instruments import Histogram


@pytest.mark.parametrize(
    ("value", "counts"),
    [(0.0, [1, 0, 0]), (0.5, [1, 0, 0]), (0.51, [0, 1, 0]), (1.0, [0, 1, 0]), (1.01, [0, 0, 1])],
)
def test_a_value_counts_in_the_first_bucket_whose_bound_it_does_not_exceed(value, counts):
    histogram = Histogram((0.5, 1.0))

    histogram.observe(value)

    assert list(histogram.counts) == counts


def test_the_total_is_the_sum_of_all_values():
    histogram = Histogram((0.5, 1.0))

    for value in (0.25, 0.75, 8.0):
        histogram.observe(value)

    assert histogram.total == 9.0
    assert sum(histogram.counts) == 3
