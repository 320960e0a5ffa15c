"""The provider's clock, as the updates show it, and the token that is judged by it."""

import pytest
import trio

from tests.support.fake_hub import BASE, Hub, Peer, moment, settings, watching
from tests.support.jwt import jwt
from tests.support.wire import HANDSHAKE
from watchdog.config.schema import Config
from watchdog.hub.supervisor import COMPARE_CLOCKS_SECONDS


def slow_clock(offset: float, *, frozen: bool = False):
    async def script(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        game_type = await peer.subscribed()
        while True:
            await trio.sleep(0.5)
            await peer.update(game_type, tst=moment(0.0 if frozen else trio.current_time() - offset))

    return script


@pytest.fixture
def given(tmp_path) -> Config:
    """A token that expires after a minute."""
    (tmp_path / "token").write_text(jwt(exp=BASE + 60.0))
    return settings(token={"file": str(tmp_path / "token")})


async def test_the_updates_tell_the_provider_s_time(autojump_clock, given):
    async with watching(Hub(slow_clock(50.0)), given) as watch:
        await trio.sleep_until(COMPARE_CLOCKS_SECONDS + 1.0)
        await trio.sleep_until(109.0)
        assert watch.feed.keeper.snapshot().valid
        await trio.sleep_until(111.5)
        assert not watch.feed.keeper.snapshot().valid
    assert "clock.skewed" in watch.events(None)


async def test_timestamps_that_stand_still_tell_nothing_of_the_time(autojump_clock, given):
    async with watching(Hub(slow_clock(0.0, frozen=True)), given) as watch:
        await trio.sleep_until(61.0)
        assert not watch.feed.keeper.snapshot().valid


async def test_local_time_is_said_once_for_the_feed_and_judges_no_token(autojump_clock, tmp_path):
    (tmp_path / "token").write_text(jwt(exp=BASE + 60.0))
    given = settings((1, 3), token={"file": str(tmp_path / "token")})
    async with watching(Hub(slow_clock(-3 * 3_600.0)), given) as watch:
        await trio.sleep_until(59.0)
        assert watch.feed.keeper.snapshot().valid
        await trio.sleep_until(61.0)
        assert not watch.feed.keeper.snapshot().valid
    assert watch.events(None).count("clock.time_zone") == 1
    assert "clock.skewed" not in watch.events(None)
    assert not {"clock.time_zone", "latency.high"} & set(watch.events())
