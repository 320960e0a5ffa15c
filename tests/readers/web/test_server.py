import socket
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
import structlog
import trio
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.readers.web.samples import fresh, snapshot
from watchdog.readers.metrics.render import render
from watchdog.readers.web.app import create_app
from watchdog.readers.web.server import ListenError, serve

MANY_GAMES = snapshot(*(fresh(number, f"Game {number}") for number in range(60)))
LOOPBACK = ("127.0.0.1", 0)


def watchdog_app() -> Starlette:
    return create_app(lambda: MANY_GAMES, render)


@asynccontextmanager
async def serving(app: Any = None, **options: Any) -> AsyncIterator[str]:
    """A server on loopback; yields its address and stops it in the end."""
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            run = partial(serve, app or watchdog_app(), listen=LOOPBACK, **options)
            (address,) = await nursery.start(run)
            yield address
            nursery.cancel_scope.cancel()


async def connect(address: str) -> trio.SocketStream:
    url = httpx.URL(address)
    assert url.port is not None
    return await trio.open_tcp_stream(url.host, url.port)


def client_port(response: httpx.Response) -> int:
    return response.extensions["network_stream"].get_extra_info("client_addr")[1]


async def answer_to(stream: trio.SocketStream) -> bytes:
    """All that comes until the server closes."""
    return b"".join([bytes(chunk) async for chunk in stream])


async def test_the_address_told_answers_and_connections_are_kept_alive():
    async with serving() as address, httpx.AsyncClient(base_url=address, trust_env=False) as http:
        responses = [await http.get("/metrics") for _ in range(3)]

        assert address.startswith("http://127.0.0.1:")
        assert [response.status_code for response in responses] == [200] * 3
        assert len({client_port(response) for response in responses}) == 1
        assert "server" not in responses[0].headers


async def test_head_answers_as_get_does_without_a_body():
    async with serving() as address, await connect(address) as stream:
        await stream.send_all(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = (await answer_to(stream)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200")
    assert int(head.lower().split(b"content-length: ")[1].split()[0]) > 100_000
    assert body == b""


async def test_an_address_in_use_is_one_clear_line():
    async with serving() as address:
        port = httpx.URL(address).port
        assert port is not None
        with pytest.raises(ListenError) as raised:
            await serve(watchdog_app(), listen=("127.0.0.1", port))

    assert str(raised.value) == f"cannot listen on 127.0.0.1:{port}: Address already in use"


async def test_a_host_without_an_address_is_one_clear_line():
    class Nowhere(trio.abc.HostnameResolver):
        async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async def getnameinfo(self, *args: Any) -> Any:
            raise NotImplementedError

    trio.socket.set_custom_hostname_resolver(Nowhere())
    with pytest.raises(ListenError) as raised:
        await serve(watchdog_app(), listen=("nowhere.invalid", 80))

    assert str(raised.value) == "cannot listen on nowhere.invalid:80: Name or service not known"


async def test_cancelling_stops_within_a_second_whatever_connections_are_open():
    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(partial(serve, watchdog_app(), listen=LOOPBACK))
        silent, partial_request, idle = [await connect(address) for _ in range(3)]
        await partial_request.send_all(b"GET /metrics HTTP/1.1\r\nHost:")
        await idle.send_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok\n"):
            answer += await idle.receive_some()

        stopping = trio.current_time()
        nursery.cancel_scope.cancel()

    assert trio.current_time() - stopping < 1.0
    for stream in (silent, partial_request, idle):
        async with stream:
            assert await answer_to(stream) == b""


async def test_a_request_under_way_is_answered_before_the_server_stops():
    asked, stopping = trio.Event(), trio.Event()

    async def slow(request: Request) -> PlainTextResponse:
        asked.set()
        await stopping.wait()
        return PlainTextResponse("done")

    async with trio.open_nursery() as nursery:
        server = trio.CancelScope()

        async def run(task_status: Any) -> None:
            with server:
                await serve(Starlette(routes=[Route("/", slow)]), listen=LOOPBACK, task_status=task_status)

        (address,) = await nursery.start(run)
        stream = await connect(address)
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.wait()
        server.cancel()
        await trio.testing.wait_all_tasks_blocked()
        stopping.set()
        assert (await answer_to(stream)).endswith(b"done")
        await stream.aclose()


async def test_a_request_that_never_ends_does_not_keep_the_server_from_stopping():
    asked = trio.Event()

    async def endless(request: Request) -> PlainTextResponse:
        asked.set()
        return await trio.sleep_forever()

    async with serving(Starlette(routes=[Route("/", endless)])) as address:
        stream = await connect(address)
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.wait()
        stopping = trio.current_time()

    assert trio.current_time() - stopping < 1.0
    await stream.aclose()


async def test_a_scraper_that_does_not_read_blocks_nobody_else():
    async with serving() as address, await connect(address) as lazy:
        lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        for _ in range(20):
            await lazy.send_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            for path in ("/healthz", "/metrics", "/"):
                assert (await http.get(path)).status_code == 200


async def test_a_client_that_never_reads_does_not_keep_the_server_from_stopping():
    server, stopped = trio.CancelScope(), trio.Event()

    async def run(task_status: Any) -> None:
        with server:
            await serve(watchdog_app(), listen=LOOPBACK, task_status=task_status)
        stopped.set()

    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(run)
        async with await connect(address) as lazy:
            lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            await lazy.send_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            await lazy.receive_some(1)
            server.cancel()
            with trio.move_on_after(5):
                await stopped.wait()
            ended_by_itself = stopped.is_set()

    assert ended_by_itself


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Many: x\r\n" * 10_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_a_request_that_is_none_is_refused_and_the_next_one_served(request_bytes):
    async with serving() as address:
        async with await connect(address) as stream:
            refused = b""
            try:
                await stream.send_all(request_bytes)
                refused = await answer_to(stream)
            except trio.BrokenResourceError:
                pass
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            assert (await http.get("/healthz")).text == "ok\n"

    assert refused == b"" or refused.startswith(b"HTTP/1.1 4")


async def test_a_mistake_of_ours_is_logged_with_its_traceback_and_not_printed(capfd):
    async def broken(request: Request) -> PlainTextResponse:
        message = "a mistake"
        raise LookupError(message)

    app = Starlette(routes=[Route("/", broken)])
    with structlog.testing.capture_logs() as events:
        async with serving(app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as http:
            assert (await http.get("/", params={"token": "secret"})).status_code == 500

    (event,) = events
    assert (event["event"], event["log_level"]) == ("web.request_failed", "error")
    logged = "".join(traceback.format_exception(event["exc_info"]))
    assert "LookupError: a mistake" in logged
    assert "secret" not in f"{event} {logged}"
    assert capfd.readouterr() == ("", "")


async def test_under_tls_the_certificate_is_the_one_given(tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async with (
        serving(tls=(chain, key)) as address,
        httpx.AsyncClient(base_url=address, verify=trusting, trust_env=False) as http,
    ):
        response = await http.get("/healthz")

    assert address.startswith("https://127.0.0.1:")
    assert (response.status_code, response.text) == (200, "ok\n")


async def test_a_renewed_certificate_is_shown_to_the_next_client_and_half_of_one_to_nobody(tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    trusting = ssl.create_default_context()

    def issue() -> tuple[bytes, bytes]:
        authority = trustme.CA()
        authority.configure_trust(trusting)
        made = authority.issue_cert("127.0.0.1")
        return b"".join(part.bytes() for part in made.cert_chain_pems), made.private_key_pem.bytes()

    async def shown(address: str) -> bytes | None:
        stream = trio.SSLStream(
            await connect(address), trusting, server_hostname="127.0.0.1", https_compatible=True
        )
        await stream.do_handshake()
        certificate = stream.getpeercert(binary_form=True)
        await stream.aclose()
        return certificate

    first, second = issue(), issue()
    chain.write_bytes(first[0])
    key.write_bytes(first[1])
    with structlog.testing.capture_logs() as logged:
        async with serving(tls=(chain, key)) as address:
            before = await shown(address)
            chain.write_bytes(second[0])
            half = await shown(address)
            key.write_bytes(second[1])
            after = [await shown(address) for _ in range(2)]
            key.unlink()
            gone = await shown(address)

    assert half == before
    assert after == [gone] * 2
    assert after[0] == ssl.PEM_cert_to_DER_cert(second[0].decode())
    events = [line["event"] for line in logged if line["event"].startswith("web.certificate")]
    assert events == ["web.certificate_unusable", "web.certificate_reloaded"]
