import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.judged import EPOCH, judge
from watchdog.simulator.games import GAME_TYPES, GAMES
from watchdog.simulator.table import Table

EXAMPLE = Path(__file__).parents[1] / "core" / "protocol" / "specification-example.json"


def looks(table, seconds, step=0.5):
    """The entries and timers of a table looked at every `step` seconds."""
    for beat in range(int(seconds / step)):
        table.move_to(EPOCH + beat * step)
        yield table.show(), table.betting_timer


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_a_healthy_table_gives_no_check_a_reason(game, scale):
    verdict = judge(game=game, scale=scale, seconds=600)
    assert (verdict.anomalies, verdict.invalid, verdict.states) == ({}, {}, {"fresh"})


@pytest.mark.parametrize("game", GAMES)
def test_rounds_follow_one_another_and_name_the_one_before(game):
    entries = [entry for entry, _ in looks(Table(GAME_TYPES[game], seed=1, now=EPOCH), 900)]
    starts = [entries[0], *(after for before, after in pairwise(entries) if after["i"] != before["i"])]
    assert len(starts) > 5
    assert all(after["i"] == before["i"] + 1 == after["lrId"] + 1 for before, after in pairwise(starts))
    assert all(entry["s"] == 1 for entry in starts)


@pytest.mark.parametrize("game", GAMES)
def test_a_round_takes_about_half_a_minute_to_a_minute(game):
    entries = [entry for entry, _ in looks(Table(GAME_TYPES[game], seed=1, now=EPOCH), 1200)]
    rounds = len({entry["i"] for entry in entries})
    assert 20 <= 1200 / rounds <= 65


@pytest.mark.parametrize("game", GAMES)
def test_the_timer_counts_whole_seconds_down_to_zero_and_is_zero_outside_of_betting(game):
    frames = list(looks(Table(GAME_TYPES[game], seed=2, now=EPOCH), 300, step=0.25))
    for (entry, timer), (later, later_timer) in pairwise(frames):
        if entry["ps"] == 2:
            assert timer == 0
        elif later["ps"] == 1:
            assert timer - 1 <= later_timer <= timer
        else:
            assert timer == 0
    assert {entry["ps"] for entry, _ in frames if entry["s"] != 2} == {2}


def test_all_five_states_are_played():
    states = {entry["s"] for entry, _ in looks(Table(GAME_TYPES[4], seed=1, now=EPOCH), 3600)}
    assert states == {1, 2, 3, 4, 5}


def test_poker_has_several_betting_windows_in_a_round():
    windows = {entry["cr"] for entry, _ in looks(Table(GAME_TYPES[3], seed=1, now=EPOCH), 300)}
    assert windows == {1, 2, 3, 4}


def test_results_of_a_cancelled_round_are_cancelled():
    entries = [entry for entry, _ in looks(Table(GAME_TYPES[6], seed=1, now=EPOCH), 3600)]
    cancelled = [result["s"] for entry in entries if entry["s"] == 5 for result in entry["r"]]
    assert set(cancelled) == {2}


def test_an_entry_has_the_fields_of_the_specification_in_their_order():
    expected = json.loads(EXAMPLE.read_text())["arguments"][0]["wgi"][0]
    entry = [entry for entry, _ in looks(Table(GAME_TYPES[3], seed=1, now=EPOCH), 30)][-1]
    assert list(entry) == list(expected)
    for part in ("r", "h", "e"):
        assert list(entry[part][0]) == list(expected[part][0])
    assert set(entry["di"]) == set(expected["di"])


def test_games_without_a_dealer_have_none():
    dealers = {game: next(looks(Table(GAME_TYPES[game], seed=1, now=EPOCH), 1))[0]["di"] for game in GAMES}
    assert [game for game, dealer in dealers.items() if dealer is None] == [1, 6]


def test_the_same_seed_plays_the_same_rounds():
    first, second, other = (
        list(looks(Table(GAME_TYPES[3], seed=seed, now=EPOCH), 120)) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_a_look_after_an_hour_finds_the_next_round_and_none_skipped():
    table = Table(GAME_TYPES[3], seed=1, now=EPOCH)
    before: dict[str, Any] = table.show()
    table.move_to(EPOCH + 3600)
    after: dict[str, Any] = table.show()
    assert after["i"] == before["i"] + 1
    assert after["s"] == 3
    assert after["fdt"] > "2026-09-21T15:13:00Z"


def test_a_round_that_nobody_has_seen_does_not_end():
    table = Table(GAME_TYPES[3], seed=1, now=EPOCH)
    first = table.round.number
    table.move_to(EPOCH + 3600)
    assert table.round.number == first


def test_published_dates_move_along_while_the_table_stands_still():
    table = Table(GAME_TYPES[3], seed=1, now=EPOCH)
    before: dict[str, Any] = table.show()
    table.hold_to(EPOCH + 60)
    after: dict[str, Any] = table.show()
    assert after["sdt"][14:16] != before["sdt"][14:16]
    assert after | {"sdt": 0, "fdt": 0} == before | {"sdt": 0, "fdt": 0}
