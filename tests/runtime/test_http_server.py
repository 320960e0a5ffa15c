"""One connection's HTTP/1.1, over streams in memory: what an application gets and what its client does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from watchdog.runtime.http_server import Application, HttpConnection, Receive, Scope, Send

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"ok"}
GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


async def answer_ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(BODY)


@asynccontextmanager
async def served(app: Application) -> AsyncIterator[Any]:
    """The client's end of a connection on which the application answers all that it is asked."""
    client, stream = memory_stream_pair()
    http = HttpConnection(stream, refusal_headers=[(b"x-refused", b"yes")])

    async def serve() -> None:
        while (request := await http.next_request()) is not None:
            await http.answer(app, request)
            await http.wait_for_request()
        await stream.aclose()

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            yield client
            nursery.cancel_scope.cancel()


async def told(app: Application, *pieces: bytes) -> bytes:
    """All that is answered to these pieces, each of which has been read before the next one comes."""
    async with served(app) as client:
        with suppress(trio.BrokenResourceError):
            for piece in pieces:
                await client.send_all(piece)
                await wait_all_tasks_blocked()
            await client.send_eof()
        return b"".join([bytes(chunk) async for chunk in client])


async def test_the_application_gets_the_request_and_the_client_the_answer():
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await answer_ok(scope, receive, send)

    answer = await told(app, GET)

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\ndate: " in answer.lower()
    assert answer.endswith(b"\r\n\r\nok")
    asked = {"type": "http", "method": "GET", "path": "/a b", "raw_path": b"/a%20b", "query_string": b"c=d"}
    assert asked.items() <= scopes[0].items()
    assert scopes[0]["headers"] == [(b"host", b"x")]


async def test_a_body_comes_in_pieces_and_then_its_end():
    messages: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not messages or messages[-1]["more_body"]:
            messages.append(await receive())
        await answer_ok(scope, receive, send)

    answer = await told(app, POST + b"ab", b"cd" + GET)

    assert [message["body"] for message in messages[:3]] == [b"ab", b"cd", b""]
    assert answer.count(b"HTTP/1.1 200") == 2


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked():
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["more_body"]:
            pass
        await answer_ok(scope, receive, send)

    answer = await told(app, POST.replace(b"Host", b"Expect: 100-continue\r\nHost"), b"abcd")

    assert answer.startswith(b"HTTP/1.1 100 ")
    assert answer.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize(("body", "answers"), [(b"abcd", 2), (b"abc", 1)])
async def test_only_a_whole_body_that_nobody_read_leaves_the_connection_open(body, answers):
    answer = await told(answer_ok, POST + body, GET)

    assert answer.count(b"HTTP/1.1 200") == answers
    assert answer.lower().count(b"connection: close") == 2 - answers


async def test_an_answer_of_unknown_length_is_sent_piece_by_piece():
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    assert (await told(app, GET)).endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


@pytest.mark.parametrize("piece", [b"", b"GET / HT"])
async def test_an_application_learns_that_the_client_has_closed_but_not_of_another_request(piece):
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["more_body"] is False
        with trio.move_on_after(1):
            heard.append((await receive())["type"])

    async with served(app) as client:
        await client.send_all(GET)
        await wait_all_tasks_blocked()
        await (client.send_all(piece) if piece else client.send_eof())
        await client.receive_some()

    assert heard == ([] if piece else ["http.disconnect"])


async def test_a_body_that_breaks_the_protocol_is_a_client_that_has_gone():
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])
        await answer_ok(scope, receive, send)

    answer = await told(app, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")

    assert heard == ["http.disconnect"]
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("messages", [[], [START]])
async def test_an_answer_that_was_not_begun_is_refused(messages):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    answer = await told(app, GET + GET)

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"\r\nx-refused: yes\r\n" in answer.lower()


async def test_an_answer_that_was_not_finished_ends_the_connection():
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"o", "more_body": True})

    answer = await told(app, GET + GET)

    assert answer.endswith(b"\r\n\r\no")
    assert answer.count(b"HTTP/1.1") == 1


async def test_what_is_sent_to_a_client_that_has_gone_goes_nowhere():
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await trio.sleep(0.01)
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            sent += 1

    async with served(app) as client:
        await client.send_all(GET)
        await client.aclose()
        while sent < 3:  # noqa: ASYNC110 - the application tells nobody
            await trio.sleep(0.005)


async def test_what_an_application_raises_goes_through():
    client, stream = memory_stream_pair()
    http = HttpConnection(stream)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    await client.send_all(GET)
    request = await http.next_request()
    assert request is not None
    with pytest.raises(ZeroDivisionError):
        await http.answer(app, request)


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
async def test_a_body_where_there_may_be_none_is_left_out(method, status):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "status": status})
        await send(BODY)

    answer = await told(app, GET.replace(b"GET", method) * 2)

    assert answer.count(b"HTTP/1.1 %d" % status) == 2
    assert b"ok" not in answer


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://watchdog.example:9877/a%20b?c=d", "/a b", b"c=d"),
        (b"HTTPS://watchdog.example/healthz", "/healthz", b""),
        (b"http://watchdog.example", "/", b""),
        (b"http://watchdog.example?c=d", "/", b"c=d"),
        (b"http://[::1]:9877/metrics", "/metrics", b""),
        (b"/http://x/", "/http://x/", b""),
        (b"//watchdog.example/metrics", "//watchdog.example/metrics", b""),
        (b"ftp://x/metrics", "ftp://x/metrics", b""),
        (b"*", "*", b""),
    ],
)
async def test_an_absolute_target_is_the_path_in_it(target, path, query):
    asked = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append((scope["path"], scope["query_string"]))
        await answer_ok(scope, receive, send)

    async with served(note) as client:
        await client.send_all(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.receive_some(10_000)).startswith(b"HTTP/1.1 200")
    assert asked == [(path, query)]
