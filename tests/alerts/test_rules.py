"""The alert rules: valid, complete, and each proven to fire and to be silent."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alerts.rules import ALERTS, Rule, alerting_rules, all_rules, rule_files, story_files
from tests.support.tools import require_tool

SEVERITIES = {
    "BetcoreFeedSilent": {"critical"},
    "BetcoreFeedFrozen": {"critical"},
    "BetcoreFeedDisconnected": {"critical"},
    "BetcoreAllFeedsDown": {"critical"},
    "BetcorePathDegraded": {"warning"},
    "BetcoreBettingTimerStale": {"critical"},
    "BetcoreFreshnessBudgetBurn": {"critical", "warning"},
    "BetcoreUpdatesLate": {"warning"},
    "BetcoreSequenceGap": {"warning"},
    "BetcoreSequenceRegression": {"warning"},
    "BetcoreResultChanged": {"critical"},
    "BetcoreRoundOverdue": {"warning"},
    "BetcoreLatencyHigh": {"warning"},
    "BetcoreClockSkewed": {"warning"},
    "BetcoreInvalidMessages": {"warning"},
    "BetcoreMaintenance": {"info"},
    "BetcoreMaintenanceTooLong": {"warning"},
    "BetcoreTokenExpiresSoon": {"warning", "critical"},
    "BetcoreTokenInvalid": {"critical", "warning"},
    "BetcoreTokenRefreshFailing": {"warning"},
    "WatchdogDown": {"critical"},
    "WatchdogStalled": {"warning"},
    "WatchdogScrapedTooSlowly": {"warning"},
    "WatchdogConfigReloadFailed": {"warning"},
    "WatchdogHistoryFailing": {"warning"},
    "WatchdogAlive": {"none"},
}
ABOUT_A_FEED = {
    "BetcoreAllFeedsDown",
    "BetcoreTokenExpiresSoon",
    "BetcoreTokenInvalid",
    "BetcoreTokenRefreshFailing",
}
# Of a window, its length in seconds, and the hundredth of it that a watchdog may have missed.
WINDOWS = {
    "5m": {300: "length", 3: "slack"},
    "30m": {1800: "length", 18: "slack"},
    "1h": {3600: "length", 36: "slack"},
}
ABOUT_ONE_WATCHDOG = {"BetcorePathDegraded-warning", "BetcoreTokenInvalid-warning"}
DASHBOARDS = {"betcore-overview", "betcore-game", "betcore-sla", "betcore-watchdog"}
BLOB = "https://github.com/betcore/betcore-watchdog/blob/main/"


VERSIONS = pytest.mark.parametrize("newest", [False, True], ids=["installed", "newest"])
"""Debian's stable Prometheus, which is the oldest that the rules are for, and its newest."""


def promtool(*arguments: str | Path, newest: bool = False) -> None:
    command = [require_tool("promtool", newest=newest), *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def name_of(rule: Rule) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}"


def each_alert() -> pytest.MarkDecorator:
    rules = alerting_rules()
    return pytest.mark.parametrize("rule", rules, ids=map(name_of, rules))


@VERSIONS
def test_promtool_finds_nothing_to_object_to(newest):
    promtool("check", "rules", "--lint=all", "--lint-fatal", *rule_files(), newest=newest)


@VERSIONS
@pytest.mark.parametrize("file", story_files(), ids=lambda file: file.stem)
def test_the_rules_fire_when_they_must_and_only_then(file, newest):
    promtool("test", "rules", file, newest=newest)


def test_a_prometheus_that_converts_histograms_still_alerts():
    promtool("test", "rules", ALERTS / "tests" / "converted.newest.yml", newest=True)


def test_no_rule_reads_days_of_frequent_samples():
    """Over days, only half hours: 30 days of a sample every 5 s are half a million a series."""
    days = [
        (rule.get("record") or rule["alert"], series)
        for rule in all_rules()
        for series, window in re.findall(r"([\w:]+)(?:\{[^}]*\})?\[(\d+)d\b", rule["expr"])
        if not series.endswith((":per30m", ":half_hour"))
    ]
    assert days == []


def test_each_window_is_counted_in_the_same_way():
    """The rules of 5 minutes, 30 minutes and an hour differ in the window and what follows from it."""
    found: dict[str, set[str]] = {}
    for rule in all_rules():
        name, _, window = rule.get("record", "").rpartition("increase")
        if window in WINDOWS and "offset" not in rule["expr"]:
            text = rule["expr"].replace(f"increase{window}", "W").replace(f"[{window}]", "[W]")
            for number, word in WINDOWS[window].items():
                text = re.sub(rf"\b{number}\b", word, text)
            found.setdefault(name, set()).add(text)
    counted = {name: texts for name, texts in found.items() if "_seconds:" in name}
    assert len(counted) == 3
    assert [name for name, texts in counted.items() if len(texts) > 1] == []


def test_every_alert_of_the_interface_exists_with_its_severities_and_no_other():
    found: dict[str, set[str]] = {}
    for rule in alerting_rules():
        found.setdefault(rule["alert"], set()).add(rule["labels"]["severity"])
    assert found == SEVERITIES


def test_no_group_sets_its_own_interval():
    for file in rule_files():
        for group in yaml.safe_load(file.read_text())["groups"]:
            assert set(group) == {"name", "rules"}, f"{file.name}: {group['name']}"


@each_alert()
def test_an_alert_says_what_where_who_is_responsible_and_what_to_do(rule):
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert len(annotations["summary"]) <= 120
    assert "\n" not in annotations["summary"] + annotations["description"]
    assert "Responsible:" in annotations["description"]
    assert re.search(r" Do: [^.]+.*\.$", annotations["description"])
    about = rule["alert"]
    if about.startswith("Betcore"):
        labels = ["feed"] if about in ABOUT_A_FEED else ["feed", "game"]
        for label in labels:
            assert f"$labels.{label} }}}}" in annotations["summary"]
            assert f"var-{label}={{{{ $labels.{label} | urlquery }}}}" in annotations["dashboard_url"]


@each_alert()
def test_an_annotation_names_only_labels_that_the_alert_has(rule):
    about = rule["alert"]
    labels = {"instance"} if about.startswith("Watchdog") else {"feed"}
    if about.startswith("Betcore") and about not in ABOUT_A_FEED:
        labels |= {"game_type", "game"}
    if name_of(rule) in ABOUT_ONE_WATCHDOG:
        labels |= {"instance"}
    assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= labels


@pytest.mark.parametrize(
    "alert",
    ["BetcoreFeedSilent", "BetcoreFeedFrozen", "BetcoreFeedDisconnected", "BetcoreBettingTimerStale"],
)
def test_a_page_about_a_game_says_how_far_it_came_and_who_sees_it(alert):
    (rule,) = [rule for rule in alerting_rules() if rule["alert"] == alert]
    text = rule["annotations"]["description"].lower()
    assert [word for word in ("last update", "last sid", "seen by", "watchdogs") if word not in text] == []


@each_alert()
def test_an_alert_links_to_a_runbook_and_to_a_dashboard_that_exist(rule):
    annotations = rule["annotations"]
    assert annotations["runbook_url"] == f"{BLOB}alerts/runbooks/{rule['alert']}.md"
    assert (ALERTS.parent / annotations["runbook_url"].removeprefix(BLOB)).is_file()
    link = re.match(r"/d/([\w-]+)/[\w-]+(\?|$)", annotations["dashboard_url"])
    assert link is not None
    assert link[1] in DASHBOARDS


def alerts_in(samples: list[dict[str, str]]) -> set[str]:
    return {name for sample in samples for name in re.findall(r'alertname="(\w+)"', sample["labels"])}


def asks_for(expression: str, alert: str) -> bool:
    """Whether an expression over ALERTS would show `alert`."""
    selects = {
        "=": lambda pattern: pattern == alert,
        "!=": lambda pattern: pattern != alert,
        "=~": lambda pattern: re.fullmatch(pattern, alert) is not None,
    }
    filters = re.findall(r'alertname(=~|!=|=)"([^"]+)"', expression)
    severities = re.findall(r'severity="(\w+)"', expression)
    return (
        "ALERTS" in expression
        and all(selects[operator](pattern) for operator, pattern in filters)
        and all(severity in SEVERITIES[alert] for severity in severities)
    )


@pytest.mark.parametrize("alert", sorted(SEVERITIES))
def test_every_alert_is_tested_firing_and_in_the_same_story_silent(alert):
    firing = silent = False
    for file in story_files():
        for story in yaml.safe_load(file.read_text())["tests"]:
            asked = [
                alerts_in(ask["exp_samples"])
                for ask in story.get("promql_expr_test", [])
                if asks_for(ask["expr"], alert)
            ]
            if any(alert in seen for seen in asked):
                firing = True
                silent |= any(alert not in seen for seen in asked)
    assert firing
    # The dead man's switch is never silent.
    assert silent or alert == "WatchdogAlive"


def test_every_file_of_rules_is_in_a_test():
    tested = {
        (file.parent / rules).resolve()
        for file in story_files()
        for rules in yaml.safe_load(file.read_text())["rule_files"]
    }
    assert tested == {file.resolve() for file in rule_files()}


def test_every_recorded_name_has_a_level_a_metric_and_an_operation():
    recorded = [rule["record"] for rule in all_rules() if "record" in rule]
    assert recorded
    for name in recorded:
        assert re.fullmatch(r"betcore:\w+:\w+", name), name
