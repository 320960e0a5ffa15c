"""The dashboards keep the rules of Grafana's linter and of our own."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.rules import alerting_rules
from tests.grafana import lint
from tests.grafana.boards import (
    UIDS,
    Json,
    Query,
    boards,
    queries,
    query_variables,
    variable_query,
    variables,
)
from tests.support.tools import require_tool

BOARDS = {board["uid"]: board for board in boards()}

each_rule = pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)


@each_rule
@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_keeps_the_rule(uid: str, rule: lint.Rule) -> None:
    assert list(rule(BOARDS[uid])) == []


def _panel(**more: object) -> Json:
    return {
        "id": 1,
        "type": "stat",
        "gridPos": {"x": 20, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {},
    } | more


# Two panels in one place, and nothing as it should be.
WRONG: Json = {
    "tags": ["betcore"],
    "templating": {"list": [{"type": "query", "name": "kind", "query": "label_values(up, kind)"}]},
    "annotations": {"list": []},
    "panels": [
        _panel(),
        _panel(
            targets=[{"refId": "A", "expr": expr} for expr in ("", 'a_total{job="b"} + rate(a_total[5m])')]
        ),
    ],
}


@each_rule
def test_the_rule_can_be_broken(rule: lint.Rule) -> None:
    assert list(rule(WRONG)) != []


def test_the_dashboards_are_those_of_the_interface_with_a_title_each():
    assert sorted(board["uid"] for board in boards()) == UIDS
    assert len({board["title"] for board in BOARDS.values()}) == len(UIDS)


def test_the_dashboards_share_a_tag_by_which_they_link_to_each_other():
    assert set.intersection(*(set(board["tags"]) for board in BOARDS.values()))


@pytest.mark.parametrize("rule", alerting_rules(), ids=lambda rule: rule["alert"])
def test_an_alert_links_to_a_dashboard_that_knows_its_variables(rule):
    url = rule["annotations"]["dashboard_url"]
    board = BOARDS[url.split("/")[2]]
    known = {variable["name"] for variable in variables(board)}
    assert set(re.findall(r"[?&]var-(\w+)=", url)) <= known


def all_queries() -> Iterator[Query]:
    """Every expression of every dashboard, with those that fill the variables."""
    for board in BOARDS.values():
        for query in queries(board):
            yield Query(f"{board['uid']}: {query.place}", query.expr)
        for variable in query_variables(board):
            if found := re.fullmatch(r"label_values\((.+),\s*\w+\)", variable_query(variable)):
                yield Query(f"{board['uid']}: variable {variable['name']!r}", found[1])


def invalid(asked: list[Query], folder: Path) -> list[str]:
    """What promtool says of the expressions that are no PromQL, by their place."""
    rules = [{"record": f"query:{number}", "expr": query.filled()} for number, query in enumerate(asked)]
    file = folder / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    command: list[str | Path] = [require_tool("promtool"), "check", "rules", file]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    said = re.findall(r'"query:(\d+)": (.+)', done.stderr)
    assert done.returncode == (1 if said else 0), done.stderr
    return [f"{asked[int(number)].place}: {mistake}" for number, mistake in said]


def test_every_query_is_valid_promql(tmp_path: Path) -> None:
    asked = list(all_queries())
    assert asked
    assert invalid(asked, tmp_path) == []


def test_every_variable_asks_for_the_values_of_a_label():
    for board in BOARDS.values():
        for variable in query_variables(board):
            assert re.fullmatch(r"label_values\(.+, ?\w+\)", variable_query(variable)), variable["name"]
