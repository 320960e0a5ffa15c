"""A renewed token: a second connection takes over while the first goes on, and nobody notices."""

import math

import pytest
import trio
from msgspec.structs import replace

from tests.support.fake_hub import BASE, TOKEN, Hub, Peer, counted, settings, spent, update, watching
from tests.support.jwt import jwt
from tests.support.token_keeper import FakeClient, ok
from tests.support.wire import BINARY, HANDSHAKE, TEXT, frame
from watchdog.config.schema import Config
from watchdog.core.handover import OVERLAP_SECONDS
from watchdog.hub.subscription import TAKE_OVER_SECONDS
from watchdog.hub.transport import ConnectionLostError

RENEWED = "the-next-token-of-the-tests"


@pytest.fixture
def given(tmp_path, monkeypatch) -> Config:
    """One game with a token in a file that is looked at more often than in life."""
    monkeypatch.setattr("watchdog.tokens.polled.POLL_SECONDS", 0.25)
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return settings(token={"file": str(path)})


def renew(given: Config, token: str = RENEWED) -> None:
    path = given.feeds[0].token.file
    assert path is not None
    path.write_text(token)


def id_at(seconds: float) -> int:
    """The `sId` of a hub whose every connection carries the same updates, one each 500 ms."""
    return int(seconds / 0.5)


def broadcast(lag_seconds: float = 0.0, *, until: float = math.inf, offset: int = 0):
    """A script: what the hub publishes, so much later than others get it."""

    async def script(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        game_type = await peer.subscribed()
        number = id_at(max(trio.current_time() - lag_seconds, 0.0)) + 1
        while number * 0.5 <= until:
            await trio.sleep_until(number * 0.5 + lag_seconds)
            await peer.update(game_type, sequence_id=number + offset)
            number += 1

    return script


def open_peers(hub: Hub) -> list[Peer]:
    return [peer for peer in hub.peers if not peer.ended.is_set()]


@pytest.mark.parametrize("lag", [0.0, 0.05, 0.2, 0.45, 0.499, 0.7])
@pytest.mark.parametrize("first_lag", [0.0, 0.1, 0.24])
async def test_a_game_goes_over_to_a_new_token_without_a_gap_and_stays_fresh(
    lag, first_lag, autojump_clock, given
):
    hub = Hub(broadcast(first_lag), broadcast(lag))
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(30.3)
        seen = watch.game()
        assert [state for _, state in watch.states()] == ["disconnected", "fresh"]
        assert hub.tokens == [TOKEN, RENEWED]
        assert open_peers(hub) == hub.peers[1:]
    assert spent(seen) == {"fresh": 30.3}
    assert (counted(seen.anomalies), counted(seen.disconnects), counted(seen.invalid_messages)) == (
        {},
        {},
        {},
    )
    assert seen.sequence_id == id_at(30.3 - lag)
    assert seen.messages == seen.sequence_id
    assert (seen.connection_attempts, seen.rotations) == (2, {"ok": 1, "failed": 0})
    assert watch.events().count("connection.rotated") == 1


async def test_what_both_connections_carry_is_counted_apart(autojump_clock, given):
    hub = Hub(broadcast(), broadcast(0.2))
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
    assert seen.overlap_messages >= 1
    assert seen.messages == seen.sequence_id


async def test_the_new_connection_is_owed_an_update_from_its_own_last_one(autojump_clock, given):
    # It carries each id 0.45 s later: between the last of the old one and the first new id lie 0.95 s.
    hub = Hub(broadcast(), broadcast(0.45, until=12.0))
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(13.9)
        seen = watch.game()
        assert watch.states()[-1] == (pytest.approx(12.45 + 0.75, abs=0.01), "silent")
    assert counted(seen.anomalies) == {}


async def test_a_token_renewed_while_a_game_connects_with_the_old_one_is_gone_over_to(autojump_clock, given):
    async def slow(peer: Peer) -> None:
        await trio.sleep(3.0)
        await broadcast()(peer)

    hub = Hub(slow, broadcast())
    async with watching(hub, given):
        await trio.sleep_until(1.1)
        renew(given)
        await trio.sleep_until(20.0)
        assert hub.tokens == [TOKEN, RENEWED]
        assert open_peers(hub) == [hub.peers[1]]


async def test_a_game_that_is_taken_off_amid_its_rotation_holds_up_no_other(autojump_clock, given):
    feed = replace(given.feeds[0], games=settings((3, 4)).feeds[0].games)
    hub = Hub(broadcast(), broadcast(), mute, broadcast())
    async with watching(hub, replace(given, feeds=(feed,))) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(12.0)
        assert hub.tokens == [TOKEN, TOKEN, RENEWED]
        watch.feed.reload(replace(feed, games=feed.games[1:]), given.reconnect)
        await trio.sleep_until(60.0)
        assert hub.tokens == [TOKEN, TOKEN, RENEWED, RENEWED]
        assert hub.dialled_at[3] < 12.0 + given.reconnect.max_seconds
        assert "connection.rotation_failed" not in watch.events()


async def test_a_standby_given_up_with_the_active_one_does_not_take_over_any_more(autojump_clock, given):
    async def absent(peer: Peer) -> None:
        await trio.sleep_forever()

    hub = Hub(broadcast(), absent, broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(12.2)
        active, standby = hub.peers
        # All of it waits in the kernel when it is read: the end of one, and what the other has to say.
        active.stream.socket.shutdown(trio.socket.SHUT_RDWR)
        said = frame(TEXT, HANDSHAKE.encode()) + frame(TEXT, update(id_at(12.0) + 1).encode())
        standby.stream.socket._sock.send(said)
        (watched,) = watch.feed._games.values()
        watched.subscription._pair.judge(trio.current_time())
        await trio.sleep_until(20.0)
        assert hub.tokens == [TOKEN, RENEWED, RENEWED]
        assert "connection.rotated" not in watch.events()
        assert "connection.lost" in watch.events()


async def test_games_go_over_one_after_another(autojump_clock, given):
    hub = Hub(broadcast())
    games = [1, 3, 7, 9]
    async with watching(hub, settings(games, token={"file": str(given.feeds[0].token.file)})) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        most = 0
        while len(hub.peers) < 2 * len(games):
            await trio.sleep(0.01)
            most = max(most, len(open_peers(hub)))
        await trio.sleep(2.0)
        assert most == len(games) + 1
        assert len(open_peers(hub)) == len(games)
        assert {peer.subscriptions[0] for peer in open_peers(hub)} == set(games)
        for game_type in games:
            seen = watch.game(game_type)
            assert set(spent(seen)) == {"fresh"}
            assert seen.rotations["ok"] == 1


async def test_a_token_that_the_hub_refuses_leaves_the_old_connection_alone(autojump_clock, given):
    hub = Hub(broadcast(), 401, broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(70.1)
        seen = watch.game()
        assert spent(seen) == {"fresh": 70.1}
        assert (seen.rotations, counted(seen.disconnects)) == ({"ok": 0, "failed": 1}, {"unauthorized": 1})
        assert not watch.feed.keeper.snapshot().valid
        assert ("connection.rotation_failed", "unauthorized") in watch.losses()

        renew(given, "a-third-token")
        await trio.sleep_until(80.1)
        seen = watch.game()
    assert spent(seen) == {"fresh": 80.1}
    assert hub.tokens == [TOKEN, RENEWED, "a-third-token"]
    assert seen.rotations == {"ok": 1, "failed": 1}


async def test_a_game_goes_over_to_the_token_that_the_endpoint_gives_after_a_refused_one(
    autojump_clock, monkeypatch
):
    monkeypatch.setenv("BETCORE_TEST_SECRET", "secret of the tests")
    client = FakeClient(ok({"token": "first", "expires_in": 20}), ok({"token": "bad"}), ok({"token": "good"}))
    source = {"url": "https://auth.example/token", "secret_env": "BETCORE_TEST_SECRET"}
    hub = Hub(broadcast(), 401, broadcast())
    async with watching(hub, settings(token=source), client=client) as watch:
        await trio.sleep_until(30.1)
        assert hub.tokens == ["first", "bad", "good"]
        assert spent(watch.game()) == {"fresh": 30.1}
        assert watch.feed.keeper.snapshot().valid


@pytest.mark.parametrize("reason", ["refused", "dns", "timeout"])
async def test_a_new_connection_that_can_t_be_had_is_tried_again(reason, autojump_clock, given):
    hub = Hub(broadcast(), ConnectionLostError(reason), ConnectionLostError(reason), broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
    assert spent(seen) == {"fresh": 20.1}
    assert seen.rotations == {"ok": 1, "failed": 2}
    assert counted(seen.disconnects) == {reason: 2}
    assert seen.connection_attempts == 4


async def mute(peer: Peer) -> None:
    await peer.send(HANDSHAKE)
    await peer.subscribed()


async def test_a_new_connection_that_does_not_deliver_is_given_up(autojump_clock, given):
    hub = Hub(broadcast(), mute, broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(10.0 + TAKE_OVER_SECONDS + 5.0)
        seen = watch.game()
        assert len(open_peers(hub)) == 1
    assert set(spent(seen)) == {"fresh"}
    assert (seen.rotations, counted(seen.disconnects)) == ({"ok": 1, "failed": 1}, {"timeout": 1})


async def test_a_hub_that_hangs_up_the_old_connection_for_the_new_one_costs_no_time(autojump_clock, given):
    old = []

    async def first(peer: Peer) -> None:
        old.append(peer)
        with trio.CancelScope():
            await broadcast()(peer)

    async def second(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        await old[0].drop()
        number = id_at(trio.current_time()) + 1
        while True:
            await trio.sleep_until(number * 0.5)
            await peer.update(sequence_id=number)
            number += 1

    hub = Hub(first, second)
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
    assert spent(seen) == {"fresh": 20.1}
    assert (counted(seen.anomalies), counted(seen.disconnects)) == ({}, {"closed": 1})
    assert seen.messages == seen.sequence_id == 40
    assert seen.connection_attempts == 2


async def test_a_connection_lost_while_the_new_one_is_not_ready_is_reopened_with_the_new_token(
    autojump_clock,
    given,
):
    async def dies(peer: Peer) -> None:
        await broadcast(until=11.0)(peer)
        await peer.drop()

    async def never_answers(peer: Peer) -> None:
        await peer.subscribed()

    hub = Hub(dies, never_answers, broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.6)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
        assert open_peers(hub) == hub.peers[2:]
    assert hub.tokens == [TOKEN, RENEWED, RENEWED]
    assert spent(seen)["fresh"] == pytest.approx(20.1 - 0.25, abs=0.01)
    assert counted(seen.disconnects) == {"closed": 1}


async def test_a_new_connection_that_counts_from_zero_is_a_reset(autojump_clock, given):
    hub = Hub(broadcast(), broadcast(offset=-200))
    async with watching(hub, given) as watch:
        await trio.sleep_until(150.1)
        renew(given)
        await trio.sleep_until(160.1)
        seen = watch.game()
    assert counted(seen.anomalies) == {("sequence", "reset"): 1}
    assert spent(seen) == {"fresh": 160.1}


async def test_updates_that_a_new_connection_has_lost_are_a_gap(autojump_clock, given):
    hub = Hub(broadcast(), broadcast(0.1, offset=7))
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
    assert (counted(seen.anomalies), seen.sequence_missed) == ({("sequence", "gap"): 1}, 6)


async def test_an_id_that_stands_still_is_noticed_soon_after_the_overlap(autojump_clock, given):
    async def stuck(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        while True:
            await trio.sleep(0.5)
            await peer.update(sequence_id=20)

    hub = Hub(broadcast(), stuck)
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(10.0 + OVERLAP_SECONDS + 6.0)
        seen = watch.game()
    assert seen.anomalies["sequence", "duplicate"] > 0
    assert (seen.state, seen.frozen_because) == ("frozen", ("sequence.frozen",))


async def test_what_is_wrong_goes_on_being_wrong_on_the_new_connection(autojump_clock, given):
    async def frozen(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        number = id_at(trio.current_time()) + 1
        while True:
            await trio.sleep_until(number * 0.5)
            await peer.update(sequence_id=number, tst="2025-06-19T15:57:00Z")
            number += 1

    hub = Hub(frozen, frozen)
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
        assert [state for _, state in watch.states()] == ["disconnected", "fresh", "frozen"]
    assert seen.rotations["ok"] == 1
    assert counted(seen.anomalies) == {("timestamp", "frozen"): 1}


async def test_a_hub_whose_new_connection_breaks_off_leaves_the_old_one_alone(autojump_clock, given):
    async def breaks(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        await peer.send("no JSON\x1e")
        await peer.send(frame(BINARY, b"\x00"))
        await peer.drop()

    hub = Hub(broadcast(), breaks, broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
    assert spent(seen) == {"fresh": 20.1}
    assert counted(seen.invalid_messages) == {}
    assert seen.rotations == {"ok": 1, "failed": 1}


async def test_a_hub_that_dies_with_the_old_connection_and_the_new_one_is_reconnected_to(
    autojump_clock, given
):
    async def dies(peer: Peer) -> None:
        await broadcast(until=10.3)(peer)
        await trio.sleep_until(10.35)
        # Both in the same instant, the one that has not taken over first.
        for each in reversed(hub.peers):
            await each.drop()

    async def subscribed_only(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        await peer.ended.wait()

    hub = Hub(dies, subscribed_only, broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(20.1)
        seen = watch.game()
        assert seen.connected
    assert seen.rotations == {"ok": 0, "failed": 1}
    assert sum(counted(seen.disconnects).values()) == 2


async def test_a_new_connection_that_is_lost_with_its_first_update_is_reopened(autojump_clock, given):
    async def says_one_thing(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.subscribed()
        await peer.update(sequence_id=id_at(trio.current_time()))
        await peer.send('{"type":7}\x1e')

    hub = Hub(broadcast(), says_one_thing, broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(60.1)
        seen = watch.game()
        assert seen.connected
    assert seen.rotations == {"ok": 1, "failed": 0}
    assert counted(seen.disconnects) == {"server_close": 1}


async def test_a_token_of_the_future_is_gone_over_to_when_it_is_valid(autojump_clock, given):
    hub = Hub(broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given, jwt(nbf=BASE + 40.0))
        await trio.sleep_until(39.9)
        assert hub.tokens == [TOKEN]
        await trio.sleep_until(42.1)
        assert len(hub.tokens) == 2
        assert spent(watch.game()) == {"fresh": 42.1}


async def test_an_expired_token_is_not_gone_over_to(autojump_clock, given):
    hub = Hub(broadcast())
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given, jwt(exp=BASE))
        await trio.sleep_until(60.1)
        assert hub.tokens == [TOKEN]
        assert spent(watch.game()) == {"fresh": 60.1}


async def test_being_cancelled_while_one_takes_over_closes_both(autojump_clock, given):
    hub = Hub(broadcast(), mute)
    async with watching(hub, given) as watch:
        await trio.sleep_until(10.1)
        renew(given)
        await trio.sleep_until(12.1)
        assert len(open_peers(hub)) == 2
        watch.feed.scope.cancel()
        for peer in hub.peers:
            await peer.ended.wait()
    assert counted(watch.game().disconnects) == {"shutdown": 1}
    assert [peer.close_code for peer in hub.peers] == [1000, 1000]


async def test_a_failure_long_after_an_earlier_one_is_a_first_one_again_though_connections_changed(
    autojump_clock,
    given,
):
    async def dies(peer: Peer) -> None:
        await broadcast(until=62.0)(peer)
        await peer.drop()

    failures = [ConnectionLostError("refused")] * 4
    hub = Hub(*failures, broadcast(), dies, broadcast())
    async with watching(hub, given, random=lambda: 1.0) as watch:
        await trio.sleep_until(60.1)
        renew(given)
        await trio.sleep_until(62.6)
        assert watch.losses()[-1] == ("connection.lost", "closed")
        await trio.sleep_until(62.6 + 0.5)
        assert watch.game().connected
