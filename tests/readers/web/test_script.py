"""The page in a real browser: its script shows what the server says now, not what it said first."""

import re
from functools import partial
from itertools import count
from pathlib import Path

import trio
from msgspec.structs import replace
from starlette.responses import Response

from tests.readers.web.samples import fresh, frozen, snapshot, token
from tests.support.tools import require_tool
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.render import render
from watchdog.readers.web.app import create_app
from watchdog.readers.web.page import asset
from watchdog.readers.web.server import serve
from watchdog.runtime.http_server import Receive, Scope, Send

CANARY = "<b id=canary>Poker</b>"

OBSERVER = b"""
document.querySelectorAll("tbody tr").forEach((row, index) => { row.seen = index; });
document.querySelector("footer a:last-child").focus();
setTimeout(() => {
  document.body.dataset.seen = [...document.querySelectorAll("tbody tr")].map((row) => row.seen).join();
  document.body.dataset.focus = document.activeElement.textContent;
}, 2500);
"""


async def dump(address: str, profile: Path, milliseconds: int) -> str:
    """The document as it stands after some of the browser's virtual time."""
    command = [
        require_tool("chromium"),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}"),
        *(f"--virtual-time-budget={milliseconds}", "--dump-dom", f"{address}/"),
    ]
    with trio.fail_after(60):
        result = await trio.run_process(command, capture_stdout=True, capture_stderr=True)
    return result.stdout.decode()


async def test_the_script_replaces_the_first_paint_by_what_is_true_now(tmp_path):
    looks = count()

    def read() -> Snapshot:
        if next(looks) == 0:
            return snapshot(fresh(1, "Removed"), fresh(3, CANARY))
        later = replace(frozen(3, CANARY), sequence_id=9_999)
        return snapshot(fresh(1, "Keno"), later, tokens=(token(valid=False, expires_at=None),))

    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(partial(serve, create_app(read, render), listen=("127.0.0.1", 0)))
        dom = await dump(address, tmp_path, 2_500)
        nursery.cancel_scope.cancel()

    assert re.findall(r'<tr data-state="(\w+)">', dom) == ["frozen", "fresh"]
    assert "1 of 2 games in trouble: &lt;b id=canary&gt;Poker&lt;/b&gt; frozen</h1>" in dom
    assert "<b>9999</b>" in dom
    assert "<small>5 missed</small>" in dom
    assert "token missing or rejected" in dom
    assert "<b id=" not in dom
    assert re.search(r'<p id="alarm" role="alert" hidden=""></p>', dom)


async def test_the_script_says_so_when_the_watchdog_stops_answering(tmp_path):
    app = create_app(lambda: snapshot(fresh()), render)
    looks = count()

    async def once(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/" and next(looks) > 0:
            scope["path"] = "/gone"
        await app(scope, receive, send)

    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(partial(serve, once, listen=("127.0.0.1", 0)))
        dom = await dump(address, tmp_path, 8_000)
        nursery.cancel_scope.cancel()

    assert '<body class="stale">' in dom
    alarm = re.search(r'<p id="alarm" role="alert">(.*?)</p>', dom)
    assert alarm is not None
    assert re.fullmatch(
        r"The watchdog itself has not answered for [\d.]+ s\. All below is as of 15:57:18 UTC\.", alarm[1]
    )


async def test_rows_that_move_and_the_focus_stay_what_they_were(tmp_path):
    looks = count()

    def read() -> Snapshot:
        return snapshot(fresh(1, "Keno"), fresh(3, "Poker") if next(looks) == 0 else frozen(3, "Poker"))

    app = create_app(read, render)

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/static/page.js":
            await Response(asset("page.js") + OBSERVER, media_type="text/javascript")(scope, receive, send)
        else:
            await app(scope, receive, send)

    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(partial(serve, observed, listen=("127.0.0.1", 0)))
        dom = await dump(address, tmp_path, 3_000)
        nursery.cancel_scope.cancel()

    assert re.findall(r'<tr data-state="(\w+)">', dom) == ["frozen", "fresh"]
    assert 'data-seen="1,0"' in dom
    assert 'data-focus="status as JSON"' in dom
