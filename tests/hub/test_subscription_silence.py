"""A silent game: a second connection is opened beside the first, and whichever delivers is listened to."""

from itertools import pairwise

import pytest
import trio
from msgspec.structs import replace

from tests.support.fake_hub import (
    LOOK,
    TOKEN,
    Hub,
    Peer,
    Watching,
    counted,
    game,
    healthy,
    settings,
    spent,
    update,
    watching,
)
from tests.support.hub_scripts import drop, fall_silent, good_for, pings, rest
from tests.support.wire import HANDSHAKE, frame, record
from watchdog.hub.connection import CLOSE_TIMEOUT_SECONDS, close
from watchdog.hub.transport import ConnectionLostError
from watchdog.tokens.polled import POLL_SECONDS

TRIED = 15.0 + LOOK
"""When a second connection is opened beside one that delivered for five seconds."""

RENEWED = "the-next-token-of-the-tests"


async def mute(peer: Peer) -> None:
    """Subscribed to, and then nothing but pings."""
    await peer.send(HANDSHAKE)
    await pings(peer)


def silent_until(seconds: float, then=healthy):
    """Updates for five seconds, and again from some time on, over the same connection."""

    async def script(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.updates(5.0)
        with trio.move_on_at(seconds):
            await pings(peer)
        await then(peer)

    return script


async def goes_on(peer: Peer) -> None:
    await peer.update()
    await peer.updates(1000.0)


def open_peers(hub: Hub) -> list[Peer]:
    return [peer for peer in hub.peers if not peer.ended.is_set()]


def changes(watch: Watching) -> list[str]:
    return [state for _, state in watch.states()]


async def test_silence_shows_after_750_ms_and_a_second_connection_after_10_s_ends_it_with_its_first_update(
    autojump_clock,
):
    async with watching(Hub(fall_silent, healthy)) as watch:
        await trio.sleep_until(30.1)
        seen = watch.game()
        assert open_peers(watch.hub) == watch.hub.peers[1:]
    silent, back = 5.75, TRIED + 0.5
    assert watch.states()[:4] == [
        (0.0, "disconnected"),
        (0.0, "fresh"),
        (silent + LOOK, "silent"),
        (back, "fresh"),
    ]
    assert spent(seen) == pytest.approx({"fresh": silent + 30.1 - back, "silent": back - silent})
    assert watch.hub.dialled_at == pytest.approx([0.0, TRIED])
    assert watch.losses()[0] == ("connection.lost", "silence")
    assert (seen.connection_attempts, counted(seen.disconnects)) == (2, {"silence": 1})
    assert (counted(seen.anomalies), counted(seen.rotations)) == ({}, {})
    assert sum(seen.intervals.counts) == seen.messages - 2


@pytest.mark.parametrize("script", [mute, good_for(0.0, rest)])
async def test_six_minutes_of_silence_are_the_provider_s_but_for_the_time_until_the_first_update_was_due(
    autojump_clock, script
):
    async with watching(Hub(script), random=lambda: 1.0) as watch:
        most = 0
        while trio.current_time() < 360.0:
            await trio.sleep(0.25)
            most = max(most, len(open_peers(watch.hub)))
        seen = watch.game()
        assert spent(seen) == {"fresh": 0.75, "silent": 359.25}
    assert changes(watch)[:3] == ["disconnected", "fresh", "silent"]
    pauses = [later - sooner for sooner, later in pairwise(watch.hub.dialled_at)]
    assert pauses == pytest.approx([10.0] * 35, abs=2 * LOOK)
    assert (most, seen.connection_attempts) == (2, 36)
    assert set(counted(seen.disconnects)) <= {"silence", "keepalive"}
    # Two are open, and each of the others has ended for a reason.
    assert sum(seen.disconnects.values()) == 34


async def test_a_silent_connection_that_delivers_again_is_kept_and_the_second_one_dropped(autojump_clock):
    async with watching(Hub(silent_until(18.0, goes_on), mute)) as watch:
        await trio.sleep_until(60.1)
        seen = watch.game()
        assert open_peers(watch.hub) == watch.hub.peers[:1]
    assert spent(seen) == pytest.approx({"fresh": 5.75 + 60.1 - 18.0, "silent": 18.0 - 5.75})
    assert watch.hub.dialled_at == pytest.approx([0.0, TRIED])
    assert counted(seen.disconnects) == {"silence": 1}
    assert counted(seen.anomalies) == {}


async def test_a_second_connection_that_is_dropped_before_it_is_open_has_failed_for_the_silence(
    autojump_clock,
):
    async def unanswered(peer: Peer) -> None:
        await peer.ended.wait()

    async with watching(Hub(silent_until(18.0, goes_on), unanswered)) as watch:
        await trio.sleep_until(60.1)
        assert watch.losses() == [("connection.failed", "silence")]
        assert len(open_peers(watch.hub)) == 1


@pytest.mark.parametrize(
    ("resumed_at", "found", "missed"),
    [
        (1001, {}, 0),
        (1026, {("sequence", "gap"): 1}, 25),
        (1000, {("sequence", "duplicate"): 1}, 0),
        (999, {("sequence", "regression"): 1}, 0),
        (0, {("sequence", "reset"): 1}, 0),
    ],
)
async def test_the_first_update_of_the_second_connection_ends_the_silence_and_is_judged_by_the_last_one(
    autojump_clock, resumed_at, found, missed
):
    async def before(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.update(sequence_id=1000)
        await pings(peer)

    async def after(peer: Peer) -> None:
        await mute_for(peer, 3.0)
        await peer.update(sequence_id=resumed_at)
        await peer.updates(100.0)

    async with watching(Hub(before, after)) as watch:
        await trio.sleep_until(20.1)
        seen = watch.game()
    assert (counted(seen.anomalies), seen.sequence_missed) == (found, missed)
    assert spent(seen)["silent"] == pytest.approx(13.0 + LOOK - 0.75)
    assert (seen.connection_attempts, seen.overlap_messages) == (2, 0)


async def mute_for(peer: Peer, seconds: float) -> None:
    with trio.move_on_after(seconds):
        await mute(peer)


async def test_what_both_connections_deliver_at_the_end_of_a_silence_is_judged_once(autojump_clock):
    def resumes(silent_at: int):
        async def script(peer: Peer) -> None:
            await peer.send(HANDSHAKE)
            for number in [*range(1, silent_at), *range(40, 80)]:
                await trio.sleep_until(number * 0.5)
                await peer.update(sequence_id=number if number < 40 else number - 40 + 11)

        return script

    async with watching(Hub(resumes(11), resumes(1))) as watch:
        await trio.sleep_until(30.1)
        seen = watch.game()
    assert counted(seen.anomalies) == {}
    assert seen.sequence_id == 31
    assert spent(seen) == pytest.approx({"fresh": 5.75 + 30.1 - 20.0, "silent": 20.0 - 5.75})


@pytest.mark.parametrize("reason", ["refused", "dns", "timeout", "tls"])
async def test_a_second_connection_that_fails_is_tried_again_every_10_s_while_the_game_stays_silent(
    autojump_clock, reason
):
    async with watching(Hub(silent_until(400.0), ConnectionLostError(reason)), random=lambda: 1.0) as watch:
        await trio.sleep_until(360.0)
        seen = watch.game()
    assert spent(seen) == {"fresh": 5.75, "silent": 354.25}
    assert watch.hub.dialled_at[1:] == pytest.approx([TRIED + 10.0 * n for n in range(35)], abs=40 * LOOK)
    assert counted(seen.disconnects) == {reason: 35}
    assert set(watch.losses()[:-1]) == {("connection.failed", reason)}


async def test_a_refused_token_leaves_a_silent_game_silent_and_another_token_is_tried_at_once(
    autojump_clock, tmp_path
):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    hub = Hub(silent_until(900.0), 401, 401, healthy)
    async with watching(hub, settings(token={"file": str(path)})) as watch:
        await trio.sleep_until(30.1)
        assert spent(watch.game()) == pytest.approx({"fresh": 5.75, "silent": 30.1 - 5.75})
        assert not watch.feed.keeper.snapshot().valid
        path.write_text(RENEWED)
        await trio.sleep_until(31.0 + POLL_SECONDS)
        seen = watch.game()
    assert hub.tokens == [TOKEN, TOKEN, TOKEN, RENEWED]
    assert seen.state == "fresh"
    assert counted(seen.disconnects) == {"unauthorized": 2, "silence": 1}


async def test_without_a_token_a_silent_game_waits_for_one(autojump_clock, tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    async with watching(Hub(silent_until(900.0), healthy), settings(token={"file": str(path)})) as watch:
        await trio.sleep_until(3.1)
        path.unlink()
        await trio.sleep_until(60.1)
        assert (watch.game().state, len(watch.hub.dialled_at)) == ("silent", 1)
        path.write_text(RENEWED)
        await trio.sleep_until(61.0 + POLL_SECONDS)
        assert (watch.game().state, watch.hub.tokens) == ("fresh", [TOKEN, RENEWED])


async def test_a_hub_that_asks_not_to_be_called_again_is_left_alone_for_the_longest_pause(autojump_clock):
    async def go_away(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.send(record({"type": 7, "allowReconnect": False}))

    async with watching(Hub(silent_until(900.0), go_away)) as watch:
        await trio.sleep_until(80.0)
        assert watch.game().state == "silent"
    assert watch.hub.dialled_at == pytest.approx([0.0, TRIED, TRIED + 30.0, TRIED + 60.0], abs=4 * LOOK)


async def test_a_silent_connection_that_dies_leaves_the_game_to_the_one_beside_it_and_silent(autojump_clock):
    async with watching(Hub(silent_until(18.0, drop), mute, healthy)) as watch:
        await trio.sleep_until(24.0)
        seen = watch.game()
        assert (seen.state, seen.connected) == ("silent", True)
        assert counted(seen.disconnects) == {"closed": 1}
        await trio.sleep_until(40.1)
        seen = watch.game()
    assert watch.hub.dialled_at == pytest.approx([0.0, TRIED, TRIED + 10.0], abs=4 * LOOK)
    assert spent(seen) == pytest.approx(
        {"fresh": 5.75 + 40.1 - TRIED - 10.5, "silent": TRIED + 10.5 - 5.75}, abs=4 * LOOK
    )
    assert counted(seen.disconnects) == {"closed": 1, "silence": 1}


async def test_a_silent_connection_that_dies_while_the_next_is_not_open_leaves_the_game_disconnected(
    autojump_clock,
):
    async def unanswered(peer: Peer) -> None:
        await peer.ended.wait()

    async with watching(Hub(silent_until(18.0, drop), unanswered, healthy)) as watch:
        await trio.sleep_until(30.1)
        seen = watch.game()
        assert open_peers(watch.hub) == watch.hub.peers[2:]
    assert spent(seen) == pytest.approx(
        {"fresh": 5.75 + 30.1 - 18.25, "silent": 18.0 - 5.75, "disconnected": 0.25}
    )


async def test_a_game_in_maintenance_stays_there_while_its_silent_connection_is_replaced(autojump_clock):
    async def maintained(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.updates(5.0, im=True)
        await pings(peer)

    async with watching(Hub(maintained, healthy)) as watch:
        await trio.sleep_until(30.1)
        seen = watch.game()
    assert changes(watch)[:4] == ["disconnected", "fresh", "maintenance", "fresh"]
    assert spent(seen) == pytest.approx({"fresh": 0.5 + 30.1 - TRIED - 0.5, "maintenance": TRIED})


async def test_a_silent_game_that_is_taken_off_or_shut_down_closes_both_connections(autojump_clock):
    given = settings((3, 4))
    async with watching(Hub(mute), given) as watch:
        await trio.sleep_until(12.0)
        assert len(open_peers(watch.hub)) == 4
        feed = replace(given.feeds[0], games=given.feeds[0].games[1:])
        watch.feed.reload(feed, given.reconnect)
        await trio.sleep_until(12.1)
        assert {peer.subscriptions[0] for peer in open_peers(watch.hub)} == {4}
        assert watch.losses(3) == [("connection.lost", "shutdown")]
        watch.feed.scope.cancel()
        await trio.sleep_until(12.2)
        assert open_peers(watch.hub) == []
    assert [peer.close_code for peer in watch.hub.peers] == [1000] * 4
    assert watch.losses(4) == [("connection.lost", "shutdown")]


async def test_a_token_renewed_in_a_silence_replaces_the_second_connection_at_once(autojump_clock, tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    hub = Hub(silent_until(900.0), mute, healthy)
    async with watching(hub, settings(token={"file": str(path)})) as watch:
        await trio.sleep_until(16.1)
        path.write_text(RENEWED)
        await trio.sleep_until(17.0 + POLL_SECONDS)
        seen = watch.game()
        assert (seen.state, hub.tokens) == ("fresh", [TOKEN, TOKEN, RENEWED])
        assert open_peers(hub) == hub.peers[2:]
        await trio.sleep_until(60.0)
        assert len(hub.tokens) == 3
    # The one with the old token gave way, and the silent one to the one that delivers.
    assert (counted(seen.disconnects), counted(seen.rotations)) == ({"silence": 2}, {})


async def test_a_silent_connection_that_delivers_again_is_still_switched_from_to_a_renewed_token(
    autojump_clock, tmp_path
):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    late = 0.25

    async def again(peer: Peer) -> None:
        while True:
            await peer.update()
            await trio.sleep(0.5)

    async def follows(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await trio.sleep_until(19.0 + late)
        while True:
            await peer.send(update(peer.hub.sequence_ids[3]))
            await trio.sleep(0.5)

    hub = Hub(silent_until(18.0, again), follows)
    async with watching(hub, settings(token={"file": str(path)})) as watch:
        await trio.sleep_until(14.9 - POLL_SECONDS)
        path.write_text(RENEWED)
        await trio.sleep_until(18.9)
        assert (watch.game().state, len(open_peers(hub))) == ("fresh", 2)
        await trio.sleep_until(19.5)
        seen = watch.game()
    assert (counted(seen.rotations), counted(seen.disconnects)) == ({"ok": 1}, {})
    assert hub.tokens == [TOKEN, RENEWED]


async def test_a_second_connection_that_delivers_only_what_is_invalid_is_counted_and_does_not_take_over(
    autojump_clock,
):
    async def another_game(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        for number in range(1, 4):
            await trio.sleep(1.0)
            await peer.send(update(number, wgi=[game(4)]))
            await peer.send("{\x1e")
        await pings(peer)

    async with watching(Hub(silent_until(900.0), another_game, healthy)) as watch:
        await trio.sleep_until(24.0)
        seen = watch.game()
        assert (seen.state, counted(seen.disconnects)) == ("silent", {})
        assert counted(seen.invalid_messages) == {"game_type": 3, "json": 3}
        await trio.sleep_until(40.1)
        assert watch.game().state == "fresh"


async def test_a_connection_of_another_game_alone_is_silent_and_gets_a_second_one(autojump_clock):
    async def another_game(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        while True:
            await trio.sleep(0.5)
            await peer.send(update(1, wgi=[game(4)]))

    async with watching(Hub(another_game, healthy)) as watch:
        await trio.sleep_until(20.1)
        assert watch.game().state == "fresh"
    assert watch.hub.dialled_at == pytest.approx([0.0, 10.0 + LOOK])


@pytest.mark.parametrize("fault", [frame(1, b"\xff"), " " * (16 * 1024 * 1024 + 1)])
async def test_a_second_connection_that_ends_by_what_it_says_is_tried_again_and_that_counts(
    autojump_clock, fault
):
    async def breaks(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.send(fault)

    async with watching(Hub(silent_until(900.0), breaks, healthy)) as watch:
        await trio.sleep_until(24.0)
        seen = watch.game()
        assert seen.state == "silent"
        assert sum(seen.invalid_messages.values()) == 1
        assert counted(seen.disconnects) == counted(seen.invalid_messages)
        await trio.sleep_until(26.0)
        assert watch.game().state == "fresh"


async def test_a_game_has_two_connections_at_most_however_slowly_they_are_closed(autojump_clock, monkeypatch):
    opened = most = 0

    class Counting(Hub):
        async def dial(self, endpoint):
            nonlocal opened, most
            opened += 1
            most = max(most, opened)
            return await super().dial(endpoint)

    async def counted_close(*of):
        nonlocal opened
        await close(*of)
        opened -= 1

    async def deaf(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        peer.reading.cancel()
        await trio.sleep_forever()

    monkeypatch.setattr("watchdog.hub.connection.close", counted_close)
    given = settings(checks={"silence_reconnect_seconds": 0.8})
    async with watching(Counting(deaf), given) as watch:
        await trio.sleep_until(25.0)
        seen = watch.game()
        assert spent(seen) == {"fresh": 0.75, "silent": 24.25}
        # Each waits until the one before is closed, which takes a second as the hub does not play along.
        assert most == 2
        assert 10 < len(watch.hub.dialled_at) < 25.0 / (0.8 + CLOSE_TIMEOUT_SECONDS) + 3
