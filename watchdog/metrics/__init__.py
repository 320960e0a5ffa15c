"""Metrics: one snapshot as Prometheus text or OpenMetrics, for whoever scrapes."""

import platform
import zlib
from collections.abc import Iterator

from msgspec import Struct
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector

from watchdog.metrics.text import Texts
from watchdog.snapshot import Snapshot

__all__ = ["Rendered", "Texts", "render"]

# The process and its interpreter, on a registry of our own: the library's global one is anybody's.
_PROCESS = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)
GCCollector(registry=_PROCESS)

_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
"""zlib's largest window, within gzip's header and checksum."""

_GZIP_LEVEL = 1
"""An eighth of the default level's time, for nearly its size: a fourteenth of the text."""


class Rendered(Struct, frozen=True):
    """The answer to one scrape: the body and the headers that describe it."""

    body: bytes
    content_type: str
    content_encoding: str | None


def render(snapshot: Snapshot, accept: str, accept_encoding: str, texts: Texts | None = None) -> Rendered:
    """Encode a snapshot as the scraper's `Accept` and `Accept-Encoding` headers ask.

    Prometheus text or OpenMetrics, plain or gzip. `texts` keeps from one scrape to the next what has not
    changed. Call it in a worker thread, never in the loop.
    """
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:
        # The library's answer to a version that is no number; the plain format serves everyone.
        encode, content_type = choose_encoder("")
    openmetrics = content_type.startswith("application/openmetrics-text")
    # The library's own families come last: OpenMetrics wants its end mark after them.
    pieces = [
        *(texts or Texts()).render(snapshot, openmetrics=openmetrics),
        encode(_Own(snapshot.version)),
    ]
    if not gzip_accepted(accept_encoding):
        return Rendered(b"".join(pieces), content_type, None)
    compressor = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW_BITS)
    compressed = [compressor.compress(piece) for piece in pieces]
    return Rendered(b"".join([*compressed, compressor.flush()]), content_type, "gzip")


class _Own(Collector):
    """What the client library tells of the process, and the build."""

    def __init__(self, version: str) -> None:
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """The families that are not about the feed."""
        info = GaugeMetricFamily(
            "watchdog_build_info",
            "Always 1; the labels tell the watchdog's version and the Python it runs on.",
            labels=("version", "python"),
        )
        info.add_metric((self._version, platform.python_version()), 1)
        yield info
        yield from _PROCESS.collect()
