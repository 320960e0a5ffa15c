"""Connecting to what is not there, and what is shown of it."""

import errno
import socket
import ssl

import pytest
import trio

from tests.support.raw_server import RESOURCE, Resolver, at, end_of, serving
from watchdog.hub.opening import CONNECT_TIMEOUT_SECONDS, open_channel
from watchdog.hub.transport import ConnectionLostError, Endpoint
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls


async def test_a_name_that_does_not_resolve_is_a_matter_of_dns():
    trio.socket.set_custom_hostname_resolver(Resolver(socket.gaierror(socket.EAI_NONAME, "not known")))
    lost, _ = await end_of(at(80, host="hub.example"))
    assert lost.reason == "dns"
    assert "not known" in lost.detail


@pytest.mark.parametrize(
    "host", ["a" * 64 + ".example", "", "hub..example", "nul\0byte", ".example", "[::1", "\ud800"]
)
async def test_a_name_that_is_none_is_a_matter_of_dns(host):
    trio.socket.set_custom_hostname_resolver(Resolver(socket.gaierror(socket.EAI_NONAME, "not known")))
    lost, _ = await end_of(at(80, host=host))
    assert lost.reason == "dns"


async def test_a_resolver_that_never_answers_is_a_timeout(autojump_clock):
    class Slow(Resolver):
        async def getaddrinfo(self, *_, **__):
            await trio.sleep_forever()

    trio.socket.set_custom_hostname_resolver(Slow())
    lost, _ = await end_of(at(80, host="hub.example"))
    assert lost.reason == "timeout"
    assert trio.current_time() == pytest.approx(CONNECT_TIMEOUT_SECONDS, abs=0.001)


async def test_a_name_is_resolved_and_sent_as_the_host_but_not_the_address():
    trio.socket.set_custom_hostname_resolver(Resolver())
    heads = []

    async def script(peer):
        heads.append(await peer.request())

    async with serving(script) as port:
        await end_of(at(port, host="hub.example"))
    assert f"\r\nHost: hub.example:{port}\r\n".encode().lower() in heads[0].lower()
    assert heads[0].startswith(f"GET {RESOURCE} HTTP/1.1\r\n".encode())
    assert b"user-agent: betcore-watchdog/" in heads[0].lower()


@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.EHOSTUNREACH])
async def test_only_a_network_that_gave_up_waiting_is_a_timeout(number, monkeypatch):
    async def fail(*_, **__):
        raise OSError("all attempts failed") from ExceptionGroup("attempts", [OSError(number, "words")] * 2)

    monkeypatch.setattr(trio, "open_tcp_stream", fail)
    lost, _ = await end_of(at(80))
    assert lost.reason == ("timeout" if number == errno.ETIMEDOUT else "refused")
    assert lost.detail.count("words") == 1


async def test_a_black_hole_costs_the_timeout_and_no_more(autojump_clock):
    ours, theirs = trio.socket.socketpair()
    clock = Clock(wall=trio.current_time)

    async def dial(_):
        return trio.SocketStream(ours)

    with theirs:
        with pytest.raises(ConnectionLostError) as lost:
            await open_channel(at(1), clock, Stalls(clock), dial)
        assert lost.value.reason == "timeout"
        assert trio.current_time() == pytest.approx(CONNECT_TIMEOUT_SECONDS, abs=0.01)
        assert (await theirs.recv(65_536)).startswith(b"GET ")
        assert await theirs.recv(65_536) == b""


def test_neither_endpoint_nor_loss_shows_the_token():
    endpoint = at(443, ssl.create_default_context(), "hub.example")
    assert repr(endpoint) == str(endpoint) == "Endpoint(hub.example:443)"
    assert str(ConnectionLostError("closed")) == "closed"
    assert str(ConnectionLostError("closed", "code 1000")) == "closed: code 1000"


@pytest.mark.parametrize(
    ("host", "port", "tls", "authority"),
    [
        ("hub.example", 80, False, "hub.example"),
        ("hub.example", 443, False, "hub.example:443"),
        ("hub.example", 443, True, "hub.example"),
        ("hub.example", 80, True, "hub.example:80"),
        ("::1", 8080, False, "[::1]:8080"),
        ("::1", 80, False, "[::1]"),
    ],
)
def test_the_authority_names_the_port_unless_it_is_the_schemes_own(host, port, tls, authority):
    assert Endpoint(host, port, "/", ssl.create_default_context() if tls else None).authority == authority
