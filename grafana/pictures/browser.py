"""Draw a page in a headless Chromium, and ask it what became of each panel."""

import html
import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from grafana.pictures.bundle import bundle

_LIMIT_SECONDS = 120
# In virtual time: the browser skips waiting, so this bounds what the page may wait for, not what we do.
_BUDGET_MILLISECONDS = 20_000
_REPORT = re.compile(r'<script id="report" type="application/json">(.*?)</script>', re.DOTALL)
_PAGE = """<!doctype html>
<meta charset="utf-8">
<link rel="stylesheet" href="page.css">
<body>
<script id="picture" type="application/json">%s</script>
<script>window.__grafana_public_path__ = "/";</script>
<script src="page.js"></script>
"""


class DrawingError(Exception):
    """A panel that could not be drawn, or a browser that failed."""


def draw(picture: Mapping[str, Any], output: Path) -> None:
    """Draw the panels of a picture into a PNG of the picture's `width` and `height` in pixels.

    Raises DrawingError, which names the panels that failed, and whatever `bundle` raises.
    """
    with tempfile.TemporaryDirectory() as folder, _serving(_page(picture), bundle()) as address:
        drawn = Path(folder, "picture.png")
        size = picture["width"], picture["height"]
        reports = _report(_browse(address, drawn, size, Path(folder, "profile")))
        missing = {panel["id"] for panel in picture["panels"]} - {report["id"] for report in reports}
        failed = [report for report in reports if report["error"]]
        if failed or missing:
            reasons = [f"{report['title']!r}: {report['error']}" for report in failed]
            reasons += [f"panel {number} was not drawn" for number in sorted(missing)]
            raise DrawingError("; ".join(reasons))
        if not drawn.exists():
            raise DrawingError("chromium made no picture")
        output.write_bytes(drawn.read_bytes())


class _Handler(SimpleHTTPRequestHandler):
    """Serves the page at `/`, and the bundle's files."""

    def __init__(self, *arguments: Any, page: bytes, **options: Any) -> None:
        self._page = page
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(self._page)))
        self.end_headers()
        self.wfile.write(self._page)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def _serving(page: bytes, folder: Path) -> Iterator[str]:
    # From file:// the page could not fetch Grafana's icons.
    handler = partial(_Handler, page=page, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _page(picture: Mapping[str, Any]) -> bytes:
    return (_PAGE % json.dumps(picture).replace("<", r"\u003c")).encode()


def _report(dom: str) -> list[dict[str, Any]]:
    found = _REPORT.search(dom)
    if found is None:
        raise DrawingError("the page did not finish within its time")
    report: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return report


def _browse(address: str, drawn: Path, size: tuple[int, int], profile: Path) -> str:
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--hide-scrollbars", "--disable-dev-shm-usage", f"--user-data-dir={profile}"),
        *(f"--window-size={size[0]},{size[1]}", f"--virtual-time-budget={_BUDGET_MILLISECONDS}"),
        *(f"--screenshot={drawn}", "--dump-dom", address),
    ]
    try:
        result = subprocess.run(  # noqa: S603 - the command above
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            env={**os.environ, "TZ": "UTC"},
        )
    except subprocess.TimeoutExpired as error:
        raise DrawingError(f"chromium was not done after {_LIMIT_SECONDS} s") from error
    if result.returncode != 0:
        raise DrawingError(f"chromium failed: {result.stderr[-2_000:]}")
    return result.stdout
