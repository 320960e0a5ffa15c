"""The text of a scrape, rendered as the client library does, but what has not changed only once.

A scrape of a game has about a hundred samples, of which a few change: their text is kept until they do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TypeVar

from msgspec import Struct
from prometheus_client.utils import floatToGoString

from watchdog.histogram import Distribution
from watchdog.metrics.families import (
    HISTOGRAMS_OF_A_GAME,
    OF_A_FEED,
    OF_A_GAME,
    OF_THE_WATCHDOG,
    Family,
    Histogram,
    Values,
)
from watchdog.snapshot import Snapshot

_Subject = TypeVar("_Subject")
_number: Callable[[float], str] = floatToGoString
_Labels = tuple[tuple[str, str], ...]


class Texts:
    """Renders snapshots, and keeps what it may need for the next one."""

    def __init__(self) -> None:
        self._series: dict[_Labels, _Series] = {}

    def render(self, snapshot: Snapshot, *, openmetrics: bool) -> list[bytes]:
        """The families of a snapshot in the order of the interface, without an end mark.

        They come in pieces: put together, those of a thousand games take ten megabytes more.
        """
        games = [
            (self._of(feed=game.feed, game=game.game, game_type=str(game.game_type)), game)
            for game in snapshot.games
        ]
        feeds = [(self._of(feed=token.feed), token) for token in snapshot.tokens]
        watchdog = [(self._of(), snapshot)]
        # A game that is no more leaves nothing behind.
        kept = [series for series, _ in games] + [series for series, _ in feeds] + [watchdog[0][0]]
        self._series = {series.labels: series for series in kept}
        parts: list[bytes] = []
        for family in OF_A_GAME:
            parts += _family(family, games, openmetrics=openmetrics)
        for histogram in HISTOGRAMS_OF_A_GAME:
            parts.append(_header(histogram.name, histogram.help, "histogram"))
            parts += [series.histogram(histogram, histogram.read(game)) for series, game in games]
        for token_family in OF_A_FEED:
            parts += _family(token_family, feeds, openmetrics=openmetrics)
        for watchdog_family in OF_THE_WATCHDOG:
            parts += _family(watchdog_family, watchdog, openmetrics=openmetrics)
        return parts

    def _of(self, **labels: str) -> "_Series":
        key = tuple(labels.items())
        return self._series.get(key) or _Series(key)


class _Kept(Struct, frozen=True, gc=False):
    """A text, and the values it was made of; not for the collector, which would walk through all of them."""

    values: object
    text: bytes


class _Series:
    """The texts of one subject's series, each with the values it was made of."""

    __slots__ = ("_texts", "labels", "prefix")

    def __init__(self, labels: _Labels) -> None:
        """`labels` stand in the order of their names, as the client library has them."""
        self.labels = labels
        self.prefix = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
        self._texts: dict[str, _Kept] = {}

    def text(self, name: str, label: str | None, values: Values) -> bytes:
        """The lines of one family."""
        if values is None:
            return b""
        kept = self._texts.get(name)
        if kept is not None and kept.values == values:
            return kept.text
        text = "".join(self._lines(name, label, values)).encode()
        self._texts[name] = _Kept(values, text)
        return text

    def histogram(self, histogram: Histogram, distribution: Distribution) -> bytes:
        """The lines of one histogram: its buckets, their count and their sum."""
        name = histogram.name
        kept = self._texts.get(name)
        if kept is not None and kept.values == distribution:
            return kept.text
        bounds = (*distribution.bounds, float("inf"))
        buckets = {
            _number(bound): count
            for bound, count in zip(bounds, accumulate(distribution.counts), strict=True)
        }
        count = _number(sum(distribution.counts))
        text = (
            "".join(self._lines(f"{name}_bucket", "le", buckets))
            + f"{name}_count{{{self.prefix}}} {count}\n"
            + f"{name}_sum{{{self.prefix}}} {_number(distribution.total)}\n"
        ).encode()
        self._texts[name] = _Kept(distribution, text)
        return text

    def _lines(self, name: str, label: str | None, values: Mapping[str, float] | float) -> Iterator[str]:
        if isinstance(values, Mapping):
            for text, value in values.items():
                yield f'{name}{{{self.prefix},{label}="{text}"}} {_number(value)}\n'
        else:
            labels = f"{{{self.prefix}}}" if self.prefix else ""
            yield f"{name}{labels} {_number(values)}\n"


def _family(
    family: Family[_Subject], subjects: Iterable[tuple[_Series, _Subject]], *, openmetrics: bool
) -> Iterator[bytes]:
    name, kind = family.name, "counter" if family.name.endswith("_total") else "gauge"
    # OpenMetrics names the counter without the ending that its samples have.
    yield _header(name.removesuffix("_total") if openmetrics else name, family.help, kind)
    for series, subject in subjects:
        yield series.text(name, family.label, family.read(subject))


def _header(name: str, documentation: str, kind: str) -> bytes:
    return f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n".encode()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
