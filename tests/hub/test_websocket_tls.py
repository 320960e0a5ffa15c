"""TLS that can't be trusted, is none, or breaks."""

import pytest
import trio

from tests.support.opened import open_connection
from tests.support.raw_server import (
    Authority,
    Peer,
    Resolver,
    answering,
    at,
    end_of,
    reason_from,
    saying,
    serving,
)
from tests.support.wire import CLOSE, TEXT, close_frame, frame
from watchdog.runtime.clock import Clock


@pytest.fixture(scope="module")
def authority():
    return Authority()


async def test_tls_with_a_private_authority_works_and_the_kernel_stamps(authority):
    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"hello"))
        assert (await peer.frame())[0] == CLOSE
        await peer.send(close_frame(1000))

    async with (
        serving(script, authority.server()) as port,
        open_connection(at(port, authority.client()), Clock()) as connection,
    ):
        message = await connection.receive()
        assert message.text == "hello"
        assert connection.channel.stamped


async def test_garbage_after_the_tls_handshake_is_against_the_protocol(authority):
    script = answering(b"\x00\x01\x02\xff" * 100)
    assert await reason_from(script, tls=authority.server(), client_tls=authority.client()) == "protocol"


async def test_a_broken_tls_record_after_the_upgrade_ends_the_connection(authority):
    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"hello"))
        await peer.stream.transport_stream.send_all(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        await peer.until_gone()

    async with serving(script, authority.server()) as port:
        lost, messages = await end_of(at(port, authority.client()))
    assert messages == ["hello"]
    assert (lost.reason, lost.detail) == ("tls", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC")


async def test_a_tls_server_behind_ws_is_no_connection(authority):
    async with serving(saying(), authority.server()) as port:
        lost, _ = await end_of(at(port))
    assert lost.reason in ("closed", "protocol")


async def test_a_host_name_that_tls_cannot_say_is_no_crash(authority):
    trio.socket.set_custom_hostname_resolver(Resolver())
    async with serving(saying(), authority.server()) as port:
        lost, _ = await end_of(at(port, authority.client(), host="hub..example"))
    assert lost.reason in ("dns", "tls")
