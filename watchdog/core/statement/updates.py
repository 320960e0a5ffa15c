"""Updates received, late and missed: hourly roll-ups of one or several watchdogs as one game's figures."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from watchdog.core.history import HOUR, Buckets, HourlyRollup
from watchdog.core.statement.records import Quantiles, Updates
from watchdog.core.timeline import Cut


def updates_of(
    rollups: Iterable[HourlyRollup], instances: Mapping[str, str], promised: Sequence[Cut]
) -> Updates:
    """The updates of one game that were counted from an instant in one of the promised cuts on.

    Of several watchdogs the one counts that received most on time, hour by hour: what another one lacks was
    lost on its own path. `instances` has the watchdog of each run.
    """
    starts = [began for began, _ in promised]
    hours: dict[int, dict[str, list[HourlyRollup]]] = {}
    for row in rollups:
        place = bisect_right(starts, row.began) - 1
        if place >= 0 and row.began < promised[place][1]:
            hours.setdefault(row.began // HOUR, {}).setdefault(instances[row.run], []).append(row)
    rows = [row for watchdogs in hours.values() for row in max(watchdogs.values(), key=_worth)]
    intervals = merged_buckets([row.intervals for row in rows])
    latencies = merged_buckets([row.latencies for row in rows])
    return Updates(
        received=sum(row.updates for row in rows),
        late=sum(row.late for row in rows),
        missed=sum(row.missed for row in rows),
        interval=Quantiles(p50_seconds=quantile(intervals, 1, 2), p99_seconds=quantile(intervals, 99, 100)),
        latency=Quantiles(p50_seconds=quantile(latencies, 1, 2), p99_seconds=quantile(latencies, 99, 100)),
    )


def merged_buckets(histograms: Sequence[Buckets]) -> Buckets:
    """The histograms as one; where their bounds differ, it has those that all of them share."""
    filled = [each for each in histograms if any(each.counts)]
    if not filled:
        return Buckets()
    shared = set(filled[0].bounds).intersection(*(each.bounds for each in filled))
    bounds = tuple(sorted(shared))
    counts = [0] * (len(bounds) + 1)
    for each in filled:
        for bound, count in zip((*each.bounds, None), each.counts, strict=True):
            counts[len(bounds) if bound is None else _place(bounds, bound)] += count
    return Buckets(bounds, tuple(counts))


def quantile(histogram: Buckets, part: int, of: int) -> float | None:
    """Up to how many seconds `part` of `of` values had, to a millisecond, evenly spread within a bucket.

    It is the last bound where it lies beyond that one, and None without values.
    """
    count = sum(histogram.counts)
    if not count or not histogram.bounds:
        return None
    below, lower = 0, 0.0
    for bound, here in zip(histogram.bounds, histogram.counts, strict=False):
        if (below + here) * of >= count * part:
            share = (count * part - below * of) / (here * of)
            return round(lower + (bound - lower) * share, 3)
        below, lower = below + here, bound
    return round(lower, 3)


def _place(bounds: Sequence[float], bound: float) -> int:
    return next((index for index, each in enumerate(bounds) if bound <= each), len(bounds))


def _worth(rows: Sequence[HourlyRollup]) -> tuple[int, int, int, tuple[tuple[str, int], ...]]:
    received, late, missed = (
        sum(row.updates for row in rows),
        sum(row.late for row in rows),
        sum(row.missed for row in rows),
    )
    # Last comes what makes the choice independent of the order.
    return received - late, received, -missed, tuple(sorted((row.run, row.began) for row in rows))
