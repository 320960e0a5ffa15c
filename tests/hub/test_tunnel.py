"""The way through an HTTP proxy, against proxies that answer whatever they can."""

import socket
from base64 import b64encode

import pytest
import trio

from tests.support.opened import open_connection
from tests.support.raw_server import (
    RESOURCE,
    Authority,
    Peer,
    Resolver,
    answering,
    black_hole,
    end_of,
    hang_up,
    refusing,
    serving,
)
from tests.support.wire import TEXT, answer, frame
from watchdog.hub import opening
from watchdog.hub.transport import Endpoint
from watchdog.runtime.clock import Clock
from watchdog.runtime.proxies import Proxy

CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def through(port, *, host="hub.example", tls=None, **proxy):
    return Endpoint(host, 8443, RESOURCE, tls, proxy=Proxy("127.0.0.1", port, **proxy))


async def test_the_upgrade_goes_through_the_tunnel_and_the_proxy_looks_the_name_up():
    heads = []

    async def script(peer: Peer):
        heads.append(await peer.request())
        await peer.send(CONNECTED)
        await peer.upgrade(frame(TEXT, b"hello"))
        heads.append(peer.head)
        await peer.until_gone()

    async with serving(script) as port, open_connection(through(port), Clock()) as connection:
        assert (await connection.receive()).text == "hello"
        assert connection.channel.stamped
    connect, upgrade = (head.decode() for head in heads)
    assert connect.startswith("CONNECT hub.example:8443 HTTP/1.1\r\n")
    assert "\r\nhost: hub.example:8443" in connect.lower()
    assert "authorization" not in connect.lower()
    assert RESOURCE not in connect
    assert upgrade.startswith(f"GET {RESOURCE} HTTP/1.1\r\n")


async def test_tls_is_between_us_and_the_hub():
    authority = Authority()

    async def script(peer: Peer):
        await peer.request()
        await peer.send(CONNECTED)
        inner = trio.SSLStream(peer.stream, authority.server("hub.example"), server_side=True)
        hub = Peer(inner)
        await hub.upgrade(frame(TEXT, b"hello"))
        await hub.until_gone()

    endpoint = lambda port: through(port, tls=authority.client())  # noqa: E731
    async with serving(script) as port, open_connection(endpoint(port), Clock()) as connection:
        assert (await connection.receive()).text == "hello"


async def test_the_credentials_of_the_proxys_url_are_the_proxys_alone():
    heads = []

    async def script(peer: Peer):
        heads.append(await peer.request())
        await peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n", CONNECTED)
        await peer.upgrade()
        heads.append(peer.head)
        await peer.until_gone()

    endpoint = lambda port: through(port, user="me", password="hidden", host="::1")  # noqa: E731
    async with serving(script) as port, open_connection(endpoint(port), Clock()):
        pass
    connect, upgrade = heads
    assert connect.startswith(b"CONNECT [::1]:8443 HTTP/1.1\r\n")
    assert b"Basic " + b64encode(b"me:hidden") in connect
    assert b"roxy-" not in upgrade


@pytest.mark.parametrize("status", [301, 401, 403, 404, 407, 502, 504])
async def test_what_the_proxy_refuses_is_no_refusal_of_our_token(status):
    async with serving(answering(answer(status, b"<html>token</html>"))) as port:
        lost, _ = await end_of(through(port))
    assert (lost.reason, lost.detail) == ("refused", f"the proxy refused: HTTP status {status}")


@pytest.mark.parametrize("status", [429, 503])
async def test_a_proxy_may_ask_to_be_left_alone(status):
    async with serving(answering(answer(status, b"", "Retry-After: 40"))) as port:
        lost, _ = await end_of(through(port))
    assert (lost.reason, lost.retry_after_seconds) == ("refused", 40.0)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (hang_up, "closed"),
        (answering(b"HTTP/1.1 200", then="close"), "closed"),
        (answering(b"\x00\x01\xff" * 100), "protocol"),
        (answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), "protocol"),
        (answering(CONNECTED + b"SSH-2.0"), "protocol"),
    ],
)
async def test_what_is_no_answer_is_no_tunnel(script, reason):
    async with serving(script) as port:
        lost, _ = await end_of(through(port))
    assert lost.reason == reason


async def test_a_proxy_that_says_nothing_costs_the_timeout(monkeypatch):
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_SECONDS", 0.2)
    async with serving(black_hole) as port:
        lost, _ = await end_of(through(port))
    assert lost.reason == "timeout"


async def test_a_proxy_that_is_not_there_is_named():
    async with refusing() as port:
        lost, _ = await end_of(through(port))
    assert lost.reason == "refused"
    assert lost.detail.startswith("the proxy: ")
    trio.socket.set_custom_hostname_resolver(Resolver(socket.gaierror(socket.EAI_NONAME, "not known")))
    lost, _ = await end_of(Endpoint("hub.example", 80, RESOURCE, proxy=Proxy("proxy.example", 1)))
    assert lost.reason == "dns"
    assert lost.detail.startswith("the proxy: ")


@pytest.mark.parametrize("host", ["a b", "a\r\nX: y", "\N{GAME DIE}"])
async def test_a_name_that_no_request_can_hold_is_against_the_protocol(host):
    async with serving(black_hole) as port:
        lost, _ = await end_of(through(port, host=host))
    assert lost.reason == "protocol"
