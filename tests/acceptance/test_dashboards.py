"""Every query of every panel, as Grafana sends it, on a real Prometheus that watches the demo."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from grafana.__main__ import FOLDER
from grafana.pictures.queries import Target, fill, panels, step_seconds, targets
from grafana.states import STATES
from tests.acceptance.monitoring import prometheus
from tests.acceptance.processes import eventually, program

SCRAPE_SECONDS = 1.0
RANGE_SECONDS = 300.0
WIDTH_PIXELS = 1_000
PROGRAMME_SECONDS = 150.0
"""The demo has shown every fault after 95 s; the rest is for slow machines."""

BOARDS = sorted(FOLDER.glob("*.json"))
ALL = {"datasource": "prometheus", "feed": ".*", "game": ".*"}


class Grafana(NamedTuple):
    """What Grafana does with a dashboard's queries, as far as Prometheus sees it."""

    prometheus: str

    def ask(self, target: Target, variables: dict[str, Any] = ALL) -> list[dict[str, Any]]:
        """The series that a panel gets to draw of the last minutes."""
        return self.query(target.expr, variables, target)

    def query(self, expr: str, variables: dict[str, Any], target: Target) -> list[dict[str, Any]]:
        now, span = time.time(), RANGE_SECONDS
        step = step_seconds(
            target, range_seconds=span, points=WIDTH_PIXELS, scrape_interval_seconds=SCRAPE_SECONDS
        )
        filled = fill(expr, variables, span, step, SCRAPE_SECONDS)
        if target.instant:
            path, question = "query", {"query": filled, "time": now}
        else:
            path, question = "query_range", {"query": filled, "start": now - span, "end": now, "step": step}
        answer = httpx.get(f"http://{self.prometheus}/api/v1/{path}", params=question, timeout=30).json()
        if answer["status"] != "success":
            raise ValueError(f"{target}: {answer['error']}\n{filled}")
        return answer["data"]["result"]


@pytest.fixture(scope="module")
def grafana(tmp_path_factory) -> Iterator[Grafana]:
    folder = tmp_path_factory.mktemp("dashboards")
    with program("demo", stderr=folder / "demo.log") as demo:
        address = _metrics_of(demo)
        with prometheus(folder, watchdog=address, alertmanager="127.0.0.1:1") as server:
            yield Grafana(server)


def _metrics_of(demo) -> str:
    for line in demo.stdout:
        if found := re.search(rb"http://(\S+)/metrics", line):
            return found[1].decode()
    raise AssertionError("the demo did not say where its metrics are")


def _titled(board: str, title: str) -> list[Target]:
    document = json.loads((FOLDER / board).read_text())
    return [target for target in targets(document) if target.panel == title]


@pytest.mark.parametrize("path", BOARDS, ids=[path.stem for path in BOARDS])
def test_once_everything_has_gone_wrong_every_query_of_every_panel_has_an_answer(grafana, path):
    silent = list(targets(json.loads(path.read_text())))

    def answered() -> bool:
        silent[:] = [target for target in silent if not grafana.ask(target)]
        return not silent

    try:
        eventually(answered, within=PROGRAMME_SECONDS)
    except AssertionError:
        pytest.fail(f"no data for {[str(target) for target in silent]}")


def test_every_annotation_of_the_game_dashboard_marks_what_happened(grafana):
    document = json.loads((FOLDER / "betcore-game.json").read_text())
    example = next(targets(document))
    marks = [mark["expr"] for mark in document["annotations"]["list"] if "expr" in mark]

    assert len(marks) > 1
    for expr in marks:
        found = eventually(
            lambda expr=expr: grafana.query(expr, ALL, _over_time(example)), within=PROGRAMME_SECONDS
        )
        assert {"feed", "game_type", "game"} <= set(found[0]["metric"])


def _over_time(target: Target) -> Target:
    return next(other for other in _titled("betcore-game.json", "Latency") if other.ref_id == target.ref_id)


def test_the_state_timeline_has_a_lane_for_each_game_and_the_one_that_lost_most_is_on_top(grafana):
    (timeline,) = _titled("betcore-overview.json", "States, worst first")
    (lost,) = _titled("betcore-sla.json", "Seconds lost by game")
    by_game = {series["metric"]["game"]: float(series["value"][1]) for series in grafana.ask(lost)}

    lanes = grafana.ask(timeline)

    codes = {float(value) for lane in lanes for _, value in lane["values"]}
    assert {lane["metric"]["game"] for lane in lanes} == set(by_game)
    assert codes <= {float(state.code) for state in STATES}
    assert len(codes) > 3
    ranks = [int(lane["metric"]["a_rank"]) for lane in lanes]
    assert ranks == sorted(ranks)
    assert ranks[0] < ranks[-1]


def test_one_chosen_game_is_all_that_is_shown(grafana):
    variables = {**ALL, "feed": ["betcore"], "game": ["Lucky Six"]}
    for path in BOARDS:
        for target in targets(json.loads(path.read_text())):
            if '"$game"' in target.expr:
                games = {
                    series["metric"].get("game", "Lucky Six") for series in grafana.ask(target, variables)
                }
                assert games <= {"Lucky Six"}, target


@pytest.mark.parametrize("path", BOARDS, ids=[path.stem for path in BOARDS])
def test_a_table_joins_one_row_for_each_of_its_subjects(grafana, path):
    document = json.loads(path.read_text())
    for panel in panels(document):
        if panel["type"] != "table":
            continue
        asked = [target for target in targets(document) if target.panel_id == panel["id"]]
        keys = [{frozenset(series["metric"]) for series in grafana.ask(target)} for target in asked]
        assert all(len(labels) <= 1 for labels in keys), panel["title"]
