import json
import math
from typing import Any

import pytest
from msgspec.structs import replace

from tests.readers.web.samples import NOW, eight_games, fresh, frozen, snapshot, token, untouched
from watchdog.core.snapshot import GameSnapshot, HistorySnapshot, Recent, Snapshot
from watchdog.readers.web.status import encode, iso, status_of
from watchdog.runtime.redaction import register_secret


def document(watch: Snapshot) -> Any:
    return json.loads(encode(status_of(watch)))


def only(game: GameSnapshot) -> Any:
    return document(snapshot(game))["feeds"][0]["games"][0]


def test_the_top_tells_the_whole_watch():
    told = document(snapshot(*eight_games()))

    assert told["version"] == "0.1.0"
    assert told["taken_at"] == "2025-06-19T15:57:18.250Z"
    assert told["ready"] is False
    assert told["loop_stall_seconds"] == 0.25
    assert told["history"] == {"up": True, "error": None, "rows_dropped": 0}
    silent = next(game for game in told["feeds"][0]["games"] if game["game"] == "Andar Bahar")
    assert silent["incidents"] == {"provider": 1, "path_or_provider": 0, "partner": 0, "ours": 0}
    assert silent["incident_since"] == silent["since"]
    assert told["reload"] == {"successful": True, "last_success_at": "2025-06-19T14:57:18.250Z"}
    assert told["summary"] == {
        "unobserved": 1,
        "maintenance": 1,
        "unauthorized": 1,
        "disconnected": 1,
        "silent": 1,
        "frozen": 1,
        "fresh": 2,
    }
    assert told["verdict"].startswith("5 of 8 games in trouble: Andar Bahar silent, Lucky 6 frozen")


def test_a_game_in_trouble_tells_its_state_since_when_whose_and_why():
    told = only(frozen())

    assert told["game"] == "Lucky 6"
    assert told["game_type"] == 7
    assert (told["state"], told["whose"], told["severity"]) == ("frozen", "provider", 1)
    assert (told["since"], told["for_seconds"]) == ("2025-06-19T15:56:30.250Z", 48.0)
    assert (told["because"], told["why"]) == (["betting_timer.frozen"], "betting timer stands still")
    assert told["freshness"] == pytest.approx(3_552 / 3_600)
    assert told["betting_timer_stale"] is True
    assert told["missed"] == 5
    assert told["anomalies"]["sequence"] == {"gap": 1, "duplicate": 0, "regression": 0, "reset": 0}
    assert told["round"] == {"id": 30_000_603_282, "state": "active"}
    assert told["last_message_age_seconds"] == 0.25


def test_the_last_anomalies_stand_newest_first_with_their_particulars():
    newest, oldest = only(frozen())["last_anomalies"]

    assert newest["event"] == "betting_timer.frozen"
    assert oldest == {
        "at": "2025-06-19T15:42:18.250Z",
        "event": "sequence.gap",
        "words": "sequence gap",
        "particulars": "expected 8000, got 8005, missed 5",
        "expected": 8_000,
        "got": 8_005,
        "missed": 5,
    }


def test_what_is_not_known_is_null():
    told = only(untouched())

    unknown = ["last_disconnect", "last_message_at", "last_message_age_seconds", "sequence_id", "freshness"]
    assert [told[key] for key in [*unknown, "betting_timer_seconds", "maintenance"]] == [None] * 7
    assert told["round"] == {"id": None, "state": None}
    assert told["last_anomalies"] == []


def test_maintenance_and_what_is_not_the_providers_are_outside_freshness():
    seconds = {"fresh": 90.0, "frozen": 4.0, "silent": 3.0, "disconnected": 3.0}
    others = {"maintenance": 500.0, "unauthorized": 500.0, "unobserved": 500.0}

    assert only(fresh(state_seconds=seconds | others))["freshness"] == pytest.approx(0.9)


def test_games_stand_under_their_feed_beside_its_token():
    tokens = (token(), token(feed="other", valid=False, expires_at=NOW - 60.0, rejections=4))
    watch = snapshot(fresh(1, "Keno"), fresh(2, "Bingo", feed="third"), fresh(3, "Poker"), tokens=tokens)

    feeds = {feed["name"]: feed for feed in document(watch)["feeds"]}

    games = {name: [game["game"] for game in feed["games"]] for name, feed in feeds.items()}
    assert games == {"betcore": ["Keno", "Poker"], "other": [], "third": ["Bingo"]}
    assert feeds["third"]["token"] is None
    assert feeds["other"]["token"] == {
        "valid": False,
        "source": "url",
        "expires_at": "2025-06-19T15:56:18.250Z",
        "expires_in_seconds": -60.0,
        "renewed_at": "2025-06-19T15:09:18.250Z",
        "renewal_due_at": "2025-06-19T19:04:18.250Z",
        "refreshes": {"ok": 3, "failed": 0},
        "rejections": 4,
        "words": "expired 1 min 0 s ago",
    }


def test_particulars_without_a_json_form_and_odd_numbers_are_told_all_the_same():
    detail = {"odd": complex(1, 2), "endless": math.inf, "at": "not the time"}
    game = replace(fresh(), recent_anomalies=(Recent(NOW, "message.invalid", detail),))

    (told,) = only(game)["last_anomalies"]

    assert (told["odd"], told["endless"], told["at"]) == ("(1+2j)", None, "2025-06-19T15:57:18.250Z")


def test_a_list_stays_a_list_and_is_in_words_for_people():
    register_secret("open.sesame")
    detail = {"id": 7, "was": ["cancelled", "finished", "open.sesame"]}
    game = fresh(recent_anomalies=(Recent(NOW, "round.regressed", detail),))
    (told,) = only(game)["last_anomalies"]
    assert told["was"][:2] == ["cancelled", "finished"]
    assert told["particulars"].startswith("id 7, was cancelled and finished and ")
    assert "sesame" not in str(told)


def test_particulars_in_the_providers_words_are_told_without_secrets_and_in_short():
    register_secret("sesame-of-the-status")
    detail: dict[str, object] = {
        "now": "sesame-of-the-status <b>",
        "error": "x" * 10_000,
        "was": None,
        "got": 7,
    }
    game = replace(fresh(), recent_anomalies=(Recent(NOW, "round.result_changed", detail),))

    (told,) = only(game)["last_anomalies"]

    assert (told["now"], told["was"], told["got"]) == ("[redacted] <b>", None, 7)
    assert told["error"] == "x" * 199 + "…"
    assert "sesame" not in told["particulars"]


@pytest.mark.parametrize("wall", [None, 1e12, -1e18, math.inf, float("nan")])
def test_a_time_beyond_the_calendar_is_not_known(wall):
    assert iso(wall) is None


def test_a_history_that_fails_says_why_without_a_secret_and_none_is_null():
    register_secret("hunter2-hunter2")
    failing = HistorySnapshot("/srv/hunter2-hunter2.db: database or disk is full", 7)
    told = status_of(snapshot(history=failing)).history
    assert told is not None
    assert (told.up, told.rows_dropped) == (False, 7)
    assert "disk is full" in str(told.error)
    assert "hunter2" not in str(told.error)
    assert status_of(snapshot(history=None)).history is None
