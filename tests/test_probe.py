"""One look at the feed: what is watched, and for how long."""

import pytest
import trio

from tests.support.fake_hub import TOKEN, TOKEN_VARIABLE, settings
from watchdog import probe
from watchdog.hub.transport import ConnectionLostError


def test_one_game_type_can_be_looked_at_alone():
    given = settings((1, 3))
    only = probe.only_game(given, 3)
    assert only is not None
    assert [game.type for feed in only.feeds for game in feed.games] == [3]
    assert probe.only_game(given, 9) is None


async def test_a_watch_of_so_many_seconds_answers_what_was_seen(autojump_clock, monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)

    async def refused(endpoint):
        await trio.lowlevel.checkpoint()
        raise ConnectionLostError("refused")

    monkeypatch.setattr("watchdog.hub.opening.open_tcp", refused)
    games = await probe.watch(settings((1, 3)), 7.5)
    assert trio.current_time() == 7.5
    assert [game.game_type for game in games] == [1, 3]
    assert {game.state for game in games} == {"disconnected"}
    assert [sum(game.state_seconds.values()) for game in games] == pytest.approx([7.5, 7.5], abs=0.1)
