"""The whole watch in one process: what readers read, what is logged, and how it is served."""

from pathlib import Path

import httpx
import pytest
import structlog
import trio

from tests.support.fake_hub import TOKEN, TOKEN_VARIABLE, Hub, counted, settings, wall
from tests.support.whole_watch import named, running, the, wall_at
from watchdog import app
from watchdog.app import Watchdog
from watchdog.config import load as config
from watchdog.hub.reader import BEAT_SECONDS
from watchdog.hub.transport import ConnectionLostError
from watchdog.readers.web.server import ListenError
from watchdog.runtime.clock import Clock


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)


@pytest.fixture
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


async def test_a_snapshot_is_one_instant_of_all_games_in_the_order_of_the_configuration(autojump_clock):
    async with running(Hub(), settings((7, 1, 3))) as watchdog:
        await trio.sleep_until(10.1)
        seen = watchdog.snapshot()
    assert [game.game_type for game in seen.games] == [7, 1, 3]
    assert [sum(game.state_seconds.values()) for game in seen.games] == pytest.approx([10.1] * 3)
    assert seen.taken_at == pytest.approx(wall_at(10.1))
    assert [token.feed for token in seen.tokens] == ["betcore"]
    assert (seen.loop_stall_seconds, seen.reload_successful) == (0.0, True)
    assert seen.reload_success_at == wall_at(0.0)


async def test_it_is_ready_once_every_subscription_has_been_tried_even_in_vain(autojump_clock, monkeypatch):
    watchdog = Watchdog(settings((1, 3)), clock=Clock(wall))
    assert not watchdog.snapshot().ready
    async with running(Hub(ConnectionLostError("refused")), settings((1, 3))) as watchdog:
        await trio.sleep_until(0.1)
        assert watchdog.snapshot().ready
    monkeypatch.delenv(TOKEN_VARIABLE)
    async with running(Hub(), settings((1, 3))) as watchdog:
        await trio.sleep(0.1)
        assert watchdog.snapshot().ready
        assert {game.state for game in watchdog.snapshot().games} == {"unauthorized"}


async def test_a_stall_of_the_loop_is_counted_logged_and_blamed_on_nobody(autojump_clock, logged):
    async with running(Hub(), settings((1, 3))) as watchdog:
        await trio.sleep_until(10.01)
        autojump_clock.jump(2.0)
        await trio.sleep(5.0)
        seen = watchdog.snapshot()
    assert seen.loop_stall_seconds == pytest.approx(2.0, abs=BEAT_SECONDS)
    for game in seen.games:
        assert game.state_seconds["unobserved"] == pytest.approx(2.0, abs=BEAT_SECONDS)
        assert game.state_seconds["silent"] == 0.0
        assert game.state == "fresh"
    assert [entry["log_level"] for entry in named(logged, "watchdog.stalled")] == ["warning"]


async def test_a_hub_that_delays_the_end_is_no_stall_of_ours(autojump_clock, logged):
    async def deaf(peer):
        await peer.send("{}\x1e")
        peer.reading.cancel()
        await peer.updates(100.0)

    hub = Hub(deaf)
    watchdog = Watchdog(settings(), clock=Clock(wall), dial=hub.dial)
    async with trio.open_nursery() as hub.nursery:
        async with trio.open_nursery() as nursery:
            await nursery.start(watchdog.run)
            await trio.sleep_until(50.1)
            nursery.cancel_scope.cancel()
        assert trio.current_time() == pytest.approx(51.1)
        hub.nursery.cancel_scope.cancel()
    assert [line["reason"] for line in named(logged, "connection.lost")] == ["shutdown"]
    assert (named(logged, "watchdog.stalled"), watchdog.snapshot().loop_stall_seconds) == ([], 0.0)


async def test_a_line_about_a_game_names_feed_type_and_game(autojump_clock, logged):
    async def script(peer):
        await peer.send("{}\x1e")
        await peer.update(sequence_id=5)
        await peer.update(sequence_id=9)
        await peer.updates(100.0)

    async with running(Hub(script), settings(({"type": 3, "name": "Poker"},))):
        await trio.sleep_until(5.1)
    labels = {"feed": "betcore", "game_type": "3", "game": "Poker"}
    (gap,) = named(logged, "sequence.gap")
    assert gap == labels | {
        "event": "sequence.gap",
        "log_level": "warning",
        "expected": 6,
        "got": 9,
        "missed": 3,
    }
    first, second = named(logged, "feed.state_changed")[:2]
    assert first == labels | {
        "event": "feed.state_changed",
        "log_level": "info",
        "old": "unobserved",
        "new": "disconnected",
        "lasted_seconds": 0.0,
    }
    assert (second["old"], second["new"], second["log_level"]) == ("disconnected", "fresh", "info")
    assert named(logged, "token.valid")[0]["feed"] == "betcore"


async def test_no_line_is_written_for_an_update(autojump_clock, logged):
    async with running(Hub()):
        await trio.sleep_until(60.1)
        # The time before the first connection is an incident, which is known to be over after ten seconds.
        assert sorted(line["event"] for line in logged) == [
            "feed.state_changed",
            "feed.state_changed",
            "incident.began",
            "incident.ended",
            "token.valid",
        ]


async def test_lines_that_come_too_often_are_held_back_and_counted(autojump_clock, logged):
    async def script(peer):
        await peer.send("{}\x1e")
        for number in range(1, 101):  # a gap of one with each update
            await trio.sleep_until(number * 0.5)
            await peer.update(sequence_id=2 * number)
        await peer.updates(100.0)

    async with running(Hub(script)) as watchdog:
        await trio.sleep_until(60.1)
        assert counted(the(watchdog).anomalies) == {("sequence", "gap"): 99}
    lines = named(logged, "sequence.gap")
    assert 5 <= len(lines) <= 11
    assert sum(line.get("suppressed", 0) for line in lines) + len(lines) == pytest.approx(99, abs=20)
    assert [line.get("suppressed") for line in lines[:5]] == [None] * 5
    assert len(named(logged, "feed.state_changed")) >= 2


async def test_one_game_s_many_lines_do_not_hold_back_another_s(autojump_clock, logged):
    async def script(peer):
        await peer.send("{}\x1e")
        game_type = await peer.subscribed()
        for number in range(1, 101):
            await trio.sleep_until(number * 0.5)
            jump = number * 2 if game_type == 3 or number > 50 else number
            await peer.update(game_type=game_type, sequence_id=jump)

    async with running(Hub(script), settings((1, 3))):
        await trio.sleep_until(30.1)
    assert [line["game_type"] for line in named(logged, "sequence.gap")].count("1") == 5


async def test_a_mistake_of_ours_ends_the_watch_with_its_own_error(autojump_clock, monkeypatch):
    def wrong(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("watchdog.hub.connection.UpdateDecoder.decode", wrong)
    with pytest.raises(ExceptionGroup) as caught:
        async with running(Hub()):
            await trio.sleep_until(5.1)
    assert caught.group_contains(ZeroDivisionError)


def served(listen="127.0.0.1:0", **web):
    return config.parse(
        {
            "web": {"listen": listen} | web,
            "feeds": [
                {
                    "name": "betcore",
                    "url": "ws://127.0.0.1:9/hubs",
                    "partner_client_id": 7,
                    "token": {"env": TOKEN_VARIABLE},
                    "games": [{"type": 3}],
                }
            ],
        },
        Path("watchdog.toml"),
    )


async def test_the_whole_run_serves_what_it_watches(logged):
    addresses = []
    async with trio.open_nursery() as nursery:

        def started(address):
            addresses.append(address)
            opened.set()

        opened = trio.Event()
        nursery.start_soon(lambda: app.run(served(), started=started))
        with trio.fail_after(10):
            await opened.wait()
            async with httpx.AsyncClient(trust_env=False) as client:
                metrics = await client.get(f"{addresses[0]}/metrics")
                health = await client.get(f"{addresses[0]}/healthz")
        nursery.cancel_scope.cancel()
    assert 'betcore_feed_connected{feed="betcore",game="3",game_type="3"} 0' in metrics.text.replace(
        "0.0", "0"
    )
    assert health.status_code == 200
    assert [line["address"] for line in named(logged, "watchdog.started")] == addresses
    assert len(named(logged, "watchdog.stopping")) == 1


async def test_an_address_that_is_taken_is_refused_with_one_line(logged):
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        port = listener.socket.getsockname()[1]
        with pytest.raises(ListenError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: .+$"):
            await app.run(served(f"127.0.0.1:{port}"))
    assert named(logged, "watchdog.started") == []
