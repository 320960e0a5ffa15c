"""What the dashboards name - metrics, labels, their values, fields - is what the watchdog really serves."""

import re
from functools import cache

import pytest

from tests.alerts import test_contract as of_the_alerts
from tests.alerts.rules import alerting_rules
from tests.grafana.boards import (
    UIDS,
    Query,
    annotations,
    boards,
    data_panels,
    named,
    queries,
    query_variables,
    variable_query,
)
from tests.grafana.promql import parse

BOARDS = {board["uid"]: board for board in boards()}
# Series of Prometheus itself, beside `up`: of each scrape, and of each alert that is pending or firing.
OF_A_SCRAPE = {"scrape_duration_seconds", "scrape_samples_scraped"}
OF_AN_ALERT = {"ALERTS": {"alertstate": {"pending", "firing"}}, "ALERTS_FOR_STATE": {}}

Labels = dict[str, set[str]]


@cache
def known() -> dict[str, Labels]:
    """Every series that a panel may name: its labels, and the values of each."""
    series = dict(of_the_alerts.known())
    alert: Labels = {label: set() for label in ("feed", "game_type", "game", "job", "instance")}
    for rule in alerting_rules():
        for label, value in {"alertname": rule["alert"], **rule["labels"]}.items():
            alert.setdefault(label, set()).add(value)
    series |= {name: alert | more for name, more in OF_AN_ALERT.items()}
    return series | dict.fromkeys(OF_A_SCRAPE, of_the_alerts.TARGET)


def _value_mistakes(name, matcher, values):
    """The values that a matcher asks for and the label never has."""
    regular = matcher.operator.endswith("~")
    for wanted in matcher.value.split("|") if regular else [matcher.value]:
        if not any(re.fullmatch(wanted, value) if regular else wanted == value for value in values):
            yield f"{name}: {matcher.label} is never {wanted}"


def _selector_mistakes(selector, series):
    if selector.name not in series:
        yield f"{selector.name} is not served"
        return
    labels = series[selector.name]
    for matcher in selector.matchers:
        if matcher.label not in labels:
            yield f"{selector.name} has no label {matcher.label}"
        elif matcher.label not in of_the_alerts.FREE:
            yield from _value_mistakes(selector.name, matcher, labels[matcher.label])


def labels_left(expression, series):
    """The labels that an expression's answer may have."""
    left = set(expression.made)
    for selector in expression.selectors:
        labels = set(series.get(selector.name, {}))
        left |= labels if selector.kept is None else selector.kept
    return left


def mistakes(query, series):
    """What a query names that there is not: series, labels, values, labels of its legend."""
    expression = parse(query.expr)
    found = [mistake for selector in expression.selectors for mistake in _selector_mistakes(selector, series)]
    names = {label for selector in expression.selectors for label in series.get(selector.name, {})}
    names |= expression.made
    found += [f"no label {label} to group by" for label in sorted(expression.grouped - names)]
    left = labels_left(expression, series)
    shown = re.findall(r"\{\{\s*(\w+)\s*\}\}", query.legend)
    return found + [f"no label {label} for the legend" for label in shown if label not in left]


def all_queries(board):
    yield from queries(board)
    for annotation in annotations(board):
        texts = f"{annotation.get('titleFormat')} {annotation.get('textFormat')}"
        tags = "".join(f"{{{{{tag}}}}}" for tag in annotation.get("tagKeys", "").split(",") if tag)
        yield Query(f"annotation {annotation['name']!r}", annotation["expr"], texts + tags)
    for variable in query_variables(board):
        series, label = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", variable_query(variable)).groups()
        yield Query(f"variable {variable['name']!r}", series, f"{{{{{label}}}}}")


def field_mistakes(panel, series):
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
    ("expr", "legend", "mistake"),
    [
        ("betcore_feed_stat", "", "betcore_feed_stat is not served"),
        ("betcore:feed_freshness:ratio_rate9y", "", "betcore:feed_freshness:ratio_rate9y is not served"),
        ('betcore_feed_state{stat="fresh"}', "", "betcore_feed_state has no label stat"),
        ('betcore_feed_state{state="asleep"}', "", "betcore_feed_state: state is never asleep"),
        ('betcore_feed_state{state!~"fresh|idle"}', "", "betcore_feed_state: state is never idle"),
        ('ALERTS{alertname="BetcoreFeedSilnt"}', "", "ALERTS: alertname is never BetcoreFeedSilnt"),
        ('ALERTS{severity="ticket"}', "", "ALERTS: severity is never ticket"),
        ("sum by (table) (betcore_feed_state)", "", "no label table to group by"),
        ("betcore_feed_connected", "{{state}}", "no label state for the legend"),
        ("sum by (feed) (betcore_feed_connected)", "{{feed}} {{game}}", "no label game for the legend"),
        ("sum(betcore_feed_connected)", "{{ feed }}", "no label feed for the legend"),
    ],
)
def test_the_contract_finds_a_mistake(expr, legend, mistake):
    assert mistakes(Query("", expr, legend), known()) == [mistake]


@pytest.mark.parametrize(
    ("expr", "legend"),
    [
        ('betcore_feed_state{feed=~"$feed", state=~"fresh|frozen"}', "{{game}}: {{state}}"),
        ('label_replace(sum by (state) (betcore_feed_state), "whose", "ours", "state", "x|y")', "{{whose}}"),
        ("max without (game) (betcore_feed_connected) * on (feed) group_left () vector(1)", "{{feed}}"),
        ('count(ALERTS{alertstate="firing", severity=~"critical|warning"})', "firing"),
        ("rate(watchdog_loop_stall_seconds_total[$__rate_interval])", "{{instance}}"),
    ],
)
def test_the_contract_lets_pass_what_is_served(expr, legend):
    assert mistakes(Query("", expr, legend), known()) == []


def _table(names, override):
    organize = {"excludeByName": {}, "indexByName": {}, "renameByName": names}
    return {
        "title": "Table",
        "targets": [
            {"refId": "A", "expr": "sum by (feed) (up)"},
            {"refId": "B", "expr": "sum by (feed) (up)"},
        ],
        "transformations": [{"id": "organize", "options": organize}],
        "fieldConfig": {"overrides": [{"matcher": {"id": "byName", "options": override}, "properties": []}]},
    }


@pytest.mark.parametrize(
    ("names", "override", "found"),
    [
        ({"Value #A": "State", "feed": "Feed"}, "State", []),
        ({"Value #C": "State"}, "Value #A", ["panel 'Table': no field 'Value #C' to show"]),
        ({"game": "Game"}, "Value #A", ["panel 'Table': no field 'game' to show"]),
        ({"Value #A": "State"}, "Value #A", ["panel 'Table': no field 'Value #A' to override"]),
    ],
)
def test_a_table_that_names_a_missing_field_is_found(names, override, found):
    assert field_mistakes(_table(names, override), known()) == found
