"""One fault, one page, and none after all is well.

With the committed intervals, two watchdogs on each feed, and Debian's newest Prometheus and Alertmanager.
"""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.acceptance.monitoring import OF_A_SLOW_MACHINE, Notified, alertmanager, prometheus, receiving
from tests.acceptance.processes import configuration, eventually, simulator, watchdog

pytestmark = pytest.mark.long

TABLE_FILE = "BETCORE_ONE_PAGE_TABLE"
"""Where to write the table; then the faults are longer, and the end is watched for longer than any window."""
RECORDED = TABLE_FILE in os.environ
FAULT_SECONDS = 120 if RECORDED else 30
WATCHED_AFTERWARDS_SECONDS = 340 if RECORDED else 40
FLAPS = 8
GAMES = (1, 3, 7)

Wish = dict[str, object]


class Fault(NamedTuple):
    """A fault as it is asked of the feed's simulator, and what comes of it."""

    wishes: tuple[Wish, ...]
    receiver: str
    alerts: frozenset[str]
    game_type: str = ""


SILENCE: Wish = {"name": "silence", "duration_seconds": FAULT_SECONDS}
FAULTS = {
    "one game silent": Fault((SILENCE | {"game": 3},), "page", frozenset({"BetcoreFeedSilent"}), "3"),
    "all games silent": Fault(
        tuple(SILENCE | {"game": game} for game in GAMES), "page", frozenset({"BetcoreAllFeedsDown"})
    ),
    "hub killed": Fault(
        ({"name": "refused_connection", "duration_seconds": FAULT_SECONDS},),
        "page",
        frozenset({"BetcoreAllFeedsDown"}),
    ),
    "bad path of one of two watchdogs": Fault(
        ({"name": "refused_connection", "duration_seconds": 600},),
        "ticket",
        frozenset({"BetcorePathDegraded"}),
    ),
}
FLAPPING = "one game silent for 12 s of each 30 s, 4 minutes long"
if RECORDED:
    # It recovers before Alertmanager has sent the page, or after: then the game pages, and its budget too.
    FAULTS[FLAPPING] = Fault(
        tuple(
            SILENCE | {"game": 3, "duration_seconds": 12, "after_seconds": 30 * flap} for flap in range(FLAPS)
        ),
        "page",
        frozenset({"BetcoreFeedSilent", "BetcoreFreshnessBudgetBurn"}),
        "3",
    )
BAD_PATH = "bad path of one of two watchdogs"
FEEDS = {name: f"feed-{number}" for number, name in enumerate(FAULTS)}


class Day(NamedTuple):
    """All notifications, the UNIX time at which each fault began, and when the last of those that end did."""

    notified: list[Notified]
    began: Mapping[str, float]
    over: float


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> Day:
    folder = tmp_path_factory.mktemp("one_page")
    with ExitStack() as stack:
        receiver, url = stack.enter_context(receiving())
        manager = stack.enter_context(alertmanager(folder, url, as_committed=True, newest=True))
        hubs = {name: stack.enter_context(_hub(folder / f"{feed}.log")) for name, feed in FEEDS.items()}
        # The second watchdog gets to the feed of the bad path through a hub of its own, which refuses.
        other = stack.enter_context(_hub(folder / "other.log"))
        watched = [
            stack.enter_context(_watchdog(folder, "a", hubs)),
            stack.enter_context(_watchdog(folder, "b", hubs | {BAD_PATH: other})),
        ]
        targets = [each.address.removeprefix("http://") for each in watched]
        stack.enter_context(
            prometheus(folder, *targets, alertmanager=manager, as_committed=True, newest=True)
        )
        eventually(lambda: all(game["messages"] > 8 for each in watched for game in _games(each.status())))
        eventually(lambda: receiver.notified)
        # Prometheus has seen all of it as it is when it is well.
        scrapes = time.time() + 10
        eventually(lambda: time.time() > scrapes)
        began = {}
        for name, fault in FAULTS.items():
            for wish in fault.wishes:
                answer = httpx.post(f"http://{other if name == BAD_PATH else hubs[name]}/faults", json=wish)
                assert answer.status_code == 202, answer.text
            began[name] = time.time()
        over = max(began.values()) + (30 * FLAPS if RECORDED else FAULT_SECONDS)
        # This is a test of time going by without a page.
        eventually(lambda: time.time() > over + WATCHED_AFTERWARDS_SECONDS, within=900.0, every=0.5)
        eventually(lambda: any(_names(notified, BAD_PATH) for notified in receiver.notified), within=300.0)
    return Day(receiver.notified, began, over)


def _hub(log: Path):
    return simulator("--games", ",".join(map(str, GAMES)), stderr=log)


def _watchdog(folder: Path, name: str, hubs: Mapping[str, str]):
    config = folder / f"{name}.toml"
    config.write_text(configuration({FEEDS[fault]: hub for fault, hub in hubs.items()}, GAMES))
    return watchdog(config, stderr=folder / f"{name}.log")


def _games(status):
    return [game for feed in status["feeds"] for game in feed["games"]]


def _names(notified: Notified, name: str) -> bool:
    """Whether a notification is the one that a fault leads to."""
    labels = notified.labels
    return labels["alertname"] in FAULTS[name].alerts and labels.get("feed") == FEEDS[name]


def _firing(day: Day, name: str, receiver: str) -> list[Notified]:
    """What fires on the feed of a fault, as the receiver is told: an alert that is told twice counts once."""
    told: list[Notified] = []
    last: dict[tuple[tuple[str, str], ...], bool] = {}
    for each in day.notified:
        if each.receiver == receiver and each.labels.get("feed") == FEEDS[name]:
            key = tuple(sorted(each.labels.items()))
            if each.firing and not last.get(key):
                told.append(each)
            last[key] = each.firing
    return [each for each in told if each.labels["alertname"] not in OF_A_SLOW_MACHINE]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_page(name, day):
    pages = [each.labels for each in _firing(day, name, "page")]
    fault = FAULTS[name]

    if fault.receiver == "page":
        assert {page.get("game_type", "") for page in pages} == {fault.game_type}
        assert {page["alertname"] for page in pages} <= fault.alerts
        assert name == FLAPPING or len(pages) == 1
    else:
        assert pages == []


def test_the_bad_path_of_one_of_two_watchdogs_is_a_ticket_about_that_one(day):
    tickets = _firing(day, BAD_PATH, "ticket")

    assert {each.labels["alertname"] for each in tickets} == {"BetcorePathDegraded"}
    assert {each.labels["game_type"] for each in tickets} == set(map(str, GAMES))
    assert len({each.labels["instance"] for each in tickets}) == 1


@pytest.mark.parametrize("name", FAULTS)
def test_none_comes_after_all_is_well(name, day):
    after = [each.labels["alertname"] for each in _firing(day, name, "page") if each.at > day.over]

    assert after == []


def test_a_page_says_how_many_watchdogs_see_it_and_how_far_the_feed_came(day):
    (page, *_) = _firing(day, "one game silent", "page")

    text = page.annotations["description"]
    assert "seen by 2 of 2 watchdogs" in text
    assert "unknown" not in text
    assert " Do: suspend betting" in text


def test_the_table_of_faults_and_pages_is_made(day, capsys):
    lines = [
        "| fault | goes to | alert | seconds from the fault |",
        "| --- | --- | --- | --- |",
    ]
    for name, fault in FAULTS.items():
        told = _firing(day, name, fault.receiver)
        assert told
        for alert in dict.fromkeys(each.labels["alertname"] for each in told):
            # Of a ticket there is one a game, all in one message.
            seconds = sorted(
                {round(each.at - day.began[name], 1) for each in told if each.labels["alertname"] == alert}
            )
            lines.append(f"| {name} | {fault.receiver} | `{alert}` | {', '.join(map(str, seconds))} |")
    table = "\n".join(lines) + "\n"
    with capsys.disabled():
        sys.stdout.write(f"\n{table}")
    if path := os.environ.get(TABLE_FILE):
        Path(path).write_text(table)
