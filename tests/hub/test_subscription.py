"""One game's supervised life on a scripted hub in virtual time: health, lateness, keep-alive."""

from itertools import repeat

import pytest
import trio

from tests.support.fake_hub import LOOK, TOKEN, Hub, counted, healthy, settings, spent, watching
from tests.support.hub_scripts import drop, fall_silent, good_for, rest
from tests.support.wire import HANDSHAKE


async def test_a_healthy_game_is_fresh_from_the_first_instant_and_connects_once(autojump_clock):
    async with watching(Hub()) as watch:
        await trio.sleep_until(600.1)
        seen = watch.game()
    assert spent(seen) == {"fresh": 600.1}
    assert (seen.connected, seen.tried, seen.messages, seen.sequence_id) == (True, True, 1200, 1200)
    assert (seen.connection_attempts, counted(seen.disconnects)) == (1, {})
    assert (counted(seen.anomalies), counted(seen.invalid_messages)) == ({}, {})
    assert watch.states()[:2] == [(0.0, "disconnected"), (0.0, "fresh")]
    assert watch.losses() == [("connection.lost", "shutdown")]
    assert watch.events(None) == ["token.valid"]


async def test_it_subscribes_once_as_documented_with_its_token(autojump_clock):
    async with watching(Hub()) as watch:
        await trio.sleep_until(5.1)
    (peer,) = watch.hub.peers
    assert watch.hub.tokens == [TOKEN]
    assert peer.records == [
        {"protocol": "json", "version": 1},
        {
            "type": 1,
            "target": "Subscribe",
            "arguments": ["SubOnWholeGamesInfo", '{"GameType":3,"PartnerClientId":7,"Count":1}'],
        },
    ]


@pytest.mark.parametrize(("random", "pings"), [(0.0, 3), (0.999, 4)])
async def test_it_pings_the_hub_every_fifteen_seconds_or_up_to_one_sooner_as_drawn(
    autojump_clock, random, pings
):
    async with watching(Hub(), random=lambda: random) as watch:
        await trio.sleep_until(57.0)
    assert watch.hub.peers[0].records[2:] == [{"type": 6}] * pings


async def test_being_cancelled_closes_the_socket_with_a_close_frame_and_reports_a_shutdown(autojump_clock):
    async with watching(Hub()) as watch:
        await trio.sleep_until(5.1)
        watch.feed.scope.cancel()
        await watch.hub.peers[0].ended.wait()
        assert trio.current_time() == pytest.approx(5.1)
        assert watch.hub.peers[0].close_code == 1000
        await trio.sleep_until(5.2)
        seen = watch.game()
    assert (watch.losses(), seen.connected) == ([("connection.lost", "shutdown")], False)
    assert counted(seen.disconnects) == {"shutdown": 1}


async def test_a_hub_that_does_not_answer_the_close_frame_delays_the_end_by_a_second(autojump_clock):
    async def deaf(peer):
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        peer.reading.cancel()
        await peer.updates(100.0)

    async with watching(Hub(deaf)) as watch:
        await trio.sleep_until(50.1)
        watch.feed.scope.cancel()
        await trio.sleep_until(51.0)
        assert watch.losses() == []
        await trio.sleep_until(51.2)
        assert watch.losses() == [("connection.lost", "shutdown")]


async def test_an_update_after_750_ms_exactly_is_on_time(autojump_clock):
    async def script(peer):
        await peer.send(HANDSHAKE)
        while True:
            await trio.sleep(0.75)
            await peer.update()

    async with watching(Hub(script)) as watch:
        await trio.sleep_until(60.1)
        assert spent(watch.game()) == {"fresh": 60.1}


async def test_a_late_update_ends_the_silence_without_a_reconnect(autojump_clock):
    async def script(peer):
        await peer.send(HANDSHAKE)
        await trio.sleep(9.0)
        await peer.updates(100.0)

    async with watching(Hub(script)) as watch:
        await trio.sleep_until(20.1)
        seen = watch.game()
    assert spent(seen) == pytest.approx({"fresh": 0.75 + 20.1 - 9.5, "silent": 9.5 - 0.75})
    assert watch.hub.dialled_at == [0.0]


async def test_the_first_wait_lies_between_the_initial_one_and_twice_that(autojump_clock):
    for random, wait in ((0.0, 0.25), (0.999, 0.49975)):
        start = trio.current_time()
        async with watching(
            Hub(good_for(start + 2.0, drop), healthy), random=repeat(random).__next__
        ) as watch:
            await trio.sleep_until(start + 10.1)
        assert watch.hub.dialled_at == pytest.approx([start, start + 2.0 + wait])


async def test_no_record_for_30_s_ends_a_connection_whose_silence_may_last_longer(autojump_clock):
    given = settings(checks={"silence_reconnect_seconds": 300.0})
    async with watching(Hub(good_for(5.0, rest), healthy), given) as watch:
        await trio.sleep_until(60.1)
        seen = watch.game()
    assert watch.hub.dialled_at == pytest.approx([0.0, 35.25 + LOOK])
    assert watch.losses()[0] == ("connection.lost", "keepalive")
    assert spent(seen) == pytest.approx(
        {"fresh": 5.75 + 60.1 - 35.251, "silent": 35.001 - 5.75, "disconnected": 0.25}
    )


async def test_pings_alone_keep_a_connection_whose_silence_may_last_longer(autojump_clock):
    given = settings(checks={"silence_reconnect_seconds": 300.0})
    async with watching(Hub(fall_silent), given) as watch:
        await trio.sleep_until(290.0)
        assert watch.hub.dialled_at == [0.0]
        await trio.sleep_until(306.0)
        assert watch.hub.dialled_at == [0.0, 305.0 + LOOK]
