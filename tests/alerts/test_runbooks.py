"""The runbooks: one for each alert, in one form, and naming only what this watchdog really has."""

import re
from pathlib import Path

import pytest

from tests.readers.web.samples import eight_games, snapshot
from watchdog.core.checks.suite import ANOMALY_KINDS
from watchdog.readers.metrics.render import render
from watchdog.readers.web.page import COLUMNS

ALERTS = Path(__file__).resolve().parents[2] / "alerts"
RUNBOOKS = {path.stem: path for path in sorted((ALERTS / "runbooks").glob("*.md"))}
RULES = "\n".join(path.read_text() for path in sorted(ALERTS.glob("*.rules.yml")))
SOURCES = "\n".join(path.read_text() for path in (ALERTS.parent / "watchdog").rglob("*.py"))

SECTIONS = ["What it means", "Look at", "Do", "Tell the provider", "Resolves"]
TOKEN_PROBLEMS = ("missing", "expired", "not_yet_valid", "rejected")
PREFIXES = ("betcore", "watchdog", "process")


def _metrics() -> set[str]:
    """The names of all series of a scrape."""
    text = render(snapshot(*eight_games()), "", "").body().decode()
    return set(re.findall(r"(?m)^(\w+)", text))


@pytest.mark.parametrize("alert", sorted(set(re.findall(r"(?m)^ *- alert: *(\w+)", RULES))))
def test_every_alert_has_a_runbook(alert):
    assert alert in RUNBOOKS


def test_every_runbook_is_about_an_alert():
    assert sorted(set(re.findall(r"(?m)^ *- alert: *(\w+)", RULES))) == sorted(RUNBOOKS)


def test_every_runbook_link_of_a_rule_leads_to_a_file_of_the_repository():
    links = re.findall(r"runbook_url: *[\"']?(\S+?)[\"']?$", RULES, re.MULTILINE)
    root = "https://github.com/betcore/betcore-watchdog/blob/main/"

    assert links
    assert [link for link in links if not (ALERTS.parent / link.removeprefix(root)).is_file()] == []


@pytest.mark.parametrize("alert", RUNBOOKS)
def test_a_runbook_has_its_sections_in_order_and_none_is_empty(alert):
    text = RUNBOOKS[alert].read_text()
    title, *sections = re.split(r"(?m)^##? ", text)[1:]

    assert title.startswith(f"{alert}\n\n**")
    assert [section.partition("\n")[0] for section in sections] == SECTIONS
    assert all(section.partition("\n")[2].strip() for section in sections)


@pytest.mark.parametrize("alert", RUNBOOKS)
def test_a_runbook_tells_the_severities_that_the_rules_have(alert):
    rules = re.split(r"(?m)^ *- (?=alert:|record:)", RULES)
    own = [rule for rule in rules if re.match(rf"alert: *{alert}\s", rule)]
    severities = {match[1] for rule in own if (match := re.search(r"severity: *\"?(\w+)", rule))}
    told = RUNBOOKS[alert].read_text().split("**")[1].split("·")[0]

    assert severities
    assert set(re.findall(r"\b(critical|warning|info|none)\b", told)) == severities


@pytest.mark.parametrize("alert", RUNBOOKS)
def test_a_runbook_names_only_metrics_that_are_served(alert):
    names = re.findall(r"\b((?:betcore|watchdog|process)_\w+)", RUNBOOKS[alert].read_text())

    assert set(names) - _metrics() == set()


@pytest.mark.parametrize("alert", RUNBOOKS)
def test_a_runbook_names_only_events_that_are_logged(alert):
    known = {f"{check}.{kind}" for check, kinds in ANOMALY_KINDS.items() for kind in kinds}
    known |= {f"token.{problem}" for problem in TOKEN_PROBLEMS}
    named = re.findall(
        r"`((?:feed|sequence|betting_timer|timestamp|round|token|connection|message|latency|config|watchdog)"
        r"\.[a-z_]+)`",
        RUNBOOKS[alert].read_text(),
    )

    assert [event for event in named if event not in known and f'"{event}"' not in SOURCES] == []


@pytest.mark.parametrize("alert", RUNBOOKS)
def test_a_runbook_names_only_columns_that_the_status_page_has(alert):
    lines = re.findall(r"(?m)^- Status page:.*(?:\n  .*)*", RUNBOOKS[alert].read_text())
    named = re.findall(r"(?<!\*)\*([A-Z][A-Za-z ,()]+)\*(?!\*)", "\n".join(lines))

    assert set(named) - set(COLUMNS.values()) == set()


@pytest.mark.parametrize("page", [*RUNBOOKS.values(), ALERTS / "README.md"], ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file(page):
    links = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_the_index_lists_every_runbook_once():
    links = re.findall(r"\(runbooks/(\w+)\.md\)", (ALERTS / "README.md").read_text())

    assert sorted(links) == sorted(RUNBOOKS)
