"""The rules of Grafana's dashboard linter, and some of our own: each tells a dashboard's mistakes."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations

from grafana_foundation_sdk.models import units

from grafana.pictures.queries import panels
from tests.grafana.boards import (
    Json,
    annotations,
    data_panels,
    named,
    queries,
    query_variables,
    targets,
    variable_query,
    variables,
)
from tests.support.promql import parse

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
UNITS = {unit for name, unit in vars(units).items() if not name.startswith("_") and isinstance(unit, str)}
ON_TIME_RANGE_CHANGE = 2

# The windows that a rate may have, and why: others miss events, or show none where scrapes are far apart.
WINDOWS = {
    "$__rate_interval": "the least that never misses a scrape, at every zoom",
    "$__range": "the answer is about the very range that is shown",
}
OVER_A_WINDOW = {"rate", "increase", "irate", "resets"}
COUNTER = re.compile(r"\w+_(total|bucket|count|sum)")
BUILT_IN = re.compile(r"__\w+")
LEGENDS = {"timeseries", "state-timeline", "barchart", "piechart", "histogram", "heatmap"}
REDUCED = {"stat", "gauge", "bargauge", "piechart"}

Rule = Callable[[Json], Iterator[str]]


def has_a_datasource_variable(board: Json) -> Iterator[str]:
    found = [variable for variable in variables(board) if variable["name"] == "datasource"]
    if [(variable["type"], variable["query"]) for variable in found] != [("datasource", "prometheus")]:
        yield "no variable datasource of type prometheus"


def uses_the_chosen_datasource(board: Json) -> Iterator[str]:
    asking = [(named(panel), panel) for panel in data_panels(board)]
    asking += [(f"{named(panel)}, query {target['refId']}", target) for panel, target in targets(board)]
    asking += [(f"variable {variable['name']!r}", variable) for variable in query_variables(board)]
    asking += [(f"annotation {annotation['name']!r}", annotation) for annotation in annotations(board)]
    for place, document in asking:
        if document.get("datasource") != DATASOURCE:
            yield f"{place}: datasource is not ${{datasource}}"


def variables_follow_the_time_range(board: Json) -> Iterator[str]:
    for variable in query_variables(board):
        if variable.get("refresh") != ON_TIME_RANGE_CHANGE:
            yield f"variable {variable['name']!r} is not refreshed when the time range changes"


def variables_are_defined_and_used(board: Json) -> Iterator[str]:
    defined = {variable["name"] for variable in variables(board)}
    texts = {query.place: query.expr for query in queries(board)}
    texts |= {
        f"variable {variable['name']!r}": variable_query(variable) for variable in query_variables(board)
    }
    texts |= {named(panel): f"{panel.get('title')} {panel.get('description')}" for panel in panels(board)}
    used = set()
    for place, text in texts.items():
        names = set(re.findall(r"\$\{?(\w+)", text))
        used |= names
        for name in sorted(names - defined):
            if not BUILT_IN.fullmatch(name):
                yield f"{place}: ${name} is no variable of this dashboard"
    for name in sorted(defined - used - {"datasource"}):
        yield f"variable {name!r} is not used"


def job_and_instance_are_not_hard_coded(board: Json) -> Iterator[str]:
    for query in queries(board):
        for selector in parse(query.expr).selectors:
            for matcher in selector.matchers:
                if matcher.label in {"job", "instance"} and "$" not in matcher.value:
                    yield f"{query.place}: hard-coded {matcher.label} {matcher.value!r}"


def panels_say_what_they_show(board: Json) -> Iterator[str]:
    if not board.get("title") or not board.get("description"):
        yield "the dashboard has no title or no description"
    for panel in panels(board):
        if not panel.get("title"):
            yield f"{named(panel)}: no title"
        if panel["type"] != "row" and not panel.get("description"):
            yield f"{named(panel)}: no description"


def _knows(unit: str | None) -> bool:
    return unit in UNITS or bool(re.fullmatch(r"(suffix|prefix|time|si|count|currency):.+", unit or ""))


def _overridden(panel: Json, wanted: set[str]) -> set[str]:
    """The names of the fields for which an override sets one of the wanted properties."""
    return {
        str(override["matcher"].get("options"))
        for override in panel["fieldConfig"]["overrides"]
        if wanted & {field["id"] for field in override["properties"]}
    }


def _value_columns(panel: Json) -> Iterator[str]:
    """The names that the values of a table have in the end."""
    names = [f"Value #{target['refId']}" for target in panel["targets"]]
    renamed: Json = {}
    for step in panel.get("transformations", []):
        if step["id"] == "organize":
            renamed |= step["options"].get("renameByName", {})
            hidden = {name for name, out in step["options"].get("excludeByName", {}).items() if out}
            names = [name for name in names if name not in hidden]
    for name in names if len(panel["targets"]) > 1 else ["Value"]:
        yield renamed.get(name, name)


def numbers_have_units(board: Json) -> Iterator[str]:
    for panel in data_panels(board):
        config = panel["fieldConfig"]
        if not _knows(config["defaults"].get("unit")):
            yield f"{named(panel)}: unit {config['defaults'].get('unit')!r} is none of Grafana's"
        for override in config["overrides"]:
            for field in override["properties"]:
                if field["id"] == "unit" and not _knows(field["value"]):
                    yield f"{named(panel)}: unit {field['value']!r} is none of Grafana's"
        if panel["type"] == "heatmap" and not _knows(panel["options"]["yAxis"].get("unit")):
            yield f"{named(panel)}: no unit of the y axis"
        if panel["type"] == "table":
            told = _overridden(panel, {"unit", "mappings"})
            for name in _value_columns(panel):
                if name not in told:
                    yield f"{named(panel)}: column {name!r} has neither unit nor mappings"


def every_panel_asks_something(board: Json) -> Iterator[str]:
    for panel in data_panels(board):
        if not panel.get("targets"):
            yield f"{named(panel)}: no query"
    for panel, target in targets(board):
        if not target.get("expr", "").strip():
            yield f"{named(panel)}, query {target['refId']}: empty"


def rates_use_the_rate_interval(board: Json) -> Iterator[str]:
    for query in queries(board):
        for function, window in parse(query.expr).windows:
            if function in OVER_A_WINDOW and window not in WINDOWS:
                yield f"{query.place}: {function} over {window}"


def counters_are_counted_over_time(board: Json) -> Iterator[str]:
    for query in queries(board):
        for selector in parse(query.expr).selectors:
            if COUNTER.fullmatch(selector.name) and not OVER_A_WINDOW & set(selector.calls):
                yield f"{query.place}: {selector.name} is a counter, without rate or increase"


def is_not_editable(board: Json) -> Iterator[str]:
    if board.get("editable") is not False:
        yield "the dashboard is editable"


def ids_are_unique(board: Json) -> Iterator[str]:
    for number, times in Counter(panel.get("id") for panel in panels(board)).items():
        if times > 1 or not isinstance(number, int):
            yield f"{times} panels have the id {number}"
    for panel in panels(board):
        names = [target.get("refId") for target in panel.get("targets", [])]
        if len(set(names)) < len(names) or None in names:
            yield f"{named(panel)}: refIds {names}"


def _share_a_place(one: Json, other: Json) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    return (
        a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    )


def panels_lie_side_by_side(board: Json) -> Iterator[str]:
    for panel in panels(board):
        at = panel["gridPos"]
        if not (at["x"] >= 0 and at["y"] >= 0 and at["w"] > 0 and at["h"] > 0) or at["x"] + at["w"] > COLUMNS:
            yield f"{named(panel)}: beyond the {COLUMNS} columns"
    for group in (board["panels"], *(panel.get("panels", []) for panel in board["panels"])):
        for one, other in combinations(group, 2):
            if _share_a_place(one, other):
                yield f"{named(one)} covers {named(other)}"


def empty_panels_say_why(board: Json) -> Iterator[str]:
    for panel in data_panels(board):
        if not panel["fieldConfig"]["defaults"].get("noValue", "").strip():
            yield f"{named(panel)}: no text for when there is nothing to show"


def legends_and_reductions_are_set(board: Json) -> Iterator[str]:
    for panel in data_panels(board):
        if panel["type"] in LEGENDS and not panel["options"].get("legend"):
            yield f"{named(panel)}: no legend"
        if panel["type"] in REDUCED and not panel["options"].get("reduceOptions", {}).get("calcs"):
            yield f"{named(panel)}: no calculation reduces its series to a number"


def links_to_the_others(board: Json) -> Iterator[str]:
    tags = {tag for link in board.get("links", []) if link["type"] == "dashboards" for tag in link["tags"]}
    if not tags & set(board.get("tags", [])):
        yield "no link to the dashboards that share a tag with it"


RULES: tuple[Rule, ...] = (
    has_a_datasource_variable,
    uses_the_chosen_datasource,
    variables_follow_the_time_range,
    variables_are_defined_and_used,
    job_and_instance_are_not_hard_coded,
    panels_say_what_they_show,
    numbers_have_units,
    every_panel_asks_something,
    rates_use_the_rate_interval,
    counters_are_counted_over_time,
    is_not_editable,
    ids_are_unique,
    panels_lie_side_by_side,
    empty_panels_say_why,
    legends_and_reductions_are_set,
    links_to_the_others,
)
