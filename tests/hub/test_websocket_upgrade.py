"""The WebSocket upgrade against servers that answer whatever they can."""

import pytest
from msgspec.structs import replace

from tests.support.opened import open_connection
from tests.support.raw_server import (
    TOKEN,
    Peer,
    answering,
    at,
    end_of,
    reason_from,
    serving,
)
from tests.support.wire import TEXT, accept_key, answer, frame
from watchdog.hub import opening
from watchdog.runtime.clock import Clock


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


# --- whose refusal it is, and when to come again


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (["Content-Type: text/html"], b"<title>Just a moment...</title>", "rejected"),
        ([], b"<!DOCTYPE html><h1>Request blocked</h1>", "rejected"),
        (["Content-Type: text/html"], b"<p>The token has expired.</p>", "unauthorized"),
        (["Content-Type: text/html", "WWW-Authenticate: Bearer"], b"<p>No.</p>", "unauthorized"),
        (["Content-Type: application/json"], b'{"page": "<html>"}', "unauthorized"),
        ([], b"", "unauthorized"),
    ],
)
async def test_a_403_with_a_page_that_has_no_word_of_the_token_is_a_firewalls(headers, body, reason):
    async with serving(answering(answer(403, body, *headers))) as port:
        lost, _ = await end_of(at(port))
    assert lost.reason == reason
    assert lost.detail.startswith("HTTP status 403")


@pytest.mark.parametrize("then", ["close", "reset", "wait"])
async def test_a_page_that_does_not_come_whole_is_judged_by_its_beginning(then, monkeypatch):
    monkeypatch.setattr(opening, "PAGE_SECONDS", 0.2)
    head = b"HTTP/1.1 403 No\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n<p>No entry"
    assert await reason_from(answering(head, then=then)) == "rejected"


async def test_a_page_without_an_end_is_not_read_to_its_end():
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 403 No\r\nContent-Type: text/html\r\n\r\n")
        await peer.flood(b"no entry " * 1000)

    assert await reason_from(script) == "rejected"


NOW, SOON = "Date: Sun, 22 Nov 2026 18:00:00 GMT", "Retry-After: Sun, 22 Nov 2026 18:02:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, ["Retry-After: 20"], 20.0),
        (503, [NOW, SOON], 120.0),
        (503, ["Retry-After: 86400"], 300.0),
        (429, ["Retry-After: soon"], 0.0),
        (429, [], 0.0),
        (500, ["Retry-After: 20"], 0.0),
        (301, ["Retry-After: 20"], 0.0),
    ],
)
async def test_a_hub_says_when_to_come_again(status, headers, seconds):
    async with serving(answering(answer(status, b"", *headers))) as port:
        lost, _ = await end_of(at(port))
    assert (lost.reason, lost.retry_after_seconds) == ("rejected", seconds)


# --- HTTP as its standards say


def switching_as(*lines: bytes):
    async def script(peer: Peer):
        await peer.request()
        given = b"\r\n".join(line.replace(b"@KEY", accept_key(peer.head)) for line in lines)
        await peer.send(given, b"\r\n\r\n", frame(TEXT, b"hello"))
        await peer.until_gone()

    return script


@pytest.mark.parametrize(
    "lines",
    [
        [b"Connection: keep-alive", b"Upgrade: websocket", b"Connection: Upgrade"],
        [b"Connection: Upgrade", b"Upgrade: websocket", b"Connection: keep-alive"],
        [b"connection: keep-alive, upgrade", b"UPGRADE: WebSocket"],
    ],
)
async def test_the_lines_of_a_list_are_one_list(lines):
    script = switching_as(b"HTTP/1.1 101 Switching Protocols", *lines, b"Sec-WebSocket-Accept: @KEY")
    async with serving(script) as port, open_connection(at(port), Clock()) as connection:
        assert (await connection.receive()).text == "hello"


async def test_an_answer_may_have_others_before_it():
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    head = [b"HTTP/1.1 101 S", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Accept: @KEY"]
    script = switching_as(b"HTTP/1.1 100 Continue\r\n\r\n" + early + head[0], *head[1:])
    async with serving(script) as port, open_connection(at(port), Clock()) as connection:
        assert (await connection.receive()).text == "hello"


async def test_a_hub_that_only_ever_hints_is_against_the_protocol():
    async def script(peer: Peer):
        await peer.request()
        await peer.flood(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10)

    assert await reason_from(script) == "protocol"


async def test_the_negotiations_cookies_go_with_the_request():
    heads = []

    async def script(peer: Peer):
        await peer.upgrade()
        heads.append(peer.head)
        await peer.until_gone()

    async with serving(script) as port:
        for cookie in ("AWSALB=a; other=b", ""):
            async with open_connection(replace(at(port), cookie=cookie), Clock()):
                pass
    assert b"\r\nCookie: AWSALB=a; other=b" in heads[0]
    assert b"Cookie" not in heads[1]
