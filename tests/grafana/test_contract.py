"""What the dashboards name - metrics, labels, their values, fields - is what the watchdog really serves."""

import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.alerts import contract
from tests.alerts.contract import Labels
from tests.grafana.boards import (
    UIDS,
    Json,
    Query,
    annotations,
    boards,
    data_panels,
    named,
    queries,
    query_variables,
    variable_query,
)
from tests.support.promql import Expression, parse

BOARDS = {board["uid"]: board for board in boards()}
# Series of Prometheus itself, beside `up` and those of alerts.
OF_A_SCRAPE = {"scrape_duration_seconds", "scrape_samples_scraped"}


@cache
def known() -> dict[str, Labels]:
    """Every series that a panel may name: its labels, and the values of each."""
    return contract.known() | dict.fromkeys(OF_A_SCRAPE, contract.TARGET)


def labels_left(expression: Expression, series: dict[str, Labels]) -> set[str]:
    """The labels that an expression's answer may have."""
    left = set(expression.made)
    for selector in expression.selectors:
        left |= set(series.get(selector.name, {})) if selector.kept is None else selector.kept
    return left


def mistakes(query: Query, series: dict[str, Labels]) -> list[str]:
    """What a query names that there is not: series, labels, values, labels of its legend."""
    expression = parse(query.expr)
    left = labels_left(expression, series)
    shown = re.findall(r"\{\{\s*(\w+)\s*\}\}", query.legend)
    wrong = [f"no label {label} for the legend" for label in shown if label not in left]
    return contract.mistakes(expression, series) + wrong


def all_queries(board: Json) -> Iterator[Query]:
    yield from queries(board)
    for annotation in annotations(board):
        texts = f"{annotation.get('titleFormat')} {annotation.get('textFormat')}"
        tags = "".join(f"{{{{{tag}}}}}" for tag in annotation.get("tagKeys", "").split(",") if tag)
        yield Query(f"annotation {annotation['name']!r}", annotation["expr"], texts + tags)
    for variable in query_variables(board):
        found = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", variable_query(variable))
        assert found is not None, variable["name"]
        yield Query(f"variable {variable['name']!r}", found[1], f"{{{{{found[2]}}}}}")


def field_mistakes(panel: Json, series: dict[str, Labels]) -> list[str]:
    """The fields that a table's columns and overrides name and that its queries never give."""
    several = len(panel["targets"]) > 1
    fields = {"Time"} | {f"Value #{target['refId']}" if several else "Value" for target in panel["targets"]}
    for target in panel["targets"]:
        fields |= labels_left(parse(target["expr"]), series)
    found = []
    for step in panel.get("transformations", []):
        if step["id"] == "organize":
            options = step["options"]
            asked = {*options["excludeByName"], *options["indexByName"], *options["renameByName"]}
            found += [f"{named(panel)}: no field {name!r} to show" for name in sorted(asked - fields)]
            fields = {options["renameByName"].get(name, name) for name in fields}
    for override in panel["fieldConfig"]["overrides"]:
        name = override["matcher"]["options"]
        if override["matcher"]["id"] == "byName" and name not in fields:
            found.append(f"{named(panel)}: no field {name!r} to override")
    return found


@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_names_only_what_the_watchdog_serves(uid):
    found = [
        f"{query.place}: {mistake}"
        for query in all_queries(BOARDS[uid])
        for mistake in mistakes(query, known())
    ]
    assert found == []


@pytest.mark.parametrize("uid", UIDS)
def test_a_table_names_only_fields_that_its_queries_give(uid):
    tables = [panel for panel in data_panels(BOARDS[uid]) if panel["type"] == "table"]
    assert [mistake for panel in tables for mistake in field_mistakes(panel, known())] == []


@pytest.mark.parametrize(
    ("expr", "legend", "found"),
    [
        ('ALERTS{severity="ticket"}', "", ["ALERTS: severity is never ticket"]),
        ("sum by (table) (betcore_feed_state)", "", ["no label table to group by"]),
        ("betcore_feed_connected", "{{state}}", ["no label state for the legend"]),
        ("sum(betcore_feed_connected) by (feed)", "{{feed}} {{game}}", ["no label game for the legend"]),
        (
            'label_replace(sum by (state) (betcore_feed_state), "whose", "", "state", "")',
            "{{whose}} {{state}}",
            [],
        ),
    ],
)
def test_the_contract_finds_a_mistake(expr: str, legend: str, found: list[str]) -> None:
    assert mistakes(Query("", expr, legend), known()) == found


def test_a_table_that_names_a_missing_field_is_found() -> None:
    organize = {
        "excludeByName": {},
        "indexByName": {"feed": 0},
        "renameByName": {"Value": "State", "game": "Game"},
    }
    table = {
        "title": "Table",
        "targets": [{"refId": "A", "expr": "sum by (feed) (up)"}],
        "transformations": [{"id": "organize", "options": organize}],
        "fieldConfig": {
            "overrides": [{"matcher": {"id": "byName", "options": each}} for each in ("State", "Value")]
        },
    }

    assert field_mistakes(table, known()) == [
        "panel 'Table': no field 'game' to show",
        "panel 'Table': no field 'Value' to override",
    ]
