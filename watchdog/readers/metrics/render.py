"""One snapshot as Prometheus text or OpenMetrics, for whoever scrapes."""

import platform
import zlib
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric

from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.accepting import accepts_gzip, preferred_format
from watchdog.readers.metrics.text import of_the_library, pieces

__all__ = ["Rendering", "render"]

# The process and its interpreter, on our own registry: anybody may add to the library's global one.
_PROCESS = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)
GCCollector(registry=_PROCESS)

_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
"""zlib's largest window, within gzip's header and checksum."""

_GZIP_LEVEL = 1
"""It takes an eighth of the default level's time for nearly its size, a fourteenth of the text."""


class Rendering:
    """The answer to one scrape: its headers, and its body piece by piece.

    A piece takes a fraction of a millisecond, and the caller may let other tasks run between pieces.
    """

    def __init__(self, pieces: Iterator[bytes], content_type: str, content_encoding: str | None) -> None:
        self.pieces = pieces
        self.content_type = content_type
        self.content_encoding = content_encoding

    def body(self) -> bytes:
        """The whole body at once, for callers that keep nobody waiting."""
        return b"".join(self.pieces)


def render(snapshot: Snapshot, accept: str, accept_encoding: str) -> Rendering:
    """Encode a snapshot as the scraper's `Accept` and `Accept-Encoding` headers ask.

    Prometheus text or OpenMetrics, plain or gzip.
    """
    content_type = preferred_format(accept)
    plain = _plain(snapshot, openmetrics=content_type.startswith("application/openmetrics-text"))
    if accepts_gzip(accept_encoding):
        return Rendering(_compressed(plain), content_type, "gzip")
    return Rendering(plain, content_type, None)


def _plain(snapshot: Snapshot, *, openmetrics: bool) -> Iterator[bytes]:
    yield from pieces(snapshot, openmetrics=openmetrics)
    yield of_the_library(_own(snapshot.version), openmetrics=openmetrics)
    if openmetrics:
        yield b"# EOF\n"


def _compressed(plain: Iterator[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW_BITS)
    for piece in plain:
        yield compressor.compress(piece)
    yield compressor.flush()


def _own(version: str) -> Iterator[Metric]:
    """The build, and what the client library knows of the process."""
    info = GaugeMetricFamily(
        "watchdog_build_info",
        "Always 1; the labels tell the watchdog's version and the Python it runs on.",
        labels=("version", "python"),
    )
    info.add_metric((version, platform.python_version()), 1)
    yield info
    yield from _PROCESS.collect()
