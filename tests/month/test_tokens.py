"""Days of eight games whose token lives an hour, through the whole socket stack on a clock that jumps."""

import math
import os

import pytest
import trio

from tests.support.fake_hub import BASE, Hub, Peer, counted, game, moment, settings, spent, watching
from tests.support.jwt import jwt
from tests.support.steps import uncounted_lines
from tests.support.token_keeper import FakeClient, ok
from tests.support.wire import HANDSHAKE
from watchdog.config.schema import Config
from watchdog.core.claims import read_claims
from watchdog.runtime.http_client import NoAnswerError

pytestmark = pytest.mark.long

DAYS = float(os.environ.get("BETCORE_TOKEN_DAYS", "2"))
"""How long to watch. `BETCORE_TOKEN_DAYS=7` watches the week that the README speaks of."""

HOUR, LASTS = 3_600.0, DAYS * 86_400.0
GAMES = (1, 2, 3, 4, 5, 6, 7, 8)
# Rarer updates than the promised ones keep the cost of days bounded; from 30 s on pings would be due.
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
        await peer.update(game_type, sequence_id=number, wgi=[game(game_type, fdt=moment(2 * LASTS))])
        number += 1


@pytest.fixture
def secret(monkeypatch):
    monkeypatch.setenv("BETCORE_TEST_SECRET", "secret of the tests")


def hourly(**token: float) -> Config:
    """Eight games whose tokens come from an endpoint."""
    source = {"url": "https://auth.example/token", "secret_env": "BETCORE_TEST_SECRET"}
    return settings(
        GAMES,
        checks={"interval_seconds": INTERVAL, "tolerance_seconds": 1.0, "silence_reconnect_seconds": 200.0},
        token=source | token,
    )


async def test_days_of_hourly_tokens_lose_no_update_and_no_second(autojump_clock, secret):
    hub, client = Hub(broadcast), FakeClient(token)
    with uncounted_lines():
        await _watch(hub, hourly(refresh_before_seconds=AHEAD), client)


async def _watch(hub, given, client):
    async with watching(hub, given, client=client) as watch:
        await trio.sleep_until(LASTS)
        games = [watch.game(game_type) for game_type in GAMES]
        kept = watch.feed.keeper.snapshot()
        still_open = [peer for peer in hub.peers if not peer.ended.is_set()]

    renewals = int(LASTS / PERIOD)
    # One request for each renewal, however many games share the token.
    assert len(client.asked_at) == 1 + renewals
    assert kept.refreshes == {"ok": 1 + renewals, "failed": 0}
    assert kept.rejections == 0
    for seen in games:
        assert spent(seen) == {"fresh": pytest.approx(LASTS, abs=1e-3)}
        assert (counted(seen.anomalies), counted(seen.disconnects)) == ({}, {})
        assert seen.messages == seen.sequence_id == math.ceil(LASTS / INTERVAL) - 1
        assert seen.rotations == {"ok": renewals, "failed": 0}
    assert len(hub.peers) == len(GAMES) * (1 + renewals)
    assert len(still_open) == len(GAMES)
    newest = hub.tokens[-1]
    assert (read_claims(newest).exp or 0) > BASE + LASTS
    assert hub.tokens[-len(GAMES) :] == [newest] * len(GAMES)


async def test_an_endpoint_that_fails_for_ten_minutes_costs_nothing_while_the_token_lasts(
    autojump_clock, secret
):
    def failing_for_ten_minutes():
        if 2_790.0 < trio.current_time() < 3_400.0:
            raise NoAnswerError("timeout", "the server did not answer")
        return token()

    hub, client = Hub(broadcast), FakeClient(failing_for_ten_minutes)
    async with watching(hub, hourly(refresh_before_seconds=800.0), client=client) as watch:
        await trio.sleep_until(3_390.0)
        failing = watch.feed.keeper.snapshot()
        await trio.sleep_until(3_500.0)
        mended = watch.feed.keeper.snapshot()
        await trio.sleep_until(7_000.0)
        games = [watch.game(game_type) for game_type in GAMES]

    assert (failing.valid, failing.refreshes["ok"]) == (True, 1)
    assert failing.refreshes["failed"] > 10
    assert (mended.valid, mended.refreshes["ok"]) == (True, 2)
    assert watch.events(None).count("token.refresh_failed") == mended.refreshes["failed"]
    for seen in games:
        assert spent(seen) == {"fresh": pytest.approx(7_000.0, abs=1e-3)}
        assert (counted(seen.anomalies), counted(seen.disconnects)) == ({}, {})
