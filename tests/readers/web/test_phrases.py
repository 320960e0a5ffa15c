import pytest
from msgspec.structs import replace

from tests.readers.web.samples import NOW, eight_games, fresh, frozen, snapshot, token, untouched
from watchdog.core.causes import anomaly, particulars
from watchdog.core.protocol.reasons import DISCONNECT_REASONS
from watchdog.core.snapshot import HistorySnapshot
from watchdog.readers.web.phrases import notes, runway, span, verdict, why


@pytest.mark.parametrize(
    ("games", "sentence"),
    [
        ([], "No games are configured"),
        ([fresh()], "Poker is fresh"),
        ([fresh(1, "Keno"), fresh()], "All 2 games fresh"),
        ([fresh(state="maintenance"), fresh()], "1 of 2 games fresh; 1 in maintenance"),
        ([frozen(), fresh()], "1 of 2 games in trouble: Lucky 6 frozen"),
        (
            [frozen(i, f"G{i}") for i in range(5)] + [fresh(state="maintenance")],
            "5 of 6 games in trouble: G0 frozen, G1 frozen, G2 frozen and 2 more; 1 in maintenance",
        ),
        ([untouched(1), untouched(2)], "Starting: 2 of 2 games not tried yet"),
        (
            [frozen(), untouched()],
            "2 of 2 games in trouble: Lucky 6 frozen, Poker unobserved",
        ),
    ],
)
def test_the_verdict_is_one_sentence_that_names_the_games_in_trouble(games, sentence):
    assert verdict(games) == sentence


def test_each_game_that_is_not_fresh_says_why():
    reasons = {game.state: why(game) for game in eight_games()}

    assert reasons == {
        "fresh": "",
        "maintenance": "the feed says so",
        "unobserved": "not tried yet",
        "unauthorized": "token missing, expired or rejected",
        "disconnected": "connection refused (refused)",
        "frozen": "betting timer stands still",
        "silent": "subscribed, but no update comes",
    }


def test_a_stall_of_ours_and_a_first_connect_are_told_apart_from_trouble():
    assert why(fresh(state="unobserved")) == "the watchdog's own loop stalled"
    assert why(fresh(state="disconnected", last_disconnect=None)) == "connecting"


@pytest.mark.parametrize("reason", DISCONNECT_REASONS)
def test_every_reason_of_a_disconnect_has_words(reason):
    assert why(fresh(state="disconnected", last_disconnect=reason)).endswith(f" ({reason})")


def test_all_reasons_of_a_frozen_game_are_named_even_new_ones():
    game = replace(frozen(), frozen_because=("timestamp.frozen", "round.overdue", "dealer.asleep"))

    assert why(game) == "timestamps stand still, round is overdue, dealer.asleep"


def test_an_anomaly_and_its_particulars_are_told_in_words():
    assert anomaly("betting_timer.frozen") == "betting timer frozen"
    assert particulars({"expected": 8, "got": 12}) == "expected 8, got 12"
    assert particulars({"from_seconds": 3.0, "to_seconds": 20.25}) == "from 3 s, to 20.25 s"
    assert particulars({}) == ""


def test_long_particulars_are_cut():
    text = particulars({"error": "x" * 500})

    assert len(text) == 160
    assert text.endswith("x…")


@pytest.mark.parametrize(
    ("changes", "left", "words"),
    [
        ({}, 11_520.0, "valid for 3 h 12 min"),
        ({"expires_at": None}, None, "valid, without expiry"),
        ({"valid": False}, -500.0, "expired 8 min 20 s ago"),
        ({"valid": False, "expires_at": None}, None, "missing or rejected"),
        ({}, -90.0, "valid: the hub accepts it, though by our clock it expired 1 min 30 s ago"),
        ({"valid": False}, 60.0, "missing or rejected"),
        ({"refreshes": {"ok": 0, "failed": 2}}, 60.0, "valid for 1 min 0 s, refreshes failed: 2"),
    ],
)
def test_the_runway_of_a_token_is_told(changes, left, words):
    assert runway(token(**changes), left) == words


def test_a_failed_reload_is_worth_a_note():
    assert notes(snapshot()) == ()
    assert len(notes(snapshot(reload_successful=False, reload_success_at=NOW))) == 1
    assert len(notes(snapshot(history=HistorySnapshot("disk full", 0)))) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1.0, "0.0 s"),
        (0.34, "0.3 s"),
        (10.0, "10 s"),
        (59.9, "59 s"),
        (60.0, "1 min 0 s"),
        (3_599.0, "59 min 59 s"),
        (3_600.0, "1 h 0 min"),
        (86_399.0, "23 h 59 min"),
        (183_600.0, "2 d 3 h"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds, words):
    assert span(seconds) == words
