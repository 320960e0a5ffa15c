"""What clients may take of the web side: each limit over real sockets, and others served meanwhile."""

import socket
from contextlib import suppress
from typing import Any

import httpx
import pytest
import structlog
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.readers.web.passwords import PASSWORD, Checker, basic, hashed
from tests.readers.web.samples import fresh, snapshot
from tests.readers.web.test_server import answer_to, connect, serving
from tests.support.raw_server import open_sockets
from watchdog.readers.metrics.render import render
from watchdog.readers.web import connection as conversation
from watchdog.readers.web import server
from watchdog.readers.web.app import create_app
from watchdog.readers.web.auth import MOST_WAITING, Passwords

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def told(address: str, request: bytes) -> bytes:
    """All that is answered to these bytes until the server closes or breaks the connection."""
    async with await connect(address) as stream:
        return await all_after(stream, request)


async def all_after(stream: Any, request: bytes) -> bytes:
    answer = b""
    try:
        await stream.send_all(request)
        while chunk := await stream.receive_some(65_536):
            answer += chunk
    except trio.BrokenResourceError:
        pass
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


async def is_served(address: str, path: str = "/healthz") -> bool:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
        return (await http.get(path)).status_code == 200


async def until_sockets(count: int) -> None:
    while open_sockets() > count:  # noqa: ASYNC110 - nothing tells of a socket's end
        await trio.sleep(0.005)


async def read_until(stream: trio.SocketStream, end: bytes) -> None:
    answer = b""
    while not answer.endswith(end):
        answer += await stream.receive_some(65_536)


async def served_once(stream: trio.SocketStream) -> None:
    await stream.send_all(GET)
    await read_until(stream, b"ok\n")


# --- time


async def ended_after(stream: trio.SocketStream) -> tuple[float, bytes]:
    begun = trio.current_time()
    answer = b""
    with trio.fail_after(30.0), suppress(trio.BrokenResourceError):
        answer = await answer_to(stream)
    return trio.current_time() - begun, answer


async def until_broken(stream: trio.SocketStream, first: bytes, rest: bytes) -> None:
    """Sends these bytes, one lot every 20 ms, until the server takes no more of them."""
    with trio.fail_after(30.0), suppress(trio.BrokenResourceError):
        await stream.send_all(first)
        while True:
            await stream.send_all(rest)
            await trio.sleep(0.02)


@pytest.fixture
def head_alone(impatient, monkeypatch):
    """Only the limit of a head ends a connection within the time that a test waits."""
    for other in ("ANSWER_SECONDS", "IDLE_SECONDS", "HANDSHAKE_SECONDS"):
        monkeypatch.setattr(conversation, other, 600.0)


async def test_who_connects_and_says_nothing_is_hung_up_on(head_alone):
    async with serving() as address, await connect(address) as stream:
        seconds, answer = await ended_after(stream)
    assert answer == b""
    assert seconds > 0.2


async def test_a_head_that_trickles_in_does_not_get_more_time_with_each_byte(head_alone):
    async with serving() as address, await connect(address) as stream:
        await until_broken(stream, b"GET / HTTP/1.1\r\n", b"X: y\r\n")


async def test_a_second_head_that_trickles_in_has_no_more_time_than_the_first(head_alone):
    async with serving() as address, await connect(address) as stream:
        await served_once(stream)
        await until_broken(stream, b"", b"\r\n")


async def test_a_head_that_began_along_with_the_last_request_has_no_more_time_than_the_first(head_alone):
    async with serving() as address, await connect(address) as stream:
        await stream.send_all(GET + GET[:-2])
        await read_until(stream, b"ok\n")
        _, answer = await ended_after(stream)
    assert answer == b""


async def test_an_answer_may_take_longer_than_a_head_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(conversation, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(conversation, "ANSWER_SECONDS", 0.6)

    async def slow(request: Request) -> PlainTextResponse:
        await trio.sleep(0.3 if request.url.path == "/slow" else 60.0)
        return PlainTextResponse("done")

    async with serving(Starlette(routes=[Route("/{any}", slow)])) as address:
        for path, end in ((b"/slow", b"done"), (b"/never", b"")):
            answer = await told(
                address, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            assert answer.endswith(end)
            assert bool(answer) == bool(end)


async def test_a_connection_is_kept_for_another_request_longer_than_a_head_may_take(impatient):
    async with serving() as address, await connect(address) as stream:
        await served_once(stream)
        seconds, answer = await ended_after(stream)
    assert answer == b""
    assert seconds > 0.8


async def test_an_answer_that_is_not_read_does_not_stay_in_memory(impatient):
    async with serving() as address:
        before = open_sockets()
        async with await connect(address) as lazy:
            lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            await lazy.send_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            await lazy.receive_some(1)
            assert open_sockets() == before + 2
            # The client's own socket remains.
            await until_sockets(before + 1)


async def test_an_answer_that_is_read_byte_by_byte_is_cut_off(impatient):
    async with serving() as address:
        before = open_sockets()
        async with await connect(address) as slow:
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            await slow.send_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            while open_sockets() > before + 1:
                await slow.receive_some(100)
                await trio.sleep(0.005)


@pytest.mark.parametrize("asked", [b"", GET, b"GET / HT"])
async def test_a_client_that_goes_leaves_nothing_behind(asked):
    async with serving() as address:
        before = open_sockets()
        for _ in range(10):
            async with await connect(address) as stream:
                await stream.send_all(asked)
                if asked == GET:
                    await read_until(stream, b"ok\n")
        await until_sockets(before)


# --- bodies


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked", b"Content-Length: 1000000000"])
async def test_a_body_without_an_end_is_not_read_but_answered(method, framing):
    async def asking(request: Request) -> PlainTextResponse:
        await flooded.wait()
        return PlainTextResponse("done")

    # The pieces are as small as they can be: each is an event to the server.
    piece = b"1\r\nx\r\n" * 10_000
    sent, flooded = 0, trio.Event()

    async def flood(stream: trio.SocketStream) -> None:
        nonlocal sent
        with trio.move_on_after(0.5):
            while True:
                await stream.send_all(piece)
                sent += len(piece)
        flooded.set()

    async with serving(Starlette(routes=[Route("/", asking, methods=["GET", "POST"])])) as address:
        before = open_sockets()
        async with await connect(address) as stream, trio.open_nursery() as nursery:
            await stream.send_all(method + b" / HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n")
            nursery.start_soon(flood, stream)
            answer = await answer_to(stream)
            nursery.cancel_scope.cancel()
        await until_sockets(before)
    assert status_of(answer) == 200
    # What the two sockets' buffers take, and little more.
    assert sent < 12_000_000


async def test_the_challenge_comes_before_the_body():
    app = create_app(lambda: snapshot(fresh()), render, Passwords({"alice": hashed(PASSWORD)}))
    async with serving(app) as address, await connect(address) as stream:
        await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert status_of(await answer_to(stream)) == 401


async def test_the_answer_to_a_small_body_leaves_the_connection_open():
    body = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    async with serving() as address:
        answer = await told(address, body + LAST)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.startswith(b"HTTP/1.1 405")
    assert answer.endswith(b"ok\n")


# --- how many


async def test_a_thousand_idle_connections_do_not_keep_a_scraper_out(monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 100)
    with structlog.testing.capture_logs() as events:
        async with serving() as address:
            before = open_sockets()
            crowd: list[trio.SocketStream] = []
            for count in range(1_000):
                crowd.append(await connect(address))
                if count % 100 == 99:
                    assert await is_served(address, "/metrics")
            # Of the server's sockets no more are left than it allows.
            await until_sockets(before + len(crowd) + 100)
            for stream in crowd:
                stream.socket.close()
    told = [event for event in events if event["event"] == "web.connections_limited"]
    assert len(told) == 1
    assert (told[0]["open"], told[0]["allowed"]) == (100, 100)


async def test_the_one_that_waited_longest_makes_room_and_who_is_being_answered_does_not(monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    asked, go = trio.Event(), trio.Event()

    async def slow(request: Request) -> PlainTextResponse:
        asked.set()
        await go.wait()
        return PlainTextResponse("done")

    async with serving(Starlette(routes=[Route("/", slow)])) as address:  # noqa: SIM117 - in this order
        async with await connect(address) as busy, await connect(address) as idle:
            await busy.send_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            await asked.wait()
            async with await connect(address) as late:
                assert await answer_to(idle) == b""
                go.set()
                assert (await answer_to(busy)).endswith(b"done")
                assert status_of(await all_after(late, LAST)) == 404


async def test_when_all_are_being_answered_the_next_one_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    asked = 0

    async def endless(request: Request) -> PlainTextResponse:
        nonlocal asked
        asked += 1
        return await trio.sleep_forever()

    async with serving(Starlette(routes=[Route("/", endless)])) as address:  # noqa: SIM117 - in this order
        async with await connect(address) as one, await connect(address) as two:
            for stream in (one, two):
                await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while asked < 2:  # noqa: ASYNC110
                await trio.sleep(0.005)
            assert await told(address, GET) == b""


async def test_a_flood_of_wrong_passwords_holds_up_neither_the_loop_nor_a_scraper():
    checker = Checker()
    app = create_app(lambda: snapshot(fresh()), render, Passwords({"alice": hashed(PASSWORD)}, check=checker))
    good = {"authorization": basic("alice", PASSWORD)}
    statuses: list[int] = []

    async with serving(app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as http:

        async def guess(number: int) -> None:
            wrong = {"authorization": basic("alice", f"guess {number}")}
            statuses.append((await http.get("/", headers=wrong, timeout=20)).status_code)

        assert (await http.get("/metrics", headers=good)).status_code == 200
        checker.hold()
        async with trio.open_nursery() as guessers:
            for number in range(30):
                guessers.start_soon(guess, number)
            # One is being checked and some wait; the rest is turned away while not one check has ended.
            while len(statuses) < 30 - MOST_WAITING - 1:  # noqa: ASYNC110
                await trio.sleep(0.005)
            assert set(statuses) == {503}
            assert (await http.get("/metrics", headers=good)).status_code == 200
            checker.release()
    assert (statuses.count(401), statuses.count(503)) == (MOST_WAITING + 1, 30 - MOST_WAITING - 1)
