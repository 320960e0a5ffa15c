"""What we render is, sample for sample and byte for byte, what the client library would."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.utils import floatToGoString

from tests.readers.web.samples import NOW, eight_games, fresh, frozen, snapshot, token, untouched
from watchdog.core.instruments import Distribution
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics import text
from watchdog.readers.metrics.families import HISTOGRAMS_OF_A_GAME, OF_A_FEED, OF_A_GAME, OF_THE_WATCHDOG
from watchdog.readers.metrics.render import render

ACCEPTED = [
    "",
    "text/plain;version=0.0.4",
    "text/plain;version=1.0.0;escaping=allow-utf-8",
    "application/openmetrics-text;version=1.0.0",
    "application/openmetrics-text;version=0.0.1",
    "application/openmetrics-text;version=2.0.0",
]
GAME = ("feed", "game_type", "game")


class Reference:
    """The same families, made by the client library."""

    def __init__(self, watch: Snapshot) -> None:
        self.watch = watch

    def collect(self) -> Iterator[Metric]:
        games = [((game.feed, str(game.game_type), game.game), game) for game in self.watch.games]
        for family in OF_A_GAME:
            yield self._family(family, GAME, games)
        for histogram in HISTOGRAMS_OF_A_GAME:
            metric = HistogramMetricFamily(histogram.name, histogram.help, labels=GAME)
            for labels, game in games:
                seen, total = histogram.read(game), 0
                buckets = []
                for bound, count in zip((*seen.bounds, math.inf), seen.counts, strict=True):
                    total += count
                    buckets.append((floatToGoString(bound), total))
                metric.add_metric(labels, buckets, seen.total)
            yield metric
        for of_feed in OF_A_FEED:
            yield self._family(of_feed, ("feed",), [((each.feed,), each) for each in self.watch.tokens])
        for of_all in OF_THE_WATCHDOG:
            yield self._family(of_all, (), [((), self.watch)])

    def _family(self, family, names, subjects) -> Metric:
        kind = CounterMetricFamily if family.name.endswith("_total") else GaugeMetricFamily
        metric = kind(
            family.name, family.help, labels=names if family.label is None else (*names, family.label)
        )
        for labels, subject in subjects:
            values = family.read(subject)
            if isinstance(values, Mapping):
                for text, value in values.items():
                    metric.add_metric((*labels, text), value)
            elif values is not None:
                metric.add_metric(labels, values)
        return metric


def expected(watch: Snapshot, accept: str) -> bytes:
    encode, _ = choose_encoder(accept)
    return encode(Reference(watch)).removesuffix(b"# EOF\n")


def watches() -> list[Snapshot]:
    hostile = fresh(9, 'a "quoted"\\ name\nof two lines — 日本', feed='fe"ed')
    numbers = fresh(
        11,
        "Numbers",
        last_message_at=1e300,
        clock_offset_seconds=-1e-9,
        betting_timer_seconds=math.inf,
        received_bytes=2**63,
        intervals=Distribution((0.1, 1e-7, 12_345_678.0), (1, 2, 3, 10**9), float("nan")),
    )
    return [
        snapshot(),
        snapshot(untouched()),
        snapshot(*eight_games()),
        snapshot(hostile, numbers, tokens=(token(), token(feed="other", expires_at=None, valid=False))),
    ]


@pytest.mark.parametrize("accept", ACCEPTED)
@pytest.mark.parametrize("number", range(4))
def test_a_scrape_is_what_the_client_library_gives(number, accept):
    watch = watches()[number]
    assert render(watch, accept, "").body().startswith(expected(watch, accept))


@pytest.mark.parametrize("accept", ACCEPTED)
def test_the_librarys_own_metrics_are_written_as_it_writes_them(accept):
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    metrics = list(registry.collect())
    encode, content_type = choose_encoder(accept)
    openmetrics = "openmetrics" in content_type

    class Same:
        def collect(self) -> list[Metric]:
            return metrics

    written = text.of_the_library(metrics, openmetrics=openmetrics)
    assert written + b"# EOF\n" * openmetrics == encode(Same())
    assert written.count(b"\n") > 30


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text;version=1.0.0"])
def test_what_one_scrape_said_never_shows_in_a_later_one(accept):
    changes: list[dict[str, Any]] = [
        {},
        {"messages": 1, "state": "frozen"},
        {"messages": 1, "state": "fresh", "betting_timer_seconds": None},
        {"last_message_at": NOW, "maintenance": True},
        {"intervals": Distribution((0.5, 0.75, 1.0), (3_600, 3_591, 8, 1), 3_601.0)},
        {"intervals": Distribution((0.5, 0.8, 1.0), (3_600, 3_591, 8, 1), 3_601.0)},
        {},
    ]
    for change in changes:
        watch = snapshot(fresh(**change), frozen(), loop_stall_seconds=float(len(change)))
        assert render(watch, accept, "").body().startswith(expected(watch, accept))


@pytest.mark.parametrize("accept_encoding", ["", "gzip"])
@pytest.mark.parametrize("games", [0, 1, 300])
def test_a_scrape_comes_in_pieces_of_bounded_work(games, accept_encoding):
    watch = snapshot(*(fresh(number, f"Game {number}") for number in range(games)))
    samples = sum(not line.startswith(b"#") for line in render(watch, "", "").body().splitlines())
    written = [piece.count(b"\n") for piece in text.pieces(watch, openmetrics=False)]

    # A piece is full once it has its lines; the last text put to it, a histogram at most, may go beyond.
    assert max(written) < text.LINES_AT_ONCE + 25
    assert len(written) >= samples / (text.LINES_AT_ONCE + 25)
    assert len(list(render(watch, "", accept_encoding).pieces)) > len(written)
