"""What rules and panels may name: the series that the watchdog serves, their labels, and their values."""

import re
from collections import defaultdict
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from tests.alerts.rules import alerting_rules, all_rules
from tests.readers.web.samples import fresh, snapshot, untouched
from tests.support.promql import Expression, Matcher, Selector, parse
from watchdog.readers.metrics.render import render

Labels = dict[str, set[str]]

TARGET: Labels = {"job": {"betcore-watchdog"}, "instance": set()}
"""What Prometheus itself adds to a target's series."""

FREE = {"feed", "game_type", "game", "instance"}
"""Labels that a user's configuration fills."""


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
        if family.type == "histogram":
            # As a Prometheus 3 that converts histograms stores it.
            series[family.name] = series[f"{family.name}_count"]
    return series


def known() -> dict[str, Labels]:
    """What is served, and what the rules record of it."""
    series = served() | of_alerts()
    for rule in all_rules():
        if "record" in rule:
            labels: Labels = defaultdict(set)
            for selector in parse(rule["expr"]).selectors:
                # A rule may look at its own past.
                for label, values in series.get(selector.name, {}).items():
                    labels[label] |= values
            series[rule["record"]] = labels
    return series


def of_alerts() -> dict[str, Labels]:
    """The series that Prometheus writes of each alert that is pending or firing."""
    alert: Labels = {label: set() for label in ("feed", "game_type", "game", "job", "instance")}
    for rule in alerting_rules():
        for label, value in {"alertname": rule["alert"], **rule["labels"]}.items():
            alert.setdefault(label, set()).add(value)
    return {"ALERTS": alert | {"alertstate": {"pending", "firing"}}, "ALERTS_FOR_STATE": alert}


def mistakes(expression: Expression, series: dict[str, Labels]) -> list[str]:
    """What an expression names that there is not: series, labels, their values."""
    found = [mistake for selector in expression.selectors for mistake in _of_selector(selector, series)]
    labels = {label for each in expression.selectors for label in series.get(each.name, {})}
    missing = sorted(expression.grouped - labels - expression.made)
    return found + [f"no label {label} to group by" for label in missing]


def _of_selector(selector: Selector, series: dict[str, Labels]) -> Iterator[str]:
    if selector.name not in series:
        yield f"{selector.name} is not served"
        return
    labels = series[selector.name]
    for matcher in selector.matchers:
        if matcher.label not in labels:
            yield f"{selector.name} has no label {matcher.label}"
        elif matcher.label not in FREE:
            yield from _of_matcher(selector.name, matcher, labels[matcher.label])


def _of_matcher(name: str, matcher: Matcher, values: set[str]) -> Iterator[str]:
    """The values that a matcher asks for and the label never has."""
    regular = matcher.operator.endswith("~")
    for wanted in matcher.value.split("|") if regular else [matcher.value]:
        if not any(re.fullmatch(wanted, value) if regular else wanted == value for value in values):
            yield f"{name}: {matcher.label} is never {wanted}"
