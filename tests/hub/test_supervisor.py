"""One feed's watch: where it connects, what a reload changes of its games, and what it tells them."""

import ssl
from urllib.parse import parse_qsl, urlsplit

import pytest
import trio

from tests.support.fake_hub import TOKEN, TOKEN_VARIABLE, Hub, counted, healthy, settings, spent, watching
from tests.support.jwt import jwt
from tests.support.raw_server import Authority, answering, serving, without_proxies
from tests.support.wire import HANDSHAKE, answer
from watchdog.hub.connector import endpoint_of
from watchdog.hub.negotiation import Negotiated
from watchdog.hub.transport import ConnectionLostError

TLS = ssl.create_default_context()


@pytest.mark.parametrize(
    ("url", "host", "port", "resource", "tls"),
    [
        ("ws://hub.example", "hub.example", 80, "/?access_token=t", None),
        ("wss://hub.example/a/hubs", "hub.example", 443, "/a/hubs?access_token=t", TLS),
        ("ws://hub.example:8080/hubs?x=1", "hub.example", 8080, "/hubs?x=1&access_token=t", None),
        ("wss://[::1]:9443/", "::1", 9443, "/?access_token=t", TLS),
    ],
)
def test_an_endpoint_is_what_the_url_says(url, host, port, resource, tls):
    endpoint = endpoint_of(Negotiated(url, "t"), TLS)
    assert (endpoint.host, endpoint.port, endpoint.resource, endpoint.tls) == (host, port, resource, tls)


def test_the_connections_id_and_a_token_with_special_characters_survive_the_query():
    token, connection_id = "a+b/c=&d e%", "id+/=&"
    query = urlsplit(endpoint_of(Negotiated("ws://h/p?x=1", token, connection_id), TLS).resource).query
    assert parse_qsl(query) == [("x", "1"), ("id", connection_id), ("access_token", token)]


def test_an_endpoint_does_not_show_its_token():
    assert "t0ken" not in repr(endpoint_of(Negotiated("ws://h/p", "t0ken"), TLS))


async def test_each_game_has_a_connection_and_a_subscription_of_its_own(autojump_clock):
    async with watching(Hub(), settings((1, 3, 7))) as watch:
        await trio.sleep_until(5.1)
        assert sorted(peer.subscriptions for peer in watch.hub.peers) == [[1], [3], [7]]
        assert [monitor.game_type for monitor in watch.feed.monitors] == [1, 3, 7]
        assert {watch.game(game_type).state for game_type in (1, 3, 7)} == {"fresh"}


async def test_an_outage_of_one_game_leaves_the_others_untouched(autojump_clock):
    async def only_the_third_fails(peer):
        await peer.send(HANDSHAKE)
        game_type = await peer.subscribed()
        if game_type == 3:
            await peer.drop()
        await peer.updates(100.0, game_type=game_type)

    async with watching(Hub(only_the_third_fails), settings((1, 3))) as watch:
        await trio.sleep_until(20.1)
        assert spent(watch.game(1)) == {"fresh": 20.1}
        assert (counted(watch.game(1).disconnects), watch.game(1).connection_attempts) == ({}, 1)
        assert watch.game(3).connection_attempts > 10


async def test_before_it_runs_its_games_are_there_to_be_read(autojump_clock):
    async with watching(Hub(), settings((1, 3))) as watch:
        for game_type in (1, 3):
            seen = watch.game(game_type)
            assert (seen.state, seen.tried, seen.connection_attempts) == ("unobserved", False, 0)
            assert (seen.state_seconds["unobserved"], seen.last_message_at) == (0.0, None)


async def test_a_token_of_another_partner_is_warned_of_and_tried_all_the_same(autojump_clock, tmp_path):
    (tmp_path / "token").write_text(jwt(PartnerClientId=8))
    async with watching(Hub(), settings(token={"file": str(tmp_path / "token")})) as watch:
        await trio.sleep_until(1.1)
        assert watch.game().state == "fresh"
    assert watch.events(None) == ["token.other_partner", "token.valid"]


# --- reload


def reloaded(watch, given):
    watch.feed.reload(given.feeds[0], given.reconnect)


async def test_a_reload_without_changes_is_noticed_by_nobody(autojump_clock):
    async with watching(Hub(), settings((1, 3))) as watch:
        await trio.sleep_until(10.1)
        before = watch.game(3)
        reloaded(watch, settings((1, 3)))
        assert watch.game(3) == before
        await trio.sleep_until(20.1)
        seen = watch.game(3)
        assert (spent(seen), seen.connection_attempts, seen.messages) == ({"fresh": 20.1}, 1, 40)
        assert counted(seen.anomalies) == {}
        assert watch.hub.dialled_at == [0.0, 0.0]


async def test_an_added_game_starts_and_takes_its_place_in_the_order(autojump_clock):
    async with watching(Hub(), settings((1, 7))) as watch:
        await trio.sleep_until(10.1)
        reloaded(watch, settings((1, 3, 7)))
        assert [monitor.game_type for monitor in watch.feed.monitors] == [1, 3, 7]
        assert watch.game(3).state == "unobserved"
        await trio.sleep_until(20.1)
        assert watch.game(3).messages == 19
        assert spent(watch.game(3)) == {"fresh": 10.0}
        assert spent(watch.game(1)) == {"fresh": 20.1}
        assert watch.hub.dialled_at == pytest.approx([0.0, 0.0, 10.1])


async def test_a_removed_game_is_closed_properly_and_gone(autojump_clock):
    async with watching(Hub(), settings((1, 3))) as watch:
        await trio.sleep_until(10.1)
        reloaded(watch, settings((1,)))
        assert [monitor.game_type for monitor in watch.feed.monitors] == [1]
        await trio.sleep_until(10.2)
        (closed,) = [peer for peer in watch.hub.peers if peer.ended.is_set()]
        assert (closed.subscriptions, closed.close_code) == ([3], 1000)
        assert watch.losses(3) == [("connection.lost", "shutdown")]
        await trio.sleep_until(60.1)
        assert watch.hub.dialled_at == [0.0, 0.0]
        assert spent(watch.game(1)) == {"fresh": 60.1}


@pytest.mark.parametrize(
    "changed",
    [{"name": "Poker"}, {"checks": {"timer_frozen_seconds": 5.0}}, {"checks": {"sequence": "increasing"}}],
)
async def test_a_game_that_is_configured_anew_starts_anew(autojump_clock, changed):
    async with watching(Hub(), settings((1, 3))) as watch:
        await trio.sleep_until(10.1)
        reloaded(watch, settings((1, {"type": 3} | changed)))
        await trio.sleep_until(20.1)
        seen = watch.game(3)
        assert (seen.connection_attempts, spent(seen)) == (1, {"fresh": 10.0})
        assert watch.hub.dialled_at == pytest.approx([0.0, 0.0, 10.1])
        assert (watch.game(1).connection_attempts, spent(watch.game(1))) == (1, {"fresh": 20.1})


async def test_other_bounds_of_the_backoff_reach_the_games_that_stay(autojump_clock):
    async with watching(Hub(ConnectionLostError("refused"))) as watch:
        await trio.sleep_until(1.1)
        reloaded(watch, settings(reconnect={"initial_seconds": 5.0}))
        await trio.sleep_until(12.0)
        assert watch.hub.dialled_at == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 6.25, 11.25])


async def test_other_bounds_of_the_backoff_reach_the_renewal_of_the_token(autojump_clock):
    token = {"url": "http://auth.example/token", "secret_env": TOKEN_VARIABLE + "_UNSET"}
    async with watching(Hub(), settings(token=token)) as watch:
        await trio.sleep_until(3.5)
        assert watch.feed.keeper.snapshot().refreshes["failed"] == 4
        reloaded(watch, settings(token=token, reconnect={"initial_seconds": 5.0}))
        await trio.sleep_until(13.5)
        # One pause was under way.
        assert watch.feed.keeper.snapshot().refreshes["failed"] == 6


async def test_a_feed_is_another_when_anything_but_its_games_changes(autojump_clock):
    async with watching(Hub(), settings((1,))) as watch:
        await trio.sleep_until(0.1)
        same = [settings((1, 3)), settings((3,)), settings((1,), checks={"tolerance_seconds": 0.5})]
        other = [
            settings((1,), url="ws://elsewhere.example/hubs"),
            settings((1,), partner_client_id=8),
            settings((1,), token={"env": TOKEN_VARIABLE + "_2"}),
            settings((1,), negotiate=True),
        ]
        assert [watch.feed.is_same_feed(given.feeds[0]) for given in same] == [True] * 3
        assert [watch.feed.is_same_feed(given.feeds[0]) for given in other] == [False] * 4


# --- negotiation, stalls


async def test_negotiation_decides_where_and_with_what_to_connect(autojump_clock, monkeypatch):
    asked = []

    async def negotiate(client, url, token):
        await trio.lowlevel.checkpoint()
        asked.append((url, token))
        return Negotiated("ws://other.example:81/hub?a=b", "another-token", "id 1")

    monkeypatch.setattr("watchdog.hub.connector.negotiate", negotiate)
    hub, endpoints = Hub(), []
    dial = hub.dial

    async def noting(endpoint):
        endpoints.append(endpoint)
        return await dial(endpoint)

    hub.dial = noting
    async with watching(hub, settings(negotiate=True)) as watch:
        await trio.sleep_until(1.1)
        assert watch.game().state == "fresh"
    assert asked == [("ws://hub.example/hubs", TOKEN)]
    (endpoint,) = endpoints
    assert (endpoint.host, endpoint.port) == ("other.example", 81)
    assert endpoint.resource == "/hub?a=b&id=id%201&access_token=another-token"


async def test_a_failed_negotiation_is_a_failed_attempt(autojump_clock, monkeypatch):
    async def negotiate(client, url, token):
        await trio.lowlevel.checkpoint()
        raise ConnectionLostError("unauthorized", "negotiate: HTTP status 401")

    monkeypatch.setattr("watchdog.hub.connector.negotiate", negotiate)
    async with watching(Hub(), settings(negotiate=True)) as watch:
        await trio.sleep_until(1.1)
        assert (watch.game().state, watch.hub.dialled_at) == ("unauthorized", [])
        assert watch.losses()[0] == ("connection.failed", "unauthorized")


async def test_a_stall_of_our_own_is_booked_to_us_in_every_game(autojump_clock):
    async with watching(Hub(healthy), settings((1, 3))) as watch:
        await trio.sleep_until(10.3)
        watch.feed.stalled(10.1, 10.3)
        await trio.sleep_until(20.1)
        for game_type in (1, 3):
            assert spent(watch.game(game_type)) == pytest.approx({"fresh": 19.9, "unobserved": 0.2})


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_authority_that_a_feed_names_is_trusted_by_its_token_endpoint_too(
    trusted, tmp_path, monkeypatch
):
    without_proxies(monkeypatch)
    monkeypatch.setenv("BETCORE_TEST_SECRET", "secret of the tests")
    authority = Authority()
    named = authority if trusted else Authority()
    named.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with serving(answering(answer(200, b'{"token": "t.o.k"}')), authority.server()) as port:
        source = {"url": f"https://127.0.0.1:{port}/", "secret_env": "BETCORE_TEST_SECRET"}
        async with watching(Hub(), settings(token=source, ca_file=str(tmp_path / "ca.pem"))) as watch:
            with trio.fail_after(10.0):
                await watch.feed.keeper.changed.wait()
            assert watch.feed.keeper.token == ("t.o.k" if trusted else None)
    if not trusted:
        assert watch.found[0].finding.detail == {"error": "tls: unable to get local issuer certificate"}
