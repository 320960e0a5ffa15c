"""Counters and histograms as plain numbers, read by the metrics at scrape time."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

_Kind = TypeVar("_Kind")


def incremented(counts: dict[_Kind, int], kind: _Kind) -> dict[_Kind, int]:
    """The counts with one more of a kind, in a new dictionary.

    Counts change seldom and are read whole: a reader may keep what it read without making a copy.
    """
    return counts | {kind: counts[kind] + 1}


class Distribution(Struct, frozen=True, gc=False):
    """A histogram as read: upper bounds, the count of each bucket and of the rest, and the sum."""

    bounds: tuple[float, ...]
    counts: Sequence[int]
    total: float


class Histogram:
    """Counts of observed values by bucket; `bounds` are the upper bounds, inclusive, ascending."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        # One block of plain numbers: a list would hold an object for each, here and in every copy.
        self.counts = array("Q", bytes(8 * (len(bounds) + 1)))
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def read(self) -> Distribution:
        """What has been counted so far."""
        return Distribution(self.bounds, self.counts[:], self.total)
