"""The Alertmanager and Prometheus examples: valid as they stand, routed as told, readable on a phone."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.acceptance.monitoring import alertmanager, receiving
from tests.support.tools import require_tool

ALERTS = Path(__file__).resolve().parents[2] / "alerts"
ALERTMANAGER = ALERTS / "alertmanager.yml"

TEXT = '{{ template "betcore.title" . }}\n{{ template "betcore.text" . }}'
RUNBOOK = "https://example.com/BetcoreFeedSilent.md"


def _amtool(*arguments: str) -> str:
    command = [require_tool("amtool"), *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def _receiver(*labels: str) -> str:
    return _amtool("config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels).strip()


def test_amtool_has_nothing_to_say_about_the_alertmanager_example():
    assert "SUCCESS" in _amtool("check-config", str(ALERTMANAGER))


def test_the_examples_in_comments_are_valid_too(tmp_path):
    text, shown = re.subn(r"(?m)^(    )# ( +\S|\w+_configs:$)", r"\1\2", ALERTMANAGER.read_text())
    assert shown > 3
    config = tmp_path / "alertmanager.yml"
    config.write_text(text.replace('"templates/', f'"{ALERTS}/templates/'))

    assert "4 receivers" in _amtool("check-config", str(config))


def test_promtool_has_nothing_to_say_about_the_prometheus_example():
    command = [require_tool("promtool"), "check", "config", str(ALERTS / "prometheus.yml")]
    result = subprocess.run(command, check=False, capture_output=True, text=True)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAILED" not in result.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=critical", "alertname=BetcoreFeedSilent", "feed=betcore", "game=Poker"], "page"),
        (["severity=critical", "alertname=WatchdogDown"], "page"),
        (["severity=warning", "alertname=BetcoreSequenceGap", "feed=betcore", "game=Poker"], "ticket"),
        (["severity=info", "alertname=BetcoreMaintenance", "feed=betcore", "game=Poker"], "info"),
        (["severity=none", "alertname=WatchdogAlive"], "dead-mans-switch"),
        (["alertname=SomethingElse"], "ticket"),
    ],
)
def test_an_alert_goes_to_the_receiver_of_its_severity(labels, receiver):
    assert _receiver(*labels) == receiver


def _alert(game: str, status: str = "firing") -> dict[str, object]:
    return {
        "status": status,
        "labels": {
            "alertname": "BetcoreFeedSilent",
            "feed": "betcore",
            "game": game,
            "severity": "critical",
        },
        "annotations": {
            "summary": f"{game} on betcore is silent",
            "description": "No update for 7 s; the provider's.",
            "runbook_url": RUNBOOK,
            "dashboard_url": "/d/betcore-game",
        },
        "startsAt": "2026-11-22T03:00:01.5Z",
        "endsAt": "2026-11-22T03:01:31.6Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


def _message(folder: Path, *alerts: dict[str, object]) -> list[str]:
    """The lines of the message about these alerts, its title first."""
    common = {"alertname": "BetcoreFeedSilent", "feed": "betcore", "severity": "critical"}
    firing = any(alert["status"] == "firing" for alert in alerts)
    data = {
        "receiver": "page",
        "status": "firing" if firing else "resolved",
        "alerts": alerts,
        "groupLabels": {"alertname": "BetcoreFeedSilent", "feed": "betcore"},
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
    }
    file = folder / "data.json"
    file.write_text(json.dumps(data))
    glob = f"--template.glob={ALERTS}/templates/*.tmpl"
    return _amtool(
        "template", "render", glob, f"--template.text={TEXT}", f"--template.data={file}"
    ).splitlines()


def test_a_page_says_what_since_when_what_to_do_and_where_to_look(tmp_path):
    assert _message(tmp_path, _alert("Poker"))[:6] == [
        "[CRITICAL] Poker on betcore is silent",
        "Poker on betcore is silent",
        "No update for 7 s; the provider's.",
        "Alert since 03:00:01 UTC",
        f"Runbook: {RUNBOOK}",
        "Dashboard: http://127.0.0.1:3000/d/betcore-game",
    ]


def test_the_title_of_a_page_about_several_games_names_them(tmp_path):
    title = _message(tmp_path, _alert("Keno"), _alert("Poker"), _alert("War", "resolved"))[0]

    assert title == "[CRITICAL] 2 x BetcoreFeedSilent on betcore: Keno, Poker"


def test_a_message_about_very_many_games_stays_short_and_says_that_it_leaves_some_out(tmp_path):
    games = [f"Game {number}" for number in range(200)]
    firing = _message(tmp_path, *(_alert(game) for game in games))
    over = _message(tmp_path, *(_alert(game, "resolved") for game in games))

    assert firing[0] == f"[CRITICAL] 200 x BetcoreFeedSilent on betcore: {', '.join(games[:8])}, …"
    assert "… the first 5 of 200" in firing
    assert "… the first 5 of 200 that are over" in over
    assert max(len("\n".join(firing)), len("\n".join(over))) < 3_000


def test_a_message_about_the_end_says_how_long_it_lasted(tmp_path):
    assert _message(tmp_path, _alert("Poker", "resolved"))[:2] == [
        "[RESOLVED] Poker on betcore is silent",
        "Over since 03:01:31 UTC, after 1m30s: Poker on betcore is silent",
    ]


@pytest.fixture(scope="module")
def manager(tmp_path_factory):
    """A running Alertmanager with the committed rules of inhibition; yields host:port."""
    with receiving() as (_, url), alertmanager(tmp_path_factory.mktemp("manager"), url) as address:
        yield address


def _labels(text: str, feed: str) -> dict[str, str]:
    """`BetcoreFeedSilent critical Poker` as labels; the game may be left out."""
    name, severity, *game = text.split()
    return {"alertname": name, "severity": severity, "feed": feed} | ({"game": game[0]} if game else {})


@pytest.mark.parametrize(
    ("source", "held_back", "sent"),
    [
        (
            "BetcoreAllFeedsDown critical",
            [
                "BetcoreFeedSilent critical Poker",
                "BetcoreFeedDisconnected critical Keno",
                "BetcoreFreshnessBudgetBurn warning Keno",
            ],
            ["BetcoreTokenRefreshFailing warning"],
        ),
        (
            "BetcoreTokenInvalid critical",
            ["BetcoreFeedDisconnected critical Poker", "BetcoreTokenExpiresSoon critical"],
            ["BetcoreFeedSilent critical Keno", "BetcoreResultChanged critical Keno"],
        ),
        ("BetcoreTokenInvalid critical", ["BetcoreAllFeedsDown critical"], []),
        # Only one of several watchdogs has no good token.
        ("BetcoreTokenInvalid warning", [], ["BetcoreAllFeedsDown critical"]),
        ("BetcoreTokenInvalid warning", [], ["BetcoreFeedDisconnected critical Poker"]),
        (
            "BetcoreFeedSilent critical Poker",
            ["BetcoreFeedDisconnected critical Poker"],
            ["BetcoreFeedDisconnected critical Keno", "BetcoreResultChanged critical Poker"],
        ),
        (
            "BetcoreBettingTimerStale critical Poker",
            ["BetcoreFeedFrozen critical Poker"],
            ["BetcoreFeedFrozen critical Keno", "BetcoreFeedSilent critical Poker"],
        ),
        (
            "BetcoreFreshnessBudgetBurn critical Poker",
            ["BetcoreFreshnessBudgetBurn warning Poker"],
            ["BetcoreFreshnessBudgetBurn warning Keno", "BetcoreSequenceGap warning Poker"],
        ),
        ("WatchdogDown critical", [], ["BetcoreFeedSilent critical Poker"]),
        ("WatchdogDown critical", [], ["BetcoreAllFeedsDown critical", "WatchdogStalled warning"]),
    ],
)
def test_an_alert_holds_back_what_follows_from_it_in_its_own_feed(source, held_back, sent, manager):
    # A feed for each case, so that they don't meddle with one another.
    feed = f"{source} {held_back} {sent}"
    other = f"not {feed}"
    here = [_labels(text, feed) for text in [source, *held_back, *sent]]
    elsewhere = [_labels(text, other) for text in held_back]
    alerts = [{"labels": labels} for labels in here + elsewhere]
    httpx.post(f"http://{manager}/api/v2/alerts", json=alerts).raise_for_status()
    known = httpx.get(f"http://{manager}/api/v2/alerts").json()
    inhibited = [alert["labels"] for alert in known if alert["status"]["inhibitedBy"]]

    assert all(_labels(text, feed) in inhibited for text in held_back)
    assert not any(labels in inhibited for labels in [_labels(source, feed), *elsewhere])
    assert not any(_labels(text, feed) in inhibited for text in sent)
