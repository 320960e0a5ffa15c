"""The WebSocket upgrade against servers that answer whatever they can."""

import pytest

from tests.support.raw_server import (
    TOKEN,
    Peer,
    answering,
    at,
    end_of,
    reason_from,
    serving,
)
from tests.support.wire import answer


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\xff" * 100,
        b"220 mail.example ESMTP\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"<html></html>\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nbad name: \x00\r\n\r\n",
        b"\r\n" * 1000 + b"\x00",
    ],
)
async def test_garbage_instead_of_http_is_against_the_protocol(garbage):
    assert await reason_from(answering(garbage)) == "protocol"


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 101 Switching Protocols\r\nX: ", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 "]
)
async def test_a_header_without_an_end_is_cut_off(start):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(start)
        await peer.flood(b"x" * 65_536)

    assert await reason_from(script) == "protocol"


@pytest.mark.parametrize("line", [b"X: y\r\n", b"\r\n", b"\n"])
@pytest.mark.parametrize("start", [b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\n", b""])
async def test_lines_without_an_end_are_cut_off(start, line):
    async def script(peer: Peer):
        await peer.request()
        await peer.flood((start or line) + line * 1000)

    assert await reason_from(script) == "protocol"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 %d No\r\n\r\n",
        b"HTTP/1.1 %d No\r\nContent-Length: 1000000000000\r\n\r\n",
        b"HTTP/1.1 %d No\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n",
    ],
)
@pytest.mark.parametrize(("status", "reason"), [(401, "unauthorized"), (503, "rejected")])
async def test_a_rejection_whose_body_never_ends_is_still_a_rejection(head, status, reason):
    sent = 0

    async def script(peer: Peer):
        nonlocal sent
        await peer.request()
        await peer.send(head % status)
        while True:
            await peer.send(b"x" * 65_536)
            sent += 65_536

    assert await reason_from(script) == reason
    assert sent < 16_000_000  # what the sockets' buffers hold, and a quarter of a megabyte


@pytest.mark.parametrize("then", ["close", "reset", "wait"])
@pytest.mark.parametrize(("status", "reason"), [(403, "unauthorized"), (500, "rejected")])
async def test_a_rejection_whose_body_breaks_off_is_still_a_rejection(status, reason, then):
    head = b"HTTP/1.1 %d No\r\nContent-Length: 100\r\n\r\nten bytes." % status
    assert await reason_from(answering(head, then=then)) == reason


async def test_the_detail_of_a_rejection_is_its_status_and_nothing_of_its_words():
    location = f"Location: wss://elsewhere.example/hubs?access_token={TOKEN}"
    async with serving(answering(answer(307, b"<html>no</html>", location))) as port:
        lost, _ = await end_of(at(port))
    assert (lost.reason, lost.detail) == ("rejected", "HTTP status 307")


@pytest.mark.parametrize("status", [99, 600, 999, 1000])
async def test_a_status_that_does_not_exist_is_no_connection(status):
    assert await reason_from(answering(answer(status))) in ("rejected", "protocol")
