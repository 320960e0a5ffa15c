"""The demo, as a user starts it, under a real Prometheus: it shows everything, and so do the dashboards."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import httpx
import pytest

from grafana.__main__ import FOLDER
from grafana.pictures.queries import Target, fill, panels, step_seconds, targets
from grafana.states import STATES as LANES
from tests.acceptance.monitoring import prometheus
from tests.acceptance.processes import address_in, eventually, output_of, program
from watchdog.core.checks.suite import ANOMALY_KINDS
from watchdog.core.ledger import STATES
from watchdog.core.protocol.reasons import INVALID_REASONS

SCRAPE_SECONDS = 1.0
RANGE_SECONDS = 300.0
WIDTH_PIXELS = 1_000
PROGRAMME_SECONDS = 300.0
"""The programme has shown every fault after 95 s (`tests/simulator/test_programme.py` says so on virtual
time); a slow machine may take longer to see it."""

EVERY_STATE = {str(state) for state in STATES} - {"unobserved"}
HEALTHY_GAME = "1"
SHOWN: dict[str, set[str]] = {
    **{f"{check}_anomalies": set(kinds) for check, kinds in ANOMALY_KINDS.items()},
    "invalid_messages": set(INVALID_REASONS),
    "disconnects": {"closed", "server_close", "refused", "unauthorized", "oversize"},
}
"""Counters of a game, and the kinds or reasons that the demo has to show."""

BOARDS = sorted(FOLDER.glob("*.json"))
each_board = pytest.mark.parametrize("path", BOARDS, ids=[path.stem for path in BOARDS])

ALL = {"datasource": "prometheus", "feed": ".*", "game": ".*"}

Answer = list[dict[str, Any]]

pytestmark = pytest.mark.long


class Demo(NamedTuple):
    """The running demo, what it said at its start, and the Prometheus that scrapes it."""

    process: subprocess.Popen[bytes]
    addresses: dict[str, str]
    prometheus: str

    def ask(self, target: Target, variables: dict[str, Any] = ALL) -> Answer:
        """The series that Grafana gets to draw of the last minutes for a panel's query."""
        return self.query(target.expr, target, variables)

    def query(self, expr: str, target: Target, variables: dict[str, Any] = ALL) -> Answer:
        """The answer to an expression, filled and asked as Grafana does it for this target."""
        now, span = time.time(), RANGE_SECONDS
        step = step_seconds(
            target, range_seconds=span, points=WIDTH_PIXELS, scrape_interval_seconds=SCRAPE_SECONDS
        )
        filled = fill(expr, variables, span, step, SCRAPE_SECONDS)
        if target.instant:
            return self.answer("query", query=filled, time=now)
        return self.answer("query_range", query=filled, start=now - span, end=now, step=step)

    def answer(self, path: str, **question: Any) -> Answer:
        """The series with which Prometheus answers."""
        url = f"http://{self.prometheus}/api/v1/{path}"
        answer = httpx.get(url, params=question, timeout=60).json()
        assert answer["status"] == "success", (question, answer)
        result: Answer = answer["data"]["result"]
        return result

    def counted(self, counter: str) -> set[tuple[str, str]]:
        """Game type, and the kind or reason, of what a counter of the games has counted."""
        series = self.answer("query", query=f"betcore_feed_{counter}_total > 0")
        return {
            (labels["game_type"], labels.get("kind") or labels["reason"])
            for labels in (each["metric"] for each in series)
        }


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with program("demo", stderr=folder / "demo.log") as process:
        lines = [output_of(process).readline() for _ in range(3)]
        addresses = dict(line.decode().rsplit(maxsplit=1) for line in lines)
        with prometheus(folder, address_in(lines[2]), alertmanager="127.0.0.1:1") as server:
            yield Demo(process, addresses, server)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def _all_of(wanted: set[str], look: Callable[[], set[str]]) -> None:
    """Wait until a look has shown all that is wanted, all looks together."""
    seen: set[str] = set()

    def shown() -> bool:
        seen.update(look())
        return seen >= wanted

    try:
        eventually(shown, within=PROGRAMME_SECONDS, every=0.4)
    except AssertionError:
        pytest.fail(f"never shown: {wanted - seen}")


def test_the_demo_says_where_it_can_be_looked_at(demo: Demo) -> None:
    assert demo.addresses.keys() == {"simulator", "status page", "metrics"}
    assert demo.addresses["metrics"] == demo.addresses["status page"] + "metrics"


def test_the_demo_takes_the_status_page_through_every_state(demo: Demo) -> None:
    def states() -> set[str]:
        status = httpx.get(demo.addresses["status page"] + "api/v1/status", timeout=60).json()
        return {game["state"] for feed in status["feeds"] for game in feed["games"]}

    _all_of(EVERY_STATE, states)


def test_the_demo_has_every_state_scraped(demo: Demo) -> None:
    def states() -> set[str]:
        series = demo.answer("query", query="max_over_time(betcore_feed_state[5m]) > 0")
        return {each["metric"]["state"] for each in series}

    _all_of(EVERY_STATE, states)


@pytest.mark.parametrize("counter", SHOWN)
def test_the_demo_shows_every_fault_but_none_on_its_healthy_game(demo: Demo, counter: str) -> None:
    _all_of(SHOWN[counter], lambda: {kind for _, kind in demo.counted(counter)})
    # The closed port and the token that is rejected strike all games; what an update says strikes its own.
    if counter != "disconnects":
        assert HEALTHY_GAME not in {game for game, _ in demo.counted(counter)}


def _titled(board: str, title: str) -> list[Target]:
    document = json.loads((FOLDER / board).read_text())
    return [target for target in targets(document) if target.panel == title]


@each_board
def test_once_everything_has_gone_wrong_every_query_of_every_panel_has_an_answer(
    demo: Demo, path: Any
) -> None:
    silent = list(targets(json.loads(path.read_text())))

    def answered() -> bool:
        silent[:] = [target for target in silent if not demo.ask(target)]
        return not silent

    try:
        eventually(answered, within=PROGRAMME_SECONDS, every=1.0)
    except AssertionError:
        pytest.fail(f"no data for {[str(target) for target in silent]}")


def test_every_annotation_of_the_game_dashboard_marks_what_happened(demo: Demo) -> None:
    document = json.loads((FOLDER / "betcore-game.json").read_text())
    marks = [mark["expr"] for mark in document["annotations"]["list"] if "expr" in mark]
    over_time = _titled("betcore-game.json", "Latency")[0]

    assert len(marks) > 1
    for expr in marks:
        found = eventually(partial(demo.query, expr, over_time), within=PROGRAMME_SECONDS, every=1.0)
        assert {"feed", "game_type", "game"} <= set(found[0]["metric"])


def test_the_state_timeline_has_a_lane_for_each_game_and_the_one_that_lost_most_is_on_top(demo: Demo) -> None:
    (timeline,) = _titled("betcore-overview.json", "States, worst first")
    (lost,) = _titled("betcore-sla.json", "Seconds lost by game")
    games = {series["metric"]["game"] for series in demo.ask(lost)}

    lanes = demo.ask(timeline)

    codes = {float(value) for lane in lanes for _, value in lane["values"]}
    assert {lane["metric"]["game"] for lane in lanes} == games
    assert codes <= {float(state.code) for state in LANES}
    assert len(codes) > 3
    ranks = [int(lane["metric"]["a_rank"]) for lane in lanes]
    assert ranks == sorted(ranks)
    assert ranks[0] < ranks[-1]


def test_one_chosen_game_is_all_that_is_shown(demo: Demo) -> None:
    variables = {**ALL, "feed": ["demo"], "game": ["Lucky Six"]}
    shown = {
        str(target): {series["metric"].get("game") for series in demo.ask(target, variables)}
        for path in BOARDS
        for target in targets(json.loads(path.read_text()))
        if '"$game"' in target.expr
    }

    # Some queries sum over the games.
    assert {target: games for target, games in shown.items() if not games <= {"Lucky Six", None}} == {}
    assert {"Lucky Six"} in shown.values()


@each_board
def test_a_table_joins_one_row_for_each_of_its_subjects(demo: Demo, path: Any) -> None:
    document = json.loads(path.read_text())
    for panel in panels(document):
        if panel["type"] != "table":
            continue
        asked = [target for target in targets(document) if target.panel_id == panel["id"]]
        keys = [{frozenset(series["metric"]) for series in demo.ask(target)} for target in asked]
        assert all(len(labels) <= 1 for labels in keys), panel["title"]
