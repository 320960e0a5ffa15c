"""Pictures of dashboards: the queries as Grafana fills them, and its own panel code on canned answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from grafana.pictures import draw, queries
from tests.support.tools import require_tool

TABLE = {"instant": True, "format": "table"}


def panel(number: int, kind: str, place: tuple[int, ...], expr: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": kind,
        "title": f"{kind} of $game",
        "gridPos": dict(zip("xywh", place, strict=True)),
        "fieldConfig": {"defaults": {}, "overrides": []},
        "targets": [{"refId": "A", "expr": expr, "legendFormat": "{{game}}", **more.pop("target", {})}],
    } | more


def dashboard(*panels: dict[str, Any]) -> dict[str, Any]:
    game = {"name": "game", "type": "query", "query": {"query": "label_values(state, game)"}}
    return {"title": "Sample", "templating": {"list": [game]}, "panels": list(panels)}


class Canned(BaseHTTPRequestHandler):
    """Answers as Prometheus does, with the value 1 for one game."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        series: dict[str, Any] = {"metric": {"feed": "demo", "game": "Poker"}}
        if url.path.endswith("/values"):
            self.answer(["Poker"])
        elif url.path.endswith("/query_range"):
            times = (float(asked["start"]), float(asked["end"]))
            self.answer(
                {"resultType": "matrix", "result": [series | {"values": [[at, "1"] for at in times]}]}
            )
        else:
            self.answer({"resultType": "vector", "result": [series | {"value": [float(asked["time"]), "1"]}]})

    def answer(self, data: Any) -> None:
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def canned_prometheus() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Canned) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def tools() -> None:
    require_tool("npm")
    require_tool("chromium")


def drawn(document: dict[str, Any], folder: Path) -> tuple[int, Path]:
    """Draw a dashboard; answers the exit code and the PNG's path."""
    file, output = folder / "dashboard.json", folder / "dashboard.png"
    file.write_text(json.dumps(document))
    with canned_prometheus() as address:
        options = [
            "--prometheus",
            address,
            "--dashboard",
            str(file),
            "--output",
            str(output),
            "--width",
            "800",
        ]
        return draw.main(options), output


@pytest.mark.usefixtures("tools")
def test_panels_are_drawn(tmp_path: Path) -> None:
    code, png = drawn(
        dashboard(
            panel(1, "stat", (0, 0, 12, 4), "state", target={"instant": True}),
            panel(2, "timeseries", (12, 0, 12, 4), "updates"),
            panel(3, "table", (0, 4, 24, 4), "lost", target=TABLE),
        ),
        tmp_path,
    )

    data = png.read_bytes()
    assert (code, data[:8]) == (0, b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(data[16:20]) == 800
    # An empty page has a handful of kilobytes.
    assert len(data) > 10_000


@pytest.mark.usefixtures("tools")
def test_a_broken_panel_fails_the_picture_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = [{"id": "noSuchTransformation", "options": {}}]
    broken = panel(2, "timeseries", (0, 4, 12, 4), "updates", transformations=unknown)

    code, png = drawn(dashboard(broken), tmp_path)

    assert (code, png.exists()) == (1, False)
    assert "'timeseries of $game': Error: \"noSuchTransformation\" not found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("expr", "filled"),
    [
        ("up[$__rate_interval]", "up[60s]"),
        ("up[${__rate_interval}] $__interval", "up[60s] 30s"),
        ("up[$__range] / $__range_s", "up[3600s] / 3600"),
        ("$__interval_ms $__range_ms", "30000 3600000"),
        ('{a=~"$feed"}', '{a=~"demo"}'),
        ('{a=~"$game"}', r'{a=~"(Lucky\\.6|a\\\\b\\|c)"}'),
        ("${game:pipe} ${game:raw}", r"Lucky.6|a\b|c Lucky.6,a\b|c"),
        ('{a=~"$all$"}', '{a=~".*$"}'),
    ],
)
def test_a_query_is_filled_with_variables_and_intervals(expr, filled):
    variables = {"feed": ["demo"], "game": ["Lucky.6", "a\\b|c"], "all": ".*"}
    assert queries.fill(expr, variables, 3_600, 30, 15) == filled


def test_the_rate_interval_is_at_least_a_step_and_a_scrape():
    assert queries.fill("$__rate_interval", {}, 3_600, 300, 15) == "315s"
    assert queries.fill("$__rate_interval", {}, 60, 0.5, 0.25) == "1s"


@pytest.mark.parametrize("expr", ["up{a='$unknown'}", "up{a=~'${game:sqlstring}'}"])
def test_a_variable_that_cannot_be_filled_is_an_error(expr):
    with pytest.raises(queries.QueryError, match="unknown"):
        queries.fill(expr, {"game": ["Poker"]}, 60, 1, 1)


@pytest.mark.parametrize(
    ("more", "range_seconds", "step"),
    [
        ({}, 900, 1),
        ({}, 3_600, 5),
        ({}, 30 * 86_400, 3_600),
        ({"interval": "1m"}, 900, 60),
        ({"maxDataPoints": 30}, 900, 30),
    ],
)
def test_the_step_follows_range_and_width_in_round_numbers(more, range_seconds, step):
    (target,) = queries.targets(dashboard(panel(1, "timeseries", (0, 0, 24, 4), "up", **more)))
    asked = queries.step_seconds(target, range_seconds=range_seconds, points=700, scrape_interval_seconds=1)
    assert asked == step


def test_the_targets_of_collapsed_rows_are_listed_and_hidden_ones_are_not():
    row = {"id": 2, "type": "row", "title": "More", "gridPos": {"x": 0, "y": 4, "w": 24, "h": 1}}
    row["panels"] = [panel(3, "table", (0, 5, 24, 4), "lost", target=TABLE)]
    hidden = panel(4, "stat", (0, 9, 24, 4), "secret", target={"hide": True})
    own_range = panel(1, "stat", (0, 0, 24, 4), "up", timeFrom="30d")

    listed = list(queries.targets(dashboard(own_range, row, hidden)))
    assert [(target.panel_id, target.expr, target.table) for target in listed] == [
        (1, "up", False),
        (3, "lost", True),
    ]
    assert [target.range_seconds for target in listed] == [30 * 86_400, None]
    assert str(listed[0]) == "panel 'stat of $game', query A"
