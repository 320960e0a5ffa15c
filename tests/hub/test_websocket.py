"""Connecting to what is not there, and what is shown of it."""

import errno
import socket
import ssl
from contextlib import contextmanager

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from tests.support.raw_server import (
    RESOURCE,
    Peer,
    Resolver,
    at,
    end_of,
    receive_until,
    serving,
)
from tests.support.wire import TEXT, frame
from watchdog.hub import websocket as module
from watchdog.hub.stamped_stream import StampedStream
from watchdog.hub.transport import ConnectionLostError, Endpoint
from watchdog.hub.websocket import LAST_LOOK_SECONDS, SECOND_LOOK_SECONDS, WebSocket, open_connection
from watchdog.runtime.clock import Clock


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
    assert trio.current_time() == pytest.approx(module.CONNECT_TIMEOUT_SECONDS, abs=0.001)


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
    ours, theirs = memory_stream_pair()

    async def dial(_):
        return ours

    with pytest.raises(ConnectionLostError) as lost:
        async with open_connection(at(1), Clock(wall=trio.current_time), dial):
            pytest.fail("opened")
    assert lost.value.reason == "timeout"
    assert trio.current_time() == pytest.approx(module.CONNECT_TIMEOUT_SECONDS, abs=0.01)
    assert (await theirs.receive_some()).startswith(b"GET ")
    assert await theirs.receive_some() == b""


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


async def test_a_connection_is_not_used_before_it_is_open():
    ours, _ = memory_stream_pair()
    connection = WebSocket(StampedStream(ours, Clock()), ours, at(1))
    with pytest.raises(RuntimeError):
        await connection.receive()


async def test_a_stream_that_fails_in_a_way_of_its_own_ends_the_connection_and_nothing_else(autojump_clock):
    class Odd(StampedStream):
        fails = False

        async def receive_some(self, max_bytes=None):
            if self.fails:
                raise OSError(5, "odd")
            return await super().receive_some(max_bytes)

    ours, theirs = memory_stream_pair()
    odd = Odd(ours, Clock(wall=trio.current_time))

    async def dial(_):
        return odd

    async def serve():
        peer = Peer(theirs)
        await peer.upgrade()
        await wait_all_tasks_blocked()
        odd.fails = True
        await peer.send(frame(TEXT, b"the last one"))

    async def receive_all():
        async with open_connection(at(1), Clock(wall=trio.current_time), dial) as connection:
            while await connection.receive():
                pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(ConnectionLostError) as lost:
            await receive_all()
    assert lost.value.reason in ("closed", "protocol")


class Kernel(StampedStream):
    """A stream beneath a connection that is drained only at the last of so many looks."""

    def __init__(self, looks):
        super().__init__(memory_stream_pair()[0], Clock())
        self._looks = looks

    @contextmanager
    def looking(self, look):
        self._looks -= 1
        self.drained = self._looks == 0
        yield


@pytest.mark.parametrize("looks", [1, 4])
async def test_a_deadline_is_looked_past_for_as_long_as_something_is_unread(
    autojump_clock, monkeypatch, looks
):
    connection = WebSocket(Kernel(looks), memory_stream_pair()[0], endpoint=at(1))
    monkeypatch.setattr(connection, "receive", trio.sleep_forever)
    began = trio.current_time()

    assert await receive_until(connection, began + 1.0) is None
    assert (trio.current_time() - began - 1.0) / SECOND_LOOK_SECONDS == pytest.approx(looks)


async def test_a_look_does_not_go_on_for_ever(autojump_clock, monkeypatch):
    connection = WebSocket(Kernel(10**6), memory_stream_pair()[0], endpoint=at(1))
    monkeypatch.setattr(connection, "receive", trio.sleep_forever)
    began = trio.current_time()

    assert await connection.look_again() is None
    assert trio.current_time() - began == pytest.approx(LAST_LOOK_SECONDS, abs=2 * SECOND_LOOK_SECONDS)
