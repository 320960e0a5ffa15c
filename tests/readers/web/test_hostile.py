"""Clients that talk nonsense, or another protocol: refused over real sockets, and the next one is served."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import httpx
import pytest
import structlog
import trio
import trustme

from tests.readers.web.test_limits import (
    GET,
    LAST,
    all_after,
    ended_after,
    is_served,
    status_of,
    told,
    until_sockets,
)
from tests.readers.web.test_server import answer_to, connect, serving
from tests.support.raw_server import open_sockets
from watchdog.readers.web.headers import SECURE_HEADERS

# --- heads


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: x\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: x\r\n" * 10_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 1_000_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 2_048 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /?" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (bytes(range(256)) * 100, 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
    ],
    ids=range(15),
)  # fmt: skip
async def test_a_bad_head_is_refused_with_the_security_headers(request_bytes, status):
    async with serving() as address:
        answer = await told(address, request_bytes)
        assert await is_served(address)
    # A large one may be cut off before the refusal has been read.
    assert status_of(answer) in ((status, 0) if len(request_bytes) > 100_000 else (status,))
    if answer:
        assert_secure(answer)
        assert b"\r\nserver:" not in answer.lower()


def assert_secure(answer: bytes) -> None:
    head = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    for name, value in SECURE_HEADERS.items():
        assert head.count(f"{name}: {value}".lower()) == 1


@pytest.mark.parametrize("body", [b"zz\r\n", b"1\r\nxx", b"\xff" * 100])
async def test_a_body_that_is_none_harms_nobody(body):
    async with serving() as address:
        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert status_of(await told(address, head + body)) in (200, 400)
        assert await is_served(address)


@pytest.mark.parametrize(
    "target",
    [
        b"/%00", b"/%ff%fe", b"/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"//", b"/metrics%00", b"*",
        b"/static/%2e%2e/app.py", b"/%F0%9F%8E%B2", b"/%zz", b"nowhere", b"http://elsewhere.example/secret",
    ],
)  # fmt: skip
async def test_a_strange_target_is_not_found_and_not_repeated(target):
    async with serving() as address:
        answer = await told(address, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 404
    assert answer.endswith(b"Not Found")
    assert_secure(answer)


@pytest.mark.parametrize("host", [b"", b"elsewhere.example", b"[::1", b'x"><script>', b"a:99999999"])
async def test_the_host_asked_for_makes_no_difference(host):
    async with serving() as address:
        request = b"GET /healthz HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
        answer = await told(address, request)
    assert (status_of(answer), answer.endswith(b"ok\n")) == (200, True)
    assert b"elsewhere" not in answer


# --- protocols


async def test_requests_sent_ahead_are_answered_in_order():
    head = GET.replace(b"GET", b"HEAD")
    async with serving() as address:
        answer = await told(address, GET * 20 + head * 20 + LAST)
    assert answer.count(b"HTTP/1.1 200") == 41
    assert answer.count(b"ok\n") == 21
    assert answer.endswith(b"ok\n")


@pytest.mark.parametrize("request_bytes", [b"GET /healthz HTTP/1.0\r\n\r\n", GET, LAST])
async def test_a_client_that_has_closed_its_side_gets_its_answer(request_bytes):
    async with serving() as address, await connect(address) as stream:
        await stream.send_all(request_bytes)
        await stream.send_eof()
        assert (await answer_to(stream)).endswith(b"ok\n")


@pytest.mark.parametrize(
    "opening",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        b"Connection: Upgrade, HTTP2-Settings\r\n\r\n" + LAST,
    ],
)
async def test_http_2_is_not_spoken(opening):
    async with serving() as address:
        answer = await told(address, opening)
    assert b" 101 " not in answer
    assert answer.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("more", [b"", b"\x81\x05hello" * 100])
async def test_a_websocket_is_not_spoken(more, impatient):
    upgrade = (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with serving() as address:
        answer = await told(address, upgrade + (more or LAST))
        assert await is_served(address)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"ok\n") == (1 if more else 2)


async def test_an_error_of_the_library_ends_the_connection_and_nothing_else(monkeypatch):
    def broken(self: Any) -> None:
        raise ValueError

    with structlog.testing.capture_logs() as events:
        async with serving() as address:
            with monkeypatch.context() as patch:
                patch.setattr(h11.Connection, "next_event", broken)
                assert await told(address, GET) == b""
                assert await told(address, GET) == b""
            assert await is_served(address)
    assert [event["event"] for event in events] == ["web.connection_failed"]
    assert events[0]["log_level"] == "warning"


# --- TLS


@asynccontextmanager
async def serving_tls(tmp_path: Any) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serving(tls=(chain, key)) as address:
        yield address, trusting


@pytest.mark.parametrize(
    "opening", [GET, b"\x16\x03\x01\xff\xff" + b"\x00" * 500, b"\x80\x80\x01", b"\0" * 99]
)
async def test_under_tls_garbage_is_hung_up_on(opening, impatient, tmp_path):
    async with serving_tls(tmp_path) as (address, trusting):
        answer = await told(address, opening)
        async with httpx.AsyncClient(base_url=address, verify=trusting, trust_env=False) as http:
            assert (await http.get("/healthz")).text == "ok\n"
    assert b"HTTP" not in answer


async def test_under_tls_a_handshake_that_does_not_come_is_not_waited_for(impatient, tmp_path):
    async with serving_tls(tmp_path) as (address, _), await connect(address) as stream:
        seconds, answer = await ended_after(stream)
    assert answer == b""
    assert seconds > 0.3


async def test_under_tls_a_large_answer_comes_whole_and_the_end_is_clean(tmp_path):
    async with serving_tls(tmp_path) as (address, trusting):
        before = open_sockets()
        tcp = await connect(address)
        async with trio.SSLStream(tcp, trusting, server_hostname="127.0.0.1", https_compatible=True) as tls:
            request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            head, _, body = (await all_after(tls, request)).partition(b"\r\n\r\n")
        assert int(head.lower().split(b"content-length: ")[1].split()[0]) == len(body) > 100_000
        await until_sockets(before)
