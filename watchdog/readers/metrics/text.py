"""The text of a scrape, line for line as the client library writes it.

It comes piece by piece, so that other tasks can run in between.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.utils import floatToGoString

from watchdog.core.instruments import Distribution
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.families import (
    HISTOGRAMS_OF_A_GAME,
    OF_A_FEED,
    OF_A_GAME,
    OF_THE_WATCHDOG,
)
from watchdog.readers.metrics.family import Family, HistogramFamily

LINES_AT_ONCE = 400
"""How many lines make a piece: writing and compressing them takes a third of a millisecond."""

_Subject = TypeVar("_Subject")
_Lines = tuple[int, str]
_go_string: Callable[[float], str] = floatToGoString

_SUBJECT = "\0"
"""A placeholder for a subject's labels; no name contains it."""

_LARGE = 1_000_000
"""From here on, the client library writes whole numbers with an exponent."""


def pieces(snapshot: Snapshot, *, openmetrics: bool) -> Iterator[bytes]:
    """The families of a snapshot in the order of the interface, without an end mark."""
    held: list[str] = []
    lines = 0
    for count, text in _texts(snapshot, openmetrics=openmetrics):
        held.append(text)
        lines += count
        if lines >= LINES_AT_ONCE:
            yield "".join(held).encode()
            held.clear()
            lines = 0
    yield "".join(held).encode()


def of_the_library(metrics: Iterable[Metric], *, openmetrics: bool) -> bytes:
    """The client library's own gauges and counters; its own writer takes four times as long."""
    parts = []
    for metric in metrics:
        ending = "_total" if metric.type == "counter" and not openmetrics else ""
        parts.append(_header(metric.name + ending, metric.documentation, metric.type)[1])
        for sample in metric.samples:
            labels = _labels(**dict(sorted(sample.labels.items())))
            parts.append(_line(sample.name, labels, sample.value))
    return "".join(parts).encode()


def _texts(snapshot: Snapshot, *, openmetrics: bool) -> Iterator[_Lines]:
    # The labels are sorted by name, as the client library does it.
    games = [
        (_labels(feed=game.feed, game=game.game, game_type=str(game.game_type)), game)
        for game in snapshot.games
    ]
    feeds = [(_labels(feed=token.feed), token) for token in snapshot.tokens]
    for family in OF_A_GAME:
        yield from _family(family, games, openmetrics=openmetrics)
    for histogram in HISTOGRAMS_OF_A_GAME:
        yield _header(histogram.name, histogram.help, "histogram")
        for labels, game in games:
            yield _histogram(histogram, labels, histogram.read(game))
    for token_family in OF_A_FEED:
        yield from _family(token_family, feeds, openmetrics=openmetrics)
    for watchdog_family in OF_THE_WATCHDOG:
        yield from _family(watchdog_family, [("", snapshot)], openmetrics=openmetrics)


def _family(
    family: Family[_Subject], subjects: Iterable[tuple[str, _Subject]], *, openmetrics: bool
) -> Iterator[_Lines]:
    name, read = family.name, family.read
    kind = "counter" if name.endswith("_total") else "gauge"
    # OpenMetrics names the counter without the ending of its samples.
    yield _header(name.removesuffix("_total") if openmetrics else name, family.help, kind)
    zeros = ""
    for labels, subject in subjects:
        values = read(subject)
        if values is None:
            continue
        if not isinstance(values, Mapping):
            yield 1, _line(name, labels, values)
        elif any(values.values()):
            yield len(values), _lines(name, labels, family.label, values)
        else:
            # Nearly all counts of nearly all games are 0, and those lines differ in the subject alone.
            zeros = zeros or _lines(name, _SUBJECT, family.label, values)
            yield len(values), zeros.replace(_SUBJECT, labels)


def _line(name: str, labels: str, value: float) -> str:
    return f"{name}{{{labels}}} {_number(value)}\n" if labels else f"{name} {_number(value)}\n"


def _lines(name: str, labels: str, label: str | None, values: Mapping[str, float]) -> str:
    return "".join(
        [f'{name}{{{labels},{label}="{text}"}} {_number(value)}\n' for text, value in values.items()]
    )


def _histogram(histogram: HistogramFamily, labels: str, distribution: Distribution) -> _Lines:
    """The lines of its buckets, their count and their sum."""
    name = histogram.name
    bounds = _bound_texts(distribution.bounds)
    begin = f'{name}_bucket{{{labels},le="'
    buckets = [
        # As `_number` writes it: a call for each of a dozen buckets is half of the work.
        f'{begin}{bound}"}} {count}.0\n' if count < _LARGE else f'{begin}{bound}"}} {_number(count)}\n'
        for bound, count in zip(bounds, accumulate(distribution.counts), strict=True)
    ]
    count, total = _number(sum(distribution.counts)), _number(distribution.total)
    end = f"{name}_count{{{labels}}} {count}\n{name}_sum{{{labels}}} {total}\n"
    return len(buckets) + 2, "".join(buckets) + end


@lru_cache
def _bound_texts(bounds: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(_go_string(bound) for bound in (*bounds, math.inf))


def _number(value: float) -> str:
    """A number as the client library writes it; most are small whole numbers."""
    return f"{value}.0" if type(value) is int and 0 <= value < _LARGE else _go_string(value)


def _labels(**labels: str) -> str:
    return ",".join([f'{name}="{_escaped(value)}"' for name, value in labels.items()])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _header(name: str, documentation: str, kind: str) -> _Lines:
    return 2, f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n"
