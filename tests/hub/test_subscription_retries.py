"""What a subscription does after an end: how long it waits, with which token, from which `sId`."""

from itertools import chain, pairwise, repeat

import pytest
import trio

from tests.support.fake_hub import TOKEN, Hub, counted, healthy, settings, spent, watching
from tests.support.hub_scripts import drop, good_for, pings
from tests.support.wire import HANDSHAKE, record
from watchdog.hub.transport import ConnectionLostError
from watchdog.tokens.polled import POLL_SECONDS


async def test_the_waits_grow_with_full_jitter_up_to_the_longest(autojump_clock):
    given = settings(reconnect={"initial_seconds": 1.0, "max_seconds": 10.0})
    draws = chain([0.0, 0.5, 1.0, 0.25, 1.0, 1.0], repeat(0.0))
    async with watching(Hub(ConnectionLostError("refused")), given, random=lambda: next(draws)) as watch:
        await trio.sleep_until(60.0)
    waits = [b - a for a, b in pairwise(watch.hub.dialled_at)]
    assert waits[:7] == pytest.approx([1.0, 2.5, 8.0, 3.25, 10.0, 10.0, 1.0])


async def test_only_a_subscription_that_stayed_good_for_30_s_resets_the_backoff(autojump_clock):
    short, good = 29.0, 30.0

    def lasting(seconds):
        async def script(peer):
            await peer.send(HANDSHAKE)
            await peer.updates(trio.current_time() + seconds)
            await peer.drop()

        return script

    hub = Hub(lasting(short), lasting(short), lasting(good), healthy)
    async with watching(hub, random=lambda: 1.0) as watch:
        await trio.sleep_until(120.0)
    ends = [at + lasted for at, lasted in zip(hub.dialled_at, (short, short, good), strict=False)]
    waits = [again - end for end, again in zip(ends, hub.dialled_at[1:], strict=True)]
    assert waits == pytest.approx([0.5, 1.0, 0.5])
    assert watch.losses()[:3] == [("connection.lost", "closed")] * 3


async def test_thirty_seconds_of_pings_without_updates_do_not_reset_the_backoff(autojump_clock):
    async def script(peer):
        await peer.send(HANDSHAKE)
        await peer.updates(trio.current_time() + 1.0)
        with trio.move_on_after(38.0):
            await pings(peer)
        await peer.drop()

    given = settings(checks={"silence_reconnect_seconds": 40.0})
    async with watching(Hub(script), given, random=lambda: 1.0) as watch:
        await trio.sleep_until(150.0)
    waits = [b - a - 39.0 for a, b in pairwise(watch.hub.dialled_at)]
    assert waits == pytest.approx([0.5, 1.0, 2.0])


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("an-old-token\n")
    return path


@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_token_is_the_partners_trouble_within_a_second(autojump_clock, token_file, status):
    given = settings(token={"file": str(token_file)})
    hub = Hub(status)
    async with watching(hub, given, random=lambda: 0.999) as watch:
        await trio.sleep_until(1.0)
        assert (watch.game().state, watch.game().tried) == ("unauthorized", True)
        await trio.sleep_until(100.0)
        assert spent(watch.game()) == {"unauthorized": 100.0}
        rejected = len(hub.dialled_at)
        assert rejected < 14  # waits grow: about 0.5, 1, 2, 4, 8, 16, 30, 30 s
        hub.scripts = [healthy]
        token_file.write_text("a-brand-new-token\n")
        await trio.sleep_until(100.5 + POLL_SECONDS)
        assert (watch.game().state, hub.tokens[-1]) == ("fresh", "a-brand-new-token")
        assert counted(watch.game().disconnects) == {"unauthorized": rejected}
        assert (watch.feed.keeper.snapshot().rejections, watch.feed.keeper.snapshot().valid) == (
            rejected,
            True,
        )
    assert watch.events(None) == ["token.valid", "token.rejected", "token.valid"]


async def test_without_a_token_nothing_is_tried_until_one_appears(autojump_clock, tmp_path):
    given = settings(token={"file": str(tmp_path / "token")})
    async with watching(Hub(), given) as watch:
        await trio.sleep_until(50.0)
        seen = watch.game()
        assert (seen.state, seen.tried, seen.connection_attempts) == ("unauthorized", True, 0)
        assert spent(seen) == {"unauthorized": 50.0}
        (tmp_path / "token").write_text("here-it-is")
        await trio.sleep_until(50.5 + POLL_SECONDS)
        assert (watch.game().state, watch.game().connection_attempts) == ("fresh", 1)
    assert watch.events(None) == ["token.missing", "token.valid"]


async def test_a_token_that_vanishes_leaves_an_open_connection_alone(autojump_clock, token_file):
    given = settings(token={"file": str(token_file)})
    async with watching(Hub(good_for(20.0, drop), healthy), given) as watch:
        await trio.sleep_until(5.0)
        token_file.unlink()
        await trio.sleep_until(19.9)
        assert (watch.game().state, watch.feed.keeper.snapshot().valid) == ("fresh", False)
        await trio.sleep_until(30.0)
        assert watch.game().state == "unauthorized"
        assert spent(watch.game()) == pytest.approx({"fresh": 20.0, "unauthorized": 10.0})


async def test_a_hub_that_changes_its_mind_about_a_token_is_found_out_by_trying_again(autojump_clock):
    async with watching(Hub(401, 401, healthy)) as watch:
        await trio.sleep_until(10.1)
        assert spent(watch.game()) == pytest.approx({"unauthorized": 0.5, "fresh": 9.6})
        assert watch.feed.keeper.snapshot().valid


async def test_no_token_shows_in_anything_that_is_found(autojump_clock):
    async def tell_tale(peer):
        await peer.send(record({"error": f"token {TOKEN} of ?access_token={TOKEN} is bad"}))

    async with watching(
        Hub(tell_tale, 401, ConnectionLostError("refused", f"ws://x/?access_token={TOKEN}"))
    ) as watch:
        await trio.sleep_until(2.0)
    assert {reason for _, reason in watch.losses()} >= {"handshake", "unauthorized", "refused"}
    assert TOKEN not in repr([each.finding for each in watch.found])


@pytest.mark.parametrize(
    ("resumed_at", "found", "missed"),
    [
        (1001, {}, 0),
        (1006, {("sequence", "gap"): 1}, 5),
        (1000, {("sequence", "duplicate"): 1}, 0),
        (999, {("sequence", "regression"): 1}, 0),
        (0, {("sequence", "reset"): 1}, 0),
    ],
)
async def test_the_sequence_goes_on_across_a_reconnect(autojump_clock, resumed_at, found, missed):
    async def before(peer):
        await peer.send(HANDSHAKE)
        await peer.update(sequence_id=999)
        await trio.sleep(0.5)
        await peer.update()
        await peer.drop()

    async def after(peer):
        await peer.send(HANDSHAKE)
        await peer.update(sequence_id=resumed_at)
        await peer.updates(100.0)

    async with watching(Hub(before, after)) as watch:
        await trio.sleep_until(10.1)
        seen = watch.game()
    assert (counted(seen.anomalies), seen.sequence_missed) == (found, missed)
    assert seen.connection_attempts == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_a_hub_is_left_alone_for_as_long_as_it_asks(autojump_clock, status):
    hub = Hub(ConnectionLostError("rejected", f"HTTP status {status}", retry_after_seconds=20.0), healthy)
    async with watching(hub, random=lambda: 0.5) as watch:
        await trio.sleep_until(60.0)
        assert watch.game().state == "fresh"
    assert hub.dialled_at == pytest.approx([0.0, 20.375])


async def test_a_hub_that_asks_for_too_long_is_asked_again_after_five_minutes(autojump_clock):
    hub = Hub(ConnectionLostError("rejected", retry_after_seconds=1e9), healthy)
    async with watching(hub):
        await trio.sleep_until(400.0)
    assert hub.dialled_at == pytest.approx([0.0, 300.25])


async def test_a_rotation_waits_as_well(autojump_clock, token_file):
    refused = ConnectionLostError("rejected", "HTTP status 429", retry_after_seconds=60.0)
    hub = Hub(healthy, refused, healthy)
    async with watching(hub, settings(token={"file": str(token_file)})) as watch:
        await trio.sleep_until(5.0)
        token_file.write_text("a-brand-new-token\n")
        await trio.sleep_until(150.0)
        assert spent(watch.game()) == pytest.approx({"fresh": 150.0})
        assert watch.game().rotations["ok"] == 1
    _, first, second = hub.dialled_at
    assert second - first >= 60.0


async def test_the_times_of_the_connection_are_the_feeds(autojump_clock):
    said = []

    async def script(peer):
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        for _ in range(4):
            await peer.heard(type=6)
            peer.records = [each for each in peer.records if each.get("type") != 6]
            said.append(trio.current_time())
        await trio.sleep_forever()

    given = settings(
        keep_alive_seconds=4.0, server_timeout_seconds=20.0, checks={"silence_reconnect_seconds": 100.0}
    )
    async with watching(Hub(script, healthy), given) as watch:
        await trio.sleep_until(30.0)
    assert said == pytest.approx([4.0, 8.0, 12.0, 16.0], abs=0.01)
    assert watch.losses()[0] == ("connection.lost", "keepalive")
