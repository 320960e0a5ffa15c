"""The scrape: our encoding of a snapshot against the client library's ordinary children."""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from benchmarks.core import Replay
from benchmarks.figures import median, spread
from benchmarks.recording import records
from watchdog.core.monitor import Monitor
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.render import render

_REPEATS = 5
_SECONDS = 60.0


def measure(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """CPU milliseconds of one scrape at each number of games."""
    return [_measure(games) for games in sizes]


def _measure(games: int) -> dict[str, Any]:
    monitors = _monitors(games)
    taking, snapshot = _taken(monitors)
    body = render(snapshot, "text/plain", "").body()
    children = _ordinary_children(body.decode())
    ours, theirs, compressed = [], [], []
    for _ in range(_REPEATS):
        # A fresh one each time: nothing may be left over from the previous scrape.
        again, snapshot = _taken(monitors)
        taking = min(taking, again)
        ours.append(_cpu_ms(lambda snapshot=snapshot: render(snapshot, "text/plain", "").body()))
        compressed.append(_cpu_ms(lambda snapshot=snapshot: render(snapshot, "text/plain", "gzip").body()))
        theirs.append(_cpu_ms(lambda: generate_latest(children)))
    return {
        "games": games,
        "samples": sum(not line.startswith(b"#") for line in body.splitlines()),
        "bytes": len(body),
        "snapshot_ms": taking,
        "render_ms": median(ours),
        "render_gzip_ms": median(compressed),
        "children_ms": median(theirs),
        "spread": spread(ours),
    }


def _cpu_ms(work: Any) -> float:
    begun = time.process_time_ns()
    work()
    return (time.process_time_ns() - begun) / 1e6


def _monitors(games: int) -> list[Monitor]:
    texts = records(4)
    monitors = []
    for number in range(games):
        replay = Replay()
        replay.monitor.game_type, replay.monitor.game = 3, f"Game {number}"
        for text in texts:
            replay.take(text)
        monitors.append(replay.monitor)
    return monitors


def _taken(monitors: list[Monitor]) -> tuple[float, Snapshot]:
    """A snapshot, and the CPU milliseconds for which taking it held the loop."""
    begun = time.process_time_ns()
    games = tuple(monitor.snapshot(_SECONDS, 1.75e9) for monitor in monitors)
    lasted = (time.process_time_ns() - begun) / 1e6
    return lasted, Snapshot(
        taken_at=1.75e9,
        version="0",
        games=games,
        tokens=(),
        loop_stall_seconds=0.0,
        log_lines_dropped=0,
        reload_successful=True,
        reload_success_at=1.75e9,
    )


def _ordinary_children(text: str) -> CollectorRegistry:
    """The same series as metrics of the client library, with each child set to its value."""
    registry = CollectorRegistry()
    for family in text_string_to_metric_families(text):
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        if family.type == "histogram":
            _histogram(registry, family.name, family.documentation, samples)
            continue
        if not samples:
            continue
        kind = Counter if family.type == "counter" else Gauge
        metric = kind(family.name, family.documentation, tuple(samples[0].labels), registry=registry)
        for sample in samples:
            child = metric.labels(*sample.labels.values()) if sample.labels else metric
            child.inc(sample.value) if isinstance(child, Counter) else child.set(sample.value)
    return registry


def _histogram(registry: CollectorRegistry, name: str, documentation: str, samples: list[Sample]) -> None:
    buckets = [sample for sample in samples if sample.name.endswith("_bucket")]
    bounds = sorted({float(sample.labels["le"]) for sample in buckets})
    labels = tuple(label for label in buckets[0].labels if label != "le")
    metric = Histogram(name, documentation, labels, buckets=bounds, registry=registry)
    for sample in samples:
        if sample.name.endswith("_count"):
            metric.labels(*sample.labels.values()).observe(0.5)
