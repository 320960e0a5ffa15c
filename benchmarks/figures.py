"""Medians, quantiles and ratios."""

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """Half the distance from the lowest to the highest, as a share of the median."""
    middle = median(values)
    return (max(values) - min(values)) / 2.0 / middle if middle else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(max(-int(-share * len(ordered) // 1) - 1, 0), len(ordered) - 1)]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Count, p50, p99 and the highest."""
    return {
        "count": len(values),
        "p50": quantile(values, 0.5),
        "p99": quantile(values, 0.99),
        "max": max(values, default=0.0),
    }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """The ratios of ours to theirs, pair by pair within a round."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]
