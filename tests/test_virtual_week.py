"""A week of eight games whose token lives an hour, through the whole socket stack on a clock that jumps."""

import pytest
import trio

from tests.hub import BASE, HANDSHAKE, Hub, Peer, counted, game, moment, settings, spent, watching
from tests.keeping import Endpoint, jwt, ok
from tests.virtual_time import uncounted_lines
from watchdog.checks.token import read_claims

HOUR, WEEK = 3_600.0, 7 * 86_400.0
GAMES = (1, 2, 3, 4, 5, 6, 7, 8)
# Rarer updates than the promised ones keep the cost of a week bounded; from 30 s on pings would be due.
INTERVAL = 28.0
AHEAD = 300.0
PERIOD = HOUR - AHEAD


def token() -> object:
    return ok({"access_token": jwt(exp=BASE + trio.current_time() + HOUR, nonce=trio.current_time())})


async def broadcast(peer: Peer) -> None:
    """What the hub publishes: every connection of a game carries the same."""
    await peer.send(HANDSHAKE)
    game_type = await peer.subscribed()
    number = int(trio.current_time() / INTERVAL) + 1
    while True:
        await trio.sleep_until(number * INTERVAL)
        await peer.update(game_type, sequence_id=number, wgi=[game(game_type, fdt=moment(2 * WEEK))])
        number += 1


@pytest.fixture
def secret(monkeypatch):
    monkeypatch.setenv("BETCORE_TEST_SECRET", "secret of the tests")


async def test_a_week_of_hourly_tokens_loses_no_update_and_no_second(autojump_clock, secret):
    hub, endpoint = Hub(broadcast), Endpoint(token)
    given = settings(
        GAMES,
        checks={"interval_seconds": INTERVAL, "tolerance_seconds": 1.0, "silence_reconnect_seconds": 200.0},
        token={
            "url": "https://auth.example/token",
            "secret_env": "BETCORE_TEST_SECRET",
            "refresh_before_seconds": AHEAD,
        },
    )
    with uncounted_lines():
        await _watch_a_week(hub, given, endpoint)


async def _watch_a_week(hub, given, endpoint):
    async with watching(hub, given) as watch:
        watch.feed.keeper._endpoint._client = endpoint
        await trio.sleep_until(WEEK)
        games = [watch.game(game_type) for game_type in GAMES]
        kept = watch.feed.keeper.snapshot()
        still_open = [peer for peer in hub.peers if not peer.ended.is_set()]

    renewals = int(WEEK / PERIOD)
    # One request for each renewal, however many games share the token.
    assert len(endpoint.asked_at) == 1 + renewals
    assert kept.refreshes == {"ok": 1 + renewals, "failed": 0}
    assert kept.rejections == 0
    for seen in games:
        assert spent(seen) == {"fresh": pytest.approx(WEEK, abs=1e-3)}
        assert (counted(seen.anomalies), counted(seen.disconnects)) == ({}, {})
        assert seen.messages == seen.sequence_id == int(WEEK / INTERVAL) - 1
        assert seen.rotations == {"ok": renewals, "failed": 0}
    assert len(hub.peers) == len(GAMES) * (1 + renewals)
    assert len(still_open) == len(GAMES)
    newest = hub.tokens[-1]
    assert read_claims(newest).exp > BASE + WEEK
    assert hub.tokens[-len(GAMES) :] == [newest] * len(GAMES)
