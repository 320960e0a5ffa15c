"""What the rules name - metrics, labels, their values - is what the watchdog really serves."""

import re
from collections import defaultdict

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.alerts.rules import all_rules
from tests.readers.web.samples import fresh, snapshot, untouched
from watchdog.readers.metrics.render import render

# What Prometheus itself adds to a target's series.
TARGET = {"job": {"betcore-watchdog"}, "instance": set[str]()}
# Defined by users who want another objective for a game.
OVERRIDE = "betcore:freshness_objective_override:ratio"
# Labels that a user's configuration fills.
FREE = {"feed", "game_type", "game", "instance"}

Labels = dict[str, set[str]]

# The parts of a PromQL expression that hold names; whatever stands between them is punctuation.
_PART = re.compile(
    r"""
      \#[^\n]*
    | \b(?:by|without|on|ignoring|group_left|group_right)\s*\((?P<grouping>[^)]*)\)
    | \[[^\]]*\] | \boffset\s+\w+ | \b\d[\w.]*
    | \b(?:and|or|unless|bool)\b | \b\w+\s*(?=\(|\b(?:by|without)\b)
    | (?P<series>[a-zA-Z_:][\w:]*) \s* (?:\{(?P<matchers>[^}]*)\})?
    """,
    re.VERBOSE,
)
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def served() -> dict[str, Labels]:
    """Every series that a watchdog with one game exposes: its labels, and the values of each."""
    real = untouched()
    game = fresh(intervals=real.intervals, latencies=real.latencies)
    text = render(snapshot(game), "", "").body().decode()
    series: dict[str, Labels] = {"up": {name: set(values) for name, values in TARGET.items()}}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = series.setdefault(sample.name, defaultdict(set, TARGET))
            for label, value in sample.labels.items():
                labels[label] = labels[label] | {value}
    return series


def selectors(expression: str) -> list[tuple[str, str]]:
    """The names of series in a PromQL expression, each with its matchers."""
    parts = _PART.finditer(expression)
    return [(part["series"], part["matchers"] or "") for part in parts if part["series"]]


def groupings(expression: str) -> set[str]:
    """The labels that a PromQL expression aggregates or joins by."""
    lists = [part["grouping"] or "" for part in _PART.finditer(expression)]
    return {label.strip() for names in lists for label in names.split(",") if label.strip()}


def known() -> dict[str, Labels]:
    """What is served, and what the rules record of it."""
    series = served()
    series[OVERRIDE] = {label: set() for label in ("feed", "game_type", "game")}
    for rule in all_rules():
        if "record" in rule:
            labels: Labels = defaultdict(set)
            for name, _ in selectors(rule["expr"]):
                for label, values in series[name].items():
                    labels[label] |= values
            series[rule["record"]] = labels
    return series


def mistakes(expression: str, series: dict[str, Labels]) -> list[str]:
    found = []
    for name, matchers in selectors(expression):
        if name not in series:
            found.append(f"{name} is not served")
            continue
        for label, operator, pattern in _MATCHER.findall(matchers):
            if label not in series[name]:
                found.append(f"{name} has no label {label}")
            elif label not in FREE:
                wanted = pattern.split("|") if operator.endswith("~") else [pattern]
                found += [
                    f"{name}: {label} is never {text}"
                    for text in wanted
                    if not any(
                        re.fullmatch(text, value) if operator.endswith("~") else text == value
                        for value in series[name][label]
                    )
                ]
    labels = {label for name, _ in selectors(expression) for label in series.get(name, {})}
    return found + [f"no label {label} to group by" for label in sorted(groupings(expression) - labels)]


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_only_what_the_watchdog_serves(rule):
    assert mistakes(rule["expr"], known()) == []


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("betcore_feed_stat == 1", "betcore_feed_stat is not served"),
        ('betcore_feed_state{stat="silent"} == 1', "betcore_feed_state has no label stat"),
        ('betcore_feed_state{state="asleep"} == 1', "betcore_feed_state: state is never asleep"),
        ('rate(betcore_feed_state{state=~"fresh|stale"}[5m])', "betcore_feed_state: state is never stale"),
        ('up{job="watchdog"} == 0', "up: job is never watchdog"),
        ("sum by (feed, table) (betcore_feed_state)", "no label table to group by"),
        ("betcore:feed_state:min == 1", "betcore:feed_state:min is not served"),
        ('betcore:feed_state:max{state="asleep"}', "betcore:feed_state:max: state is never asleep"),
    ],
)
def test_the_contract_finds_a_mistake(expression, mistake):
    assert mistakes(expression, known()) == [mistake]
