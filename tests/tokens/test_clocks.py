"""Which clock a token is judged by, and what else is told of it."""

from functools import partial

import pytest
import trio

from tests.support.fake_hub import BASE, TOKEN_VARIABLE, Hub, Peer, moment, watching
from tests.support.token_keeper import BASE_WALL_SECONDS, SECRET, Endpoint, Keeping, asking, fresh, jwt
from tests.support.wire import HANDSHAKE
from watchdog.hub.supervisor import COMPARE_CLOCKS_SECONDS
from watchdog.runtime.http_client import Answer


@pytest.fixture
def keeping(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return partial(asking, secret_file=path)


def kept(monkeypatch, token: str) -> Keeping:
    monkeypatch.setenv("BETCORE_TOKEN", token)
    return Keeping({"env": "BETCORE_TOKEN"})


@pytest.mark.parametrize(
    ("offset", "expired_at"), [(0.0, 100), (0.9, 100), (-0.9, 100), (30.0, 130), (-30.0, 70)]
)
async def test_a_token_expires_by_the_provider_s_clock_where_ours_is_off(
    offset, expired_at, autojump_clock, monkeypatch
):
    keeping = kept(monkeypatch, jwt(exp=BASE_WALL_SECONDS + 100.0))
    async with keeping.running():
        keeping.keeper.skewed(offset)
        await trio.sleep_until(expired_at - 0.5)
        assert keeping.snapshot.valid
        await trio.sleep_until(expired_at + 0.5)
        assert not keeping.snapshot.valid
        assert keeping.keeper.unauthorized


async def test_how_far_the_clocks_are_apart_is_told_once(autojump_clock, monkeypatch):
    keeping = kept(monkeypatch, jwt(exp=BASE_WALL_SECONDS + 1e6))
    async with keeping.running():
        for offset in (0.2, 40.0, 41.0, 40.5):
            keeping.keeper.skewed(offset)
        assert keeping.events().count("clock.skewed") == 1
        keeping.keeper.skewed(0.1)
        keeping.keeper.skewed(-3.0)
    assert keeping.events().count("clock.skewed") == 2
    told = [finding.detail for finding in keeping.findings if finding.event == "clock.skewed"]
    assert told == [{"offset_seconds": 40.0}, {"offset_seconds": -3.0}]


async def test_a_renewal_is_planned_by_the_provider_s_clock(keeping, autojump_clock):
    endpoint = Endpoint(fresh(1000.0))
    kept = keeping(endpoint, refresh_before_seconds=300.0)
    kept.keeper.skewed(-200.0)  # ours is behind: by the provider's the token lives 200 s less
    async with kept.running():
        await trio.sleep_until(1000.0)
    assert endpoint.asked_at[1] == pytest.approx(500.0, abs=1.0)


def slow_clock(offset: float, *, frozen: bool = False):
    async def script(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        while True:
            await trio.sleep(0.5)
            await peer.update(tst=moment(0.0 if frozen else trio.current_time() - offset))

    return script


async def test_the_updates_tell_the_provider_s_time(autojump_clock):
    async with watching(Hub(slow_clock(50.0))) as watch:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(TOKEN_VARIABLE, jwt(exp=BASE + 60.0))
            await trio.sleep_until(COMPARE_CLOCKS_SECONDS + 1.0)
            await trio.sleep_until(109.0)
            assert watch.feed.keeper.good
            await trio.sleep_until(111.5)
            assert not watch.feed.keeper.good
    assert "clock.skewed" in watch.events(None)


async def test_timestamps_that_stand_still_tell_nothing_of_the_time(autojump_clock):
    async with watching(Hub(slow_clock(0.0, frozen=True))) as watch:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(TOKEN_VARIABLE, jwt(exp=BASE + 60.0))
            await trio.sleep_until(61.0)
            assert not watch.feed.keeper.good


async def test_a_token_of_the_future_lets_waiting_games_try_when_it_becomes_valid(
    autojump_clock, monkeypatch
):
    keeping = kept(monkeypatch, jwt(nbf=BASE_WALL_SECONDS + 20.0))
    async with keeping.running():
        changed = keeping.keeper.changed
        await trio.sleep_until(19.5)
        assert not changed.is_set()
        await trio.sleep_until(20.5)
        assert changed.is_set()
    assert keeping.standings() == ["token.not_yet_valid", "token.valid"]


@pytest.mark.parametrize(
    ("claims", "told"), [({"PartnerClientId": 7}, "7"), ({"partner_client_id": 42}, None), ({}, None)]
)
async def test_a_token_for_another_partner_is_told(claims, told, autojump_clock, monkeypatch):
    keeping = kept(monkeypatch, jwt(**claims))
    async with keeping.running():
        assert keeping.snapshot.valid
    warnings = [finding.detail for finding in keeping.findings if finding.event == "token.other_partner"]
    assert warnings == ([{"expected": 42, "claimed": told}] if told else [])


async def test_the_endpoint_is_left_alone_for_as_long_as_it_asks(keeping, autojump_clock):
    busy = Answer(429, b"", retry_after_seconds=90.0)
    endpoint = Endpoint(busy, busy, fresh(3600.0))
    async with keeping(endpoint).running() as kept:
        await trio.sleep_until(200.0)
        assert kept.snapshot.refreshes == {"ok": 1, "failed": 2}
        assert kept.snapshot.valid
    assert endpoint.pauses == pytest.approx([90.0, 90.0], abs=0.1)


async def test_after_the_wish_was_kept_the_usual_pauses_hold(keeping, autojump_clock):
    endpoint = Endpoint(Answer(429, b"", retry_after_seconds=90.0), Answer(500, b""), fresh(3600.0))
    async with keeping(endpoint).running():
        await trio.sleep_until(200.0)
    assert endpoint.pauses[0] == pytest.approx(90.0, abs=0.1)
    assert endpoint.pauses[1] < 10.0
