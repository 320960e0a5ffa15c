"""A check is more than its file: a setting, a metric, an alert, words, a row of the docs, a fault.

Whoever adds a check, or a kind to one, and forgets any of these finds it here.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.alerts.rules import alerting_rules, all_rules
from tests.readers.web.samples import frozen, snapshot, untouched
from tests.simulator.test_faults import ANOMALIES
from tests.support.promql import parse
from watchdog.core.checks.check import Check
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.suite import CHECKS
from watchdog.readers.metrics.render import render
from watchdog.readers.web.phrases import why
from watchdog.simulator.faults import FAULTS

ROOT = Path(__file__).resolve().parents[2]

# The thresholds that are a check's own; () on purpose where the feed's rate is all that it needs.
SETTINGS: dict[str, set[str]] = {
    "sequence": {"sequence"},
    "timestamp": set(),
    "betting_timer": {"timer_unit", "timer_frozen_seconds", "timer_grace_seconds"},
    "round": {"round_overdue_seconds"},
}
OF_THE_RATE = {"interval_seconds", "late_after_seconds"}

# Nobody is to be called for these alone: they are counted, logged and drawn.
WITHOUT_ALERT = {
    "timestamp.regressed",
    "betting_timer.rewound",
    "betting_timer.jumped",
    "betting_timer.negative",
    "round.regressed",
    "round.skipped",
}

RECORDED: dict[str, str] = {rule["record"]: rule["expr"] for rule in all_rules() if "record" in rule}
ALERTS: list[str] = [rule["expr"] for rule in alerting_rules()]
EVENTS = [(check, kind) for check in CHECKS for kind in check.kinds]
# What can make a game frozen.
REASONS = {
    f"{check.name}.{condition.kind}": condition
    for check in CHECKS
    for condition in check(CheckSettings()).conditions
}

each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
each_kind = pytest.mark.parametrize(("check", "kind"), EVENTS, ids=lambda part: getattr(part, "name", part))


class NotedSettings:
    """Settings that note which of them a check reads."""

    def __init__(self) -> None:
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(CheckSettings(), name)


def counted(metric: str, kind: str, expression: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a rule's expression reads this series, itself or through what other rules record."""
    for series in parse(expression).selectors:
        kinds = [matcher.value for matcher in series.matchers if matcher.label == "kind"]
        if kinds and not any(kind in value.split("|") for value in kinds):
            continue
        if series.name == metric or (
            series.name in RECORDED.keys() - seen
            and counted(metric, kind, RECORDED[series.name], seen | {series.name})
        ):
            return True
    return False


def rows() -> dict[str, set[str]]:
    """The findings of each check in the table of docs/checks.md."""
    found: dict[str, set[str]] = {}
    check = ""
    table = (ROOT / "docs/checks.md").read_text()
    for first, second in re.findall(r"(?m)^\| ([\w ]*?) ?\| ([^|]*)\|", table):
        check = first.replace(" ", "_") or check
        found.setdefault(check, set()).update(re.findall(r"`(\w+)`", second))
    return found


@each_check
def test_a_check_has_its_settings(check: type[Check]) -> None:
    noted: Any = NotedSettings()
    check(noted)

    assert noted.read - OF_THE_RATE == SETTINGS[check.name]
    example = (ROOT / "watchdog.example.toml").read_text()
    assert [name for name in SETTINGS[check.name] if not re.search(rf"(?m)^{name} = ", example)] == []


@each_kind
def test_a_kind_has_its_series(check: type[Check], kind: str) -> None:
    text = render(snapshot(untouched()), "", "").body().decode()

    assert re.search(rf'(?m)^betcore_feed_{check.name}_anomalies_total\{{.*kind="{kind}".*\}} 0', text)


@each_kind
def test_a_kind_has_an_alert_or_none_on_purpose(check: type[Check], kind: str) -> None:
    metric, event = f"betcore_feed_{check.name}_anomalies_total", f"{check.name}.{kind}"
    read = any(counted(metric, kind, expression) for expression in ALERTS)

    # What makes a game frozen is paged as that.
    assert (read or event in REASONS) != (event in WITHOUT_ALERT)


def test_a_frozen_game_has_an_alert() -> None:
    assert any('betcore:feed_state:max{state="frozen"}' in expression for expression in ALERTS)


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_has_its_words(reason: str) -> None:
    assert reason not in why(replace(frozen(), frozen_because=(reason,)))


@each_check
def test_a_check_has_its_row_in_the_docs(check: type[Check]) -> None:
    assert rows()[check.name] == set(check.kinds)


@each_kind
def test_a_kind_has_a_fault_that_shows_it(check: type[Check], kind: str) -> None:
    shown_by = [fault for fault, event in ANOMALIES.items() if event == f"{check.name}.{kind}"]

    assert [fault for fault in shown_by if fault in FAULTS] != []
