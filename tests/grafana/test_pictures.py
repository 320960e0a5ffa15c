"""Pictures of dashboards: the queries as Grafana fills them, and its own panel code on canned answers."""

import json
import math
import subprocess
import threading
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from grafana.pictures import browser, draw, layout, queries
from grafana.pictures.bundle import HERE, bundle
from tests.support.tools import require_tool

WIDTH_PIXELS = 800
# Colours that Grafana's themes don't use: where one shows, the panel's own configuration was applied.
LINE, BAR, TILE, CELL = "#CC79A7", "#56B4E9", "#009E73", "#D55E00"

GAMES = ("Keno", "Poker")


def panel(number, kind, place, expr, *, legend="{{game}}", target=None, defaults=None, **more):
    x, y, width, height = place
    query = {"refId": "A", "expr": expr, "legendFormat": legend, **(target or {})}
    return {
        "id": number,
        "type": kind,
        "title": f"{kind} of $game",
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "fieldConfig": {"defaults": defaults or {}, "overrides": []},
        "targets": [query],
        **more,
    }


def fixed(colour):
    return {"color": {"mode": "fixed", "fixedColor": colour}}


INSTANT, TABLE = {"instant": True}, {"instant": True, "format": "table"}
GAME_VARIABLE = {
    "name": "game",
    "type": "query",
    "multi": True,
    "includeAll": True,
    "query": {"query": 'label_values(state{feed="demo"}, game)'},
}


def dashboard(*panels):
    return {"title": "Sample", "templating": {"list": [GAME_VARIABLE]}, "panels": list(panels)}


SAMPLE = dashboard(
    panel(
        *(1, "stat", (0, 0, 8, 4), "state"),
        target=INSTANT,
        defaults={"mappings": [{"type": "value", "options": {"1": {"text": "fresh", "color": TILE}}}]},
        options={"colorMode": "background_solid", "graphMode": "none"},
    ),
    panel(
        *(2, "bargauge", (8, 0, 16, 4), "freshness"),
        target=INSTANT,
        defaults={**fixed(BAR), "unit": "percentunit", "min": 0, "max": 2},
        options={"orientation": "horizontal", "displayMode": "gradient"},
    ),
    panel(3, "heatmap", (0, 4, 24, 6), "buckets"),
    {"id": 4, "type": "row", "title": "Details", "gridPos": {"x": 0, "y": 10, "w": 24, "h": 1}, "panels": []},
    panel(
        *(5, "timeseries", (0, 11, 12, 6), 'rate(updates{game=~"$game"}[$__rate_interval])'),
        defaults={**fixed(LINE), "unit": "ops", "custom": {"lineWidth": 3, "drawStyle": "line"}},
    ),
    panel(
        *(6, "table", (12, 11, 12, 6), "lost"),
        target=TABLE,
        defaults={"custom": {"align": "left"}},
        transformations=[
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "Lost"}},
            },
        ],
    ),
)
SAMPLE["panels"][-1]["fieldConfig"]["overrides"] = [
    {
        "matcher": {"id": "byName", "options": "Lost"},
        "properties": [
            {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": CELL}},
        ],
    }
]


class Canned(BaseHTTPRequestHandler):
    """Answers as Prometheus does for two games, a range without its middle; refuses the query `refused`."""

    def do_GET(self):
        url = urlsplit(self.path)
        parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.asked.append((url.path.removeprefix("/api/v1/"), parameters))
        if parameters.get("query") == "refused":
            self.answer(400, {"status": "error", "errorType": "bad_data", "error": "parse error: unexpected"})
        else:
            self.answer(200, {"status": "success", "data": self.data(url.path, parameters)})

    def data(self, path, parameters):
        if path.endswith("/values"):
            return list(GAMES)
        if path.endswith("/query_range"):
            start, end, step = (float(parameters[name]) for name in ("start", "end", "step"))
            count = int((end - start) / step) + 1
            missing = range(count // 3, 2 * count // 3)
            times = [start + step * index for index in range(count) if index not in missing]
            series = [
                {
                    "metric": self.labels(game),
                    "values": [[at, str(2 + math.sin((at - start) / 60))] for at in times],
                }
                for game in GAMES
            ]
            return {"resultType": "matrix", "result": series}
        value = [float(parameters["time"]), "1"]
        return {
            "resultType": "vector",
            "result": [{"metric": self.labels(game), "value": value} for game in GAMES],
        }

    @staticmethod
    def labels(game):
        return {"feed": "demo", "game": game}

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@contextmanager
def canned_prometheus():
    """Yields its address and the list of what it is asked."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Canned) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", server.asked
        finally:
            server.shutdown()
            thread.join()


def drawn(document, folder, *options):
    """Draw a dashboard; answers the exit code, the PNG's path and what Prometheus was asked."""
    file, output = folder / "dashboard.json", folder / "dashboard.png"
    file.write_text(json.dumps(document))
    with canned_prometheus() as (address, asked):
        code = draw.main(
            [
                *("--prometheus", address, "--dashboard", str(file), "--output", str(output)),
                *("--width", str(WIDTH_PIXELS), "--scrape-interval", "1s", *options),
            ]
        )
    return code, output, asked


def pixels(png):
    """The rows of an 8-bit RGB picture, each a list of colours."""
    data = png.read_bytes()
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[24:29] == bytes([8, 2, 0, 0, 0])
    compressed, at = b"", 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            compressed += data[at + 8 : at + 8 + length]
        at += length + 12
    raw, row, rows = zlib.decompress(compressed), bytearray(3 * width), []
    for number in range(height):
        line = raw[number * (3 * width + 1) : (number + 1) * (3 * width + 1)]
        row = unfiltered(line[0], line[1:], row)
        rows.append([f"#{row[x : x + 3].hex().upper()}" for x in range(0, 3 * width, 3)])
    return rows


def unfiltered(kind, line, above):
    row = bytearray(line)
    for index, byte in enumerate(line):
        left, corner = (row[index - 3], above[index - 3]) if index >= 3 else (0, 0)
        predicted = {
            0: 0,
            1: left,
            2: above[index],
            3: (left + above[index]) // 2,
            4: min((left, above[index], corner), key=lambda by: abs(left + above[index] - corner - by)),
        }
        row[index] = (byte + predicted[kind]) & 255
    return row


def colours(rows, place):
    """The colours within a panel or a part of it, by its place in the grid."""
    x, y, width, height = place
    column, line = WIDTH_PIXELS / 24, layout.ROW_PIXELS + layout.GAP_PIXELS
    lines = rows[y * line : (y + height) * line]
    return {colour for row in lines for colour in row[int(x * column) : int((x + width) * column)]}


@pytest.fixture
def tools():
    require_tool("npm")
    require_tool("chromium")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The pixels of the sample."""
    require_tool("npm")
    require_tool("chromium")
    code, png, _ = drawn(SAMPLE, tmp_path_factory.mktemp("sample"))
    assert code == 0
    return pixels(png)


def test_every_panel_type_is_drawn_in_its_place_with_its_own_colours(sample):
    assert len(sample) == (4 + 1 + 6) * 38 + 8
    places = {
        TILE: (0, 0, 8, 4),
        BAR: (8, 0, 16, 4),
        LINE: (0, 5, 12, 6),
        CELL: (12, 5, 12, 6),
    }
    seen = {colour: colours(sample, place) for colour, place in places.items()}
    assert [colour for colour, found in seen.items() if colour not in found] == []
    # A frame alone has a handful; letters and curves have many.
    assert [colour for colour, found in seen.items() if len(found) < 50] == []


def test_every_line_is_broken_where_data_is_missing(sample):
    before, missing, after = ((column, 6, 1, 3) for column in (3, 6.5, 10))
    assert [LINE in colours(sample, place) for place in (before, missing, after)] == [True, False, True]


def test_the_queries_are_filled_and_asked_as_grafana_does_it(tools, tmp_path):
    _, _, asked = drawn(SAMPLE, tmp_path, "--variable", "game=Poker (VIP)", "--range", "10m")

    ranges = [parameters for path, parameters in asked if path == "query_range"]
    assert [query["query"] for query in ranges] == [r'rate(updates{game=~"Poker \\(VIP\\)"}[4s])']
    (query,) = ranges
    assert float(query["step"]) == 2
    assert float(query["start"]) % 2 == 0
    assert float(query["end"]) - float(query["start"]) in {598, 600, 602}
    assert sorted(parameters["query"] for path, parameters in asked if path == "query") == [
        *("freshness", "lost", "state")
    ]


def test_a_broken_panel_fails_the_picture_and_is_named(tools, tmp_path, capsys):
    unknown = [{"id": "noSuchTransformation", "options": {}}]
    unmerged = panel(3, "table", (0, 8, 12, 4), "lost", target=TABLE)
    unmerged["targets"].append({**unmerged["targets"][0], "refId": "B"})
    broken = dashboard(
        panel(1, "stat", (0, 0, 12, 4), "state", target=INSTANT),
        panel(2, "timeseries", (0, 4, 12, 4), "updates", transformations=unknown),
        unmerged,
    )
    code, png, _ = drawn(broken, tmp_path)

    said = capsys.readouterr().err
    assert code == 1
    assert not png.exists()
    assert said.count("\n") == 1
    assert "'timeseries of $game': Error: \"noSuchTransformation\" not found" in said
    assert "'table of $game': a table shows one frame, the queries gave 2: merge them" in said
    assert "stat" not in said


def test_a_panel_that_the_packages_lack_is_refused_not_made_up(tools, tmp_path):
    heatmap = {**panel(1, "heatmap", (0, 0, 24, 6), "buckets"), "answers": []}
    picture = {"width": 400, "height": 240, "from": 0, "to": 60_000, "variables": {}, "panels": [heatmap]}
    with pytest.raises(browser.DrawingError, match="no panel of type heatmap in Grafana's packages"):
        browser.draw(picture, tmp_path / "picture.png")


def test_a_refused_query_fails_the_picture_with_what_prometheus_said(tmp_path, capsys):
    code, png, _ = drawn(dashboard(panel(1, "stat", (0, 0, 6, 4), "refused", target=INSTANT)), tmp_path)

    assert code == 1
    assert not png.exists()
    assert capsys.readouterr().err == (
        "draw: panel 'stat of $game', query A: Prometheus answered 400: parse error: unexpected\n"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--variable", "gmae=Poker"), "the dashboard has no variable gmae; it has game"),
        (("--variable", "Poker"), "'Poker': expected NAME=VALUE"),
        (("--range", "15"), "'15' is no duration: expected one such as 30s, 15m or 1h30m"),
    ],
)
def test_a_mistaken_option_is_explained_in_a_line(tmp_path, capsys, options, said):
    try:
        code, *_ = drawn(SAMPLE, tmp_path, *options)
    except SystemExit as exit_:
        code = exit_.code
    assert code != 0
    assert capsys.readouterr().err.splitlines()[-1].endswith(said)


def test_the_page_passes_the_strict_checks_of_typescript(tools):
    bundle()
    npm = require_tool("npm")
    result = subprocess.run(
        [npm, "run", "--silent", "check"], cwd=HERE, check=False, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (0, "")


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


def test_neighbours_take_the_room_of_what_is_left_out_and_all_moves_up():
    places = {
        shown["id"]: tuple(shown["gridPos"][key] for key in "xywh")
        for shown in layout.arranged(
            dashboard(
                panel(1, "state-timeline", (0, 0, 24, 9), "up"),
                {"id": 2, "type": "row", "gridPos": {"x": 0, "y": 9, "w": 24, "h": 1}},
                panel(3, "heatmap", (0, 10, 8, 6), "up"),
                panel(4, "stat", (8, 10, 8, 6), "up"),
                panel(5, "stat", (16, 10, 8, 4), "up"),
                {"id": 6, "type": "row", "gridPos": {"x": 0, "y": 16, "w": 24, "h": 1}},
                panel(7, "heatmap", (0, 17, 24, 6), "up"),
                panel(8, "table", (0, 23, 24, 5), "up"),
                {"id": 9, "type": "row", "gridPos": {"x": 0, "y": 28, "w": 24, "h": 1}},
                panel(10, "heatmap", (0, 29, 24, 6), "up"),
            )
        )
    }
    assert places == {
        2: (0, 0, 24, 1),
        4: (0, 1, 12, 6),
        5: (12, 1, 12, 4),
        6: (0, 7, 24, 1),
        8: (0, 8, 24, 5),
    }
