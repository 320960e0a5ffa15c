"""The dashboards keep the rules of Grafana's linter and of our own, and every rule can be broken."""

import json
import re
import subprocess

import pytest

from tests.alerts.rules import alerting_rules
from tests.grafana import lint
from tests.grafana.boards import UIDS, Query, boards, queries, query_variables, variable_query, variables
from tests.grafana.sample import lines, sample
from tests.support.tools import require_tool

BOARDS = {board["uid"]: board for board in boards()}


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_keeps_the_rule(uid, rule):
    assert list(rule(BOARDS[uid])) == []


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_the_sample_keeps_the_rule(rule):
    assert list(rule(sample())) == []


def _expr(text):
    return lambda board: board["panels"][1]["targets"][0].update(expr=text)


def _with_table(board, **more):
    table = lines() | {"id": 3, "type": "table", "title": "Table"} | more
    table["gridPos"] = {"h": 8, "w": 24, "x": 0, "y": 8}
    board["panels"].append(table)


QUERY = "panel 'Updates', query A"
# A rule, what is done to the sample, and what the rule says of it.
BROKEN = [
    (
        lint.has_a_datasource_variable,
        lambda board: board["templating"]["list"][0].update(query="loki"),
        "no variable datasource of type prometheus",
    ),
    (
        lint.uses_the_chosen_datasource,
        lambda board: board["panels"][0].update(datasource={"type": "prometheus", "uid": "abc"}),
        "panel 'Freshness': datasource is not ${datasource}",
    ),
    (
        lint.uses_the_chosen_datasource,
        lambda board: board["panels"][1]["targets"][0].pop("datasource"),
        f"{QUERY}: datasource is not ${{datasource}}",
    ),
    (
        lint.uses_the_chosen_datasource,
        lambda board: board["annotations"]["list"].append({"name": "gaps", "expr": "up"}),
        "annotation 'gaps': datasource is not ${datasource}",
    ),
    (
        lint.variables_follow_the_time_range,
        lambda board: board["templating"]["list"][1].update(refresh=1),
        "variable 'feed' is not refreshed when the time range changes",
    ),
    (
        lint.variables_are_defined_and_used,
        _expr('betcore_feed_connected{game=~"$table"}'),
        f"{QUERY}: $table is no variable of this dashboard",
    ),
    (
        lint.variables_are_defined_and_used,
        lambda board: board["templating"]["list"].append(
            {"type": "query", "name": "kind", "query": "label_values(up, kind)"}
        ),
        "variable 'kind' is not used",
    ),
    (
        lint.job_and_instance_are_not_hard_coded,
        _expr('up{job="betcore-watchdog", instance=~"$instance"}'),
        f"{QUERY}: hard-coded job 'betcore-watchdog'",
    ),
    (
        lint.panels_say_what_they_show,
        lambda board: board.pop("description"),
        "the dashboard has no title or no description",
    ),
    (lint.panels_say_what_they_show, lambda board: board["panels"][0].pop("title"), "panel 1: no title"),
    (
        lint.panels_say_what_they_show,
        lambda board: board["panels"][0].update(description=""),
        "panel 'Freshness': no description",
    ),
    (
        lint.numbers_have_units,
        lambda board: board["panels"][0]["fieldConfig"]["defaults"].pop("unit"),
        "panel 'Freshness': unit None is none of Grafana's",
    ),
    (
        lint.numbers_have_units,
        lambda board: board["panels"][0]["fieldConfig"]["overrides"].append(
            {"matcher": {"id": "byName"}, "properties": [{"id": "unit", "value": "secs"}]}
        ),
        "panel 'Freshness': unit 'secs' is none of Grafana's",
    ),
    (
        lint.numbers_have_units,
        lambda board: board["panels"][0].update(type="heatmap", options={"yAxis": {}}),
        "panel 'Freshness': no unit of the y axis",
    ),
    (
        lint.numbers_have_units,
        _with_table,
        "panel 'Table': column 'Value' has neither unit nor mappings",
    ),
    (
        lint.numbers_have_units,
        lambda board: _with_table(
            board,
            targets=[{"refId": "A"}, {"refId": "B"}],
            transformations=[
                {
                    "id": "organize",
                    "options": {
                        "excludeByName": {"Value #A": True},
                        "renameByName": {"Value #B": "Since"},
                    },
                }
            ],
        ),
        "panel 'Table': column 'Since' has neither unit nor mappings",
    ),
    (
        lint.every_panel_asks_something,
        lambda board: board["panels"][0].pop("targets"),
        "panel 'Freshness': no query",
    ),
    (lint.every_panel_asks_something, _expr(" "), f"{QUERY}: empty"),
    (
        lint.rates_use_the_rate_interval,
        _expr("rate(betcore_feed_messages_total[5m])"),
        f"{QUERY}: rate over 5m",
    ),
    (
        lint.counters_are_counted_over_time,
        _expr("sum(betcore_feed_messages_total)"),
        f"{QUERY}: betcore_feed_messages_total is a counter, without rate or increase",
    ),
    (lint.is_not_editable, lambda board: board.pop("editable"), "the dashboard is editable"),
    (lint.ids_are_unique, lambda board: board["panels"][0].update(id=2), "2 panels have the id 2"),
    (
        lint.ids_are_unique,
        lambda board: board["panels"][0].update(targets=[{"refId": "A"}, {"refId": "A"}]),
        "panel 'Freshness': refIds ['A', 'A']",
    ),
    (
        lint.panels_lie_side_by_side,
        lambda board: board["panels"][1]["gridPos"].update(x=13),
        "panel 'Updates': beyond the 24 columns",
    ),
    (
        lint.panels_lie_side_by_side,
        lambda board: board["panels"][1]["gridPos"].update(x=11),
        "panel 'Freshness' covers panel 'Updates'",
    ),
    (
        lint.empty_panels_say_why,
        lambda board: board["panels"][0]["fieldConfig"]["defaults"].pop("noValue"),
        "panel 'Freshness': no text for when there is nothing to show",
    ),
    (
        lint.legends_and_reductions_are_set,
        lambda board: board["panels"][1]["options"].pop("legend"),
        "panel 'Updates': no legend",
    ),
    (
        lint.legends_and_reductions_are_set,
        lambda board: board["panels"][0]["options"]["reduceOptions"].update(calcs=[]),
        "panel 'Freshness': no calculation reduces its series to a number",
    ),
    (
        lint.links_to_the_others,
        lambda board: board["links"][0].update(tags=["other"]),
        "no link to the dashboards that share a tag with it",
    ),
]


@pytest.mark.parametrize(("rule", "spoil", "mistake"), BROKEN, ids=[mistake for *_, mistake in BROKEN])
def test_a_rule_tells_what_breaks_it(rule, spoil, mistake):
    board = sample()
    spoil(board)
    assert list(rule(board)) == [mistake]


def test_every_rule_is_shown_broken():
    assert {rule for rule, *_ in BROKEN} == set(lint.RULES)


def test_the_dashboards_are_those_of_the_interface_with_a_title_each():
    assert sorted(board["uid"] for board in boards()) == UIDS
    assert len({board["title"] for board in BOARDS.values()}) == len(UIDS)


def test_the_dashboards_share_a_tag_by_which_they_link_to_each_other():
    assert set.intersection(*(set(board["tags"]) for board in BOARDS.values()))


@pytest.mark.parametrize("rule", alerting_rules(), ids=lambda rule: rule["alert"])
def test_an_alert_links_to_a_dashboard_that_knows_its_variables(rule):
    url = rule["annotations"]["dashboard_url"]
    board = BOARDS[re.match(r"/d/([\w-]+)/", url)[1]]
    known = {variable["name"] for variable in variables(board)}
    assert set(re.findall(r"[?&]var-(\w+)=", url)) <= known


def all_queries():
    """Every expression of every dashboard, with those that fill the variables."""
    for board in BOARDS.values():
        for query in queries(board):
            yield Query(f"{board['uid']}: {query.place}", query.expr)
        for variable in query_variables(board):
            if found := re.fullmatch(r"label_values\((.+),\s*\w+\)", variable_query(variable)):
                yield Query(f"{board['uid']}: variable {variable['name']!r}", found[1])


def invalid(asked, folder):
    """What promtool says of the expressions that are no PromQL, by their place."""
    rules = [{"record": f"query:{number}", "expr": query.filled()} for number, query in enumerate(asked)]
    file = folder / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    command = [require_tool("promtool"), "check", "rules", file]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    said = re.findall(r'"query:(\d+)": (.+)', done.stderr)
    assert done.returncode == (1 if said else 0), done.stderr
    return [f"{asked[int(number)].place}: {mistake}" for number, mistake in said]


def test_every_query_is_valid_promql(tmp_path):
    asked = list(all_queries())
    assert asked
    assert invalid(asked, tmp_path) == []


def test_promtool_names_each_query_that_is_no_promql(tmp_path):
    asked = [Query("one", "sum by (feed) (up"), Query("two", "up"), Query("three", "rate(up)")]
    places = [mistake.split(":")[0] for mistake in invalid(asked, tmp_path)]
    assert places == ["one", "three"]


def test_every_variable_asks_for_the_values_of_a_label():
    for board in BOARDS.values():
        for variable in query_variables(board):
            assert re.fullmatch(r"label_values\(.+, ?\w+\)", variable_query(variable)), variable["name"]
