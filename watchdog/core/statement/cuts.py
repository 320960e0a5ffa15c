"""Sets of instants as sorted, disjoint cuts of time; a cut's end is excluded, so neighbours meet."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from watchdog.core.timeline import Cut


def union(cuts: Iterable[Cut]) -> list[Cut]:
    """The instants in any of the cuts, which may overlap and stand in any order."""
    joined: list[Cut] = []
    for began, ended in sorted(cut for cut in cuts if cut[0] < cut[1]):
        if joined and began <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(ended, joined[-1][1]))
        else:
            joined.append((began, ended))
    return joined


def intersection(some: Sequence[Cut], others: Sequence[Cut]) -> list[Cut]:
    """The instants in both; each is sorted and disjoint."""
    shared: list[Cut] = []
    index, other = 0, 0
    while index < len(some) and other < len(others):
        began = max(some[index][0], others[other][0])
        ended = min(some[index][1], others[other][1])
        if began < ended:
            shared.append((began, ended))
        if some[index][1] < others[other][1]:
            index += 1
        else:
            other += 1
    return shared


def total(cuts: Iterable[Cut]) -> int:
    """How long the disjoint cuts last together."""
    return sum(ended - began for began, ended in cuts)


class Measure:
    """How much of some sorted, disjoint cuts lies between two instants."""

    __slots__ = ("_before", "_cuts", "_starts")

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self._cuts = cuts
        self._starts = [began for began, _ in cuts]
        self._before = [0, *accumulate(ended - began for began, ended in cuts)]

    def between(self, began: int, ended: int) -> int:
        """The microseconds in the cuts from `began` to `ended`."""
        return max(self._until(ended) - self._until(began), 0)

    def _until(self, at: int) -> int:
        place = bisect_right(self._starts, at)
        if place == 0:
            return 0
        return self._before[place] - max(self._cuts[place - 1][1] - at, 0)
