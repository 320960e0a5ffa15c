"""How a subscription begins and ends: handshakes, closes, drops and failed attempts."""

import math
import time
from typing import Any

import pytest
import trio

from tests.support.fake_hub import LOOK, PING, Hub, counted, healthy, spent, watching
from tests.support.hub_scripts import drop, good_for, saying, then_saying
from tests.support.wire import HANDSHAKE, SEPARATOR, record
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.monitor import Monitor
from watchdog.hub.attempt import FLOOD_SECONDS
from watchdog.hub.pair import Pair
from watchdog.hub.reader import Reader
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

CLOSE_RECONNECT = record({"type": 7, "error": "restart", "allowReconnect": True})
CLOSE = record({"type": 7})


@pytest.mark.parametrize(
    "answer",
    [
        '{"error":"Requested protocol \'json\' is not available."}' + SEPARATOR,
    ],
)
async def test_a_refused_or_garbled_handshake_is_a_failed_attempt(autojump_clock, answer):
    async with watching(Hub(saying(answer), healthy)) as watch:
        await trio.sleep_until(10.1)
        seen = watch.game()
    assert watch.losses()[0] == ("connection.failed", "handshake")
    assert spent(seen) == pytest.approx({"disconnected": 0.25, "fresh": 10.1 - 0.25})
    assert counted(seen.invalid_messages) == {}


async def test_a_handshake_that_is_never_answered_fails_after_15_s(autojump_clock):
    async with watching(Hub(saying(), healthy)) as watch:
        await trio.sleep_until(30.1)
        seen = watch.game()
    assert watch.losses()[0] == ("connection.failed", "handshake")
    assert watch.hub.dialled_at == pytest.approx([0.0, 15.25 + LOOK])
    assert spent(seen) == pytest.approx({"disconnected": 15.251, "fresh": 30.1 - 15.251})


async def test_an_upgrade_that_is_never_answered_fails_after_10_s(autojump_clock):
    class BlackHole(Hub):
        async def _serve(self, peer, script):
            async with peer.stream:
                await peer.until_gone()

    hub = BlackHole()
    async with watching(hub) as watch:
        await trio.sleep_until(10.1)
        assert watch.losses() == [("connection.failed", "timeout")]
        await trio.sleep_until(10.3)
    assert hub.dialled_at == pytest.approx([0.0, 10.25])


@pytest.mark.parametrize(
    "first", [(PING,), (HANDSHAKE + PING,), (HANDSHAKE, PING), (PING + PING,), ("{", "}" + SEPARATOR)]
)
async def test_a_hub_may_answer_the_handshake_in_each_known_way(autojump_clock, first):
    async with watching(Hub(saying(*first))) as watch:
        await trio.sleep_until(0.1)
        assert (watch.game().state, watch.game().connected) == ("fresh", True)
        assert watch.hub.peers[0].subscriptions == [3]


async def test_a_close_that_allows_reconnecting_is_followed_soon(autojump_clock):
    async with watching(Hub(then_saying(CLOSE_RECONNECT), healthy)) as watch:
        await trio.sleep_until(10.1)
    assert watch.losses()[0] == ("connection.lost", "server_close")
    assert watch.hub.dialled_at == pytest.approx([0.0, 0.35])


@pytest.mark.parametrize("close", [CLOSE, record({"type": 7, "error": "no", "allowReconnect": False})])
async def test_a_close_without_allowing_it_means_the_longest_wait_but_never_the_end(autojump_clock, close):
    async with watching(Hub(then_saying(close), then_saying(close), healthy)) as watch:
        await trio.sleep_until(70.0)
        seen = watch.game()
    assert watch.losses()[:2] == [("connection.lost", "server_close")] * 2
    assert watch.hub.dialled_at == pytest.approx([0.0, 30.1, 60.2])
    assert (seen.state, counted(seen.disconnects)) == ("fresh", {"server_close": 2})


async def test_a_connection_that_ends_without_a_word_is_lost_at_once(autojump_clock):
    async with watching(Hub(good_for(2.0, drop), healthy)) as watch:
        await trio.sleep_until(5.1)
        seen = watch.game()
    assert watch.states()[2:4] == [(2.0, "disconnected"), (2.25, "fresh")]
    assert (watch.losses()[0], seen.connection_attempts) == (("connection.lost", "closed"), 2)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (ConnectionLostError("dns", "no such host"), "dns"),
        (ConnectionLostError("refused"), "refused"),
        (302, "rejected"),
        (404, "rejected"),
        (503, "rejected"),
    ],
)
async def test_an_attempt_that_fails_has_its_reason_counted_and_is_repeated(autojump_clock, script, reason):
    async with watching(Hub(script, script, healthy)) as watch:
        await trio.sleep_until(5.1)
        seen = watch.game()
    assert watch.losses()[:2] == [("connection.failed", reason)] * 2
    assert spent(seen) == pytest.approx({"disconnected": 0.5, "fresh": 4.6})
    assert counted(seen.disconnects) == {reason: 2}


async def test_a_close_whose_words_take_megabytes_holds_nobody_up(autojump_clock):
    close = record({"type": 7, "error": "://" * 1_000_000, "allowReconnect": True})
    async with watching(Hub(then_saying(close), healthy)) as watch:
        begun = time.process_time()
        await trio.sleep_until(5.1)
        assert time.process_time() - begun < 1.0
    (lost,) = (each.finding for each in watch.found if each.finding.detail.get("reason") == "server_close")
    assert lost.detail["error"] == "://" * 66 + ":…"


async def test_a_flood_of_tiny_frames_does_not_hold_the_loop_until_it_is_judged():
    clock = Clock()

    class Flooded:
        drained, stamped, due, reads = False, True, math.inf, 0

        def receive(self):
            self.reads += 1
            time.sleep(0.6 * FLOOD_SECONDS)
            return []

    unused: Any = None
    pair = Pair(
        Monitor("feed", 3, "game", CheckSettings(), clock.now()),
        CheckSettings(),
        keeper=unused,
        reader=Reader(clock, Stalls(clock)),
        backoff=unused,
        report=unused,
        serve=unused,
    )
    flooded: Any = Flooded()
    attempt = pair.begin("token")
    attempt.connection = flooded

    pair.judge(clock.now())

    assert flooded.reads == 2
    assert clock.now() < pair.due <= clock.now() + FLOOD_SECONDS
