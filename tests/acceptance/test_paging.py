"""From the fault to the phone: simulator, watchdog, Prometheus, Alertmanager and a receiver, all real."""

import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.acceptance.monitoring import OF_A_SLOW_MACHINE, alertmanager, prometheus, receiving
from tests.acceptance.processes import configuration, eventually, simulator, watchdog

pytestmark = pytest.mark.long

TABLE_FILE = "BETCORE_PAGING_TABLE"


class Expected(NamedTuple):
    """The one alert that a fault leads to, where it goes, and the words of its summary."""

    receiver: str
    alert: str
    severity: str
    feed: str
    game_type: str
    summary: str


class Story(NamedTuple):
    """A fault as it is asked of the simulators, and what comes of it."""

    expected: Expected
    wishes: tuple[dict[str, object], ...]


STUDIO, DROPPED, REJECTED = "studio", "dropped", "rejected"
GAMES = {STUDIO: range(1, 9), DROPPED: (1, 3), REJECTED: (1, 3)}

STORIES = {
    "silence": Story(
        Expected("page", "BetcoreFeedSilent", "critical", STUDIO, "1", "no updates"),
        ({"name": "silence", "game": 1, "duration_seconds": 15},),
    ),
    "frozen timer": Story(
        Expected("page", "BetcoreBettingTimerStale", "critical", STUDIO, "2", "timer"),
        ({"name": "frozen_timer", "game": 2, "duration_seconds": 20},),
    ),
    "gap": Story(
        Expected("ticket", "BetcoreSequenceGap", "warning", STUDIO, "3", "lost"),
        ({"name": "gap", "game": 3},),
    ),
    "changed result": Story(
        Expected("page", "BetcoreResultChanged", "critical", STUDIO, "4", "result changed"),
        ({"name": "changed_result", "game": 4},),
    ),
    "maintenance": Story(
        Expected("info", "BetcoreMaintenance", "info", STUDIO, "5", "maintenance"),
        ({"name": "maintenance", "game": 5, "duration_seconds": 15},),
    ),
    "dropped hub": Story(
        Expected("page", "BetcoreAllFeedsDown", "critical", DROPPED, "", "down"),
        ({"name": "refused_connection", "duration_seconds": 30},),
    ),
    "rejected token": Story(
        Expected("page", "BetcoreTokenInvalid", "critical", REJECTED, "", "token"),
        tuple({"name": "rejected_token", "game": game, "duration_seconds": 45} for game in (1, 3)),
    ),
}

# Events keep their alerts firing for 5 minutes; here for half a minute, to see them end.
SHORT_WINDOWS = {
    f"{name}_anomalies_total[5m])": f"{name}_anomalies_total[30s])" for name in ("sequence", "round")
} | {"(betcore_feed_state_seconds_total) < 300": "(betcore_feed_state_seconds_total) < 0"}


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """One bad day: every fault at once; answers all notifications, messages, and when each fault began."""
    folder = tmp_path_factory.mktemp("paging")
    with ExitStack() as stack:
        receiver, url = stack.enter_context(receiving())
        manager = stack.enter_context(alertmanager(folder, url))
        hubs = {
            feed: stack.enter_context(simulator(*_options(games), stderr=folder / f"{feed}.log"))
            for feed, games in GAMES.items()
        }
        config = folder / "watchdog.toml"
        config.write_text(configuration(hubs, GAMES, settings="[reconnect]\nmax_seconds = 1.0"))
        watched = stack.enter_context(watchdog(config, stderr=folder / "watchdog.log"))
        target = watched.address.removeprefix("http://")
        stack.enter_context(prometheus(folder, target, alertmanager=manager, rules=SHORT_WINDOWS))
        eventually(lambda: all(game["messages"] > 8 for game in _games(watched.status())))
        eventually(lambda: receiver.notified)
        for story in STORIES.values():
            for wish in story.wishes:
                answer = httpx.post(f"http://{hubs[story.expected.feed]}/faults", json=wish)
                assert answer.status_code == 202, answer.text
        eventually(lambda: _all_over(receiver), within=300.0)
        began = {name: _began(hubs[story.expected.feed], story) for name, story in STORIES.items()}
    return {"notified": receiver.notified, "messages": receiver.messages, "began": began}


def _options(games: Iterable[int]) -> tuple[str, ...]:
    return "--games", ",".join(map(str, games)), "--round-scale", "0.4"


def _games(status):
    return [game for feed in status["feeds"] for game in feed["games"]]


def _all_over(receiver):
    """Whether each expected alert has come and gone."""
    last = {notified.subject: notified.firing for notified in receiver.notified}
    return all(last.get(_subject(story.expected)) is False for story in STORIES.values())


def _subject(expected):
    return expected.receiver, expected.alert, expected.feed, expected.game_type


def _began(hub, story):
    faults = httpx.get(f"http://{hub}/faults").json()["faults"]
    return min(fault["began"] for fault in faults if fault["name"] == story.wishes[0]["name"])


def _of(day, name):
    subject = _subject(STORIES[name].expected)
    return [notified for notified in day["notified"] if notified.subject == subject]


def test_these_pages_come_and_no_others(day):
    subjects = {notified.subject for notified in day["notified"]}
    came = {subject for subject in subjects if subject[1] not in OF_A_SLOW_MACHINE}

    alive = {("alive", "WatchdogAlive", "", "")}
    assert came - alive == {_subject(story.expected) for story in STORIES.values()}
    assert came >= alive


@pytest.mark.parametrize("name", STORIES)
def test_a_page_has_the_labels_of_its_severity_and_its_game(name, day):
    expected = STORIES[name].expected
    game = (
        {"game_type": expected.game_type, "game": f"Game {expected.game_type}"} if expected.game_type else {}
    )
    labels = {"alertname": expected.alert, "severity": expected.severity, "feed": expected.feed} | game

    assert _of(day, name)[0].labels == labels


@pytest.mark.parametrize("name", STORIES)
def test_a_page_has_every_annotation_filled(name, day):
    expected = STORIES[name].expected
    annotations = _of(day, name)[0].annotations

    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    text = "\n".join(annotations.values())
    assert "{{" not in text
    assert "<no value>" not in text
    assert expected.summary in annotations["summary"]
    assert expected.feed in annotations["summary"]
    assert (f"Game {expected.game_type}" if expected.game_type else "") in annotations["summary"]
    assert annotations["runbook_url"].endswith(f"/alerts/runbooks/{expected.alert}.md")
    assert f"var-feed={expected.feed}" in annotations["dashboard_url"]


@pytest.mark.parametrize("name", STORIES)
def test_a_page_comes_once_and_resolves(name, day):
    first, *rest = _of(day, name)

    assert first.firing
    assert [notified.firing for notified in rest] == [False]


def test_what_pages_reaches_the_phone_as_a_message_with_nothing_left_to_fill_in(day):
    text = "\n".join(day["messages"])

    for story in STORIES.values():
        if story.expected.receiver == "page":
            assert f"/alerts/runbooks/{story.expected.alert}.md" in text
    assert "[CRITICAL]" in text
    assert "[RESOLVED]" in text
    assert "{{" not in text
    assert "<no value>" not in text


def test_the_seconds_from_the_fault_to_the_page_are_measured(day, capsys):
    lines = ["| fault | alert | goes to | seconds from fault to page |", "| --- | --- | --- | --- |"]
    for name, story in STORIES.items():
        seconds = _of(day, name)[0].at - day["began"][name]
        lines.append(f"| {name} | `{story.expected.alert}` | {story.expected.receiver} | {seconds:.1f} |")
        # The longest of all waits 30 s before it fires; more than that is a matter of the machine.
        assert 0 < seconds < 120
    table = "\n".join(lines) + "\n"
    with capsys.disabled():
        sys.stdout.write(f"\n{table}")
    if path := os.environ.get(TABLE_FILE):
        Path(path).write_text(table)
