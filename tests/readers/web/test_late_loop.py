"""A loop of ours that stood still or is late: a client whose bytes the kernel holds is answered all the same.

Time moves only where a test says so, and while the loop does not: that is what a stall is.
"""

import math
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import httpx
import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.readers.web.samples import fresh, snapshot
from tests.readers.web.test_limits import GET, LAST, all_after, served_once, status_of
from tests.readers.web.test_server import LOOPBACK, answer_to, connect, serving
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.render import Rendering, render
from watchdog.readers.web import connection, server
from watchdog.readers.web.app import create_app

STALL_SECONDS = 3.0
LATE_TURN_SECONDS = 0.03


def put(stream: trio.SocketStream, data: bytes) -> None:
    """Give bytes to the kernel without a turn of the loop."""
    with socket.socket(fileno=socket.dup(stream.socket.fileno())) as plain:
        assert plain.send(data) == len(data)


def app(endpoint: Callable[[Request], Awaitable[Response]]) -> Starlette:
    return Starlette(routes=[Route("/healthz", endpoint)])


async def take_late_turns(
    clock: MockClock, count: list[int], turn_seconds: float = LATE_TURN_SECONDS
) -> None:
    """Make each turn of the loop take as long as one of an overloaded machine."""
    while True:
        clock.jump(turn_seconds)
        count[0] += 1
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("before", "held"), [(b"", LAST), (b"GET /healthz HTT", b"P/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
)
async def test_a_request_that_came_while_the_loop_stood_still_is_answered(
    mock_clock, impatient, before, held
):
    async with serving() as address, await connect(address) as stream:
        put(stream, before)
        await wait_all_tasks_blocked()
        put(stream, held)
        mock_clock.jump(STALL_SECONDS)

        assert status_of(await answer_to(stream)) == 200


async def test_another_request_that_came_while_the_loop_stood_still_is_answered(mock_clock, impatient):
    async with serving() as address, await connect(address) as stream:
        await served_once(stream)
        await wait_all_tasks_blocked()
        put(stream, LAST)
        mock_clock.jump(STALL_SECONDS)

        assert status_of(await answer_to(stream)) == 200


async def test_a_request_whose_deadline_passes_on_a_punctual_beat_is_read_before_it_is_judged(
    mock_clock, monkeypatch
):
    monkeypatch.setattr(connection, "IDLE_SECONDS", server.BEAT_SECONDS)
    async with serving() as address, await connect(address) as stream:
        await served_once(stream)
        # Trio draws who goes first in a turn of the loop.
        for _ in range(15):
            await wait_all_tasks_blocked()
            put(stream, GET)
            # The beat, the deadline and the request come in the same turn.
            mock_clock.jump(server.BEAT_SECONDS)
            answer = chunk = await stream.receive_some()
            while chunk and not answer.endswith(b"ok\n"):
                chunk = await stream.receive_some()
                answer += chunk
            assert answer.endswith(b"ok\n")


async def test_an_answer_under_way_while_the_loop_stood_still_is_sent(mock_clock, impatient):
    asked, go = trio.Event(), trio.Event()

    async def slow(request: Request) -> PlainTextResponse:
        asked.set()
        await go.wait()
        return PlainTextResponse("done")

    async with serving(app(slow)) as address, await connect(address) as stream:
        put(stream, LAST)
        await asked.wait()
        mock_clock.jump(STALL_SECONDS)
        await wait_all_tasks_blocked()
        go.set()

        assert (await answer_to(stream)).endswith(b"done")


async def test_metrics_are_answered_however_long_the_turns_of_the_loop_take(mock_clock, impatient):
    def numbered() -> Iterator[bytes]:
        for number in range(400):
            # As much as a piece takes.
            mock_clock.jump(0.0001)
            yield f"{number}\n".encode()

    def render(watch: Snapshot, accept: str, accept_encoding: str) -> Rendering:
        return Rendering(numbered(), "text/plain", None)

    turns = [0]
    watched = create_app(lambda: snapshot(fresh()), render)
    async with serving(watched) as address, await connect(address) as stream, trio.open_nursery() as nursery:
        nursery.start_soon(take_late_turns, mock_clock, turns)
        answer = await all_after(stream, LAST.replace(b"healthz", b"metrics"))
        nursery.cancel_scope.cancel()

    assert answer.endswith(b"\n399\n")
    # One turn for each piece would take longer than any scraper waits.
    assert turns[0] < 100


async def test_an_answer_that_takes_many_late_turns_is_not_beyond_its_time(mock_clock, impatient):
    async def slow(request: Request) -> PlainTextResponse:
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        return PlainTextResponse("done")

    async with (
        serving(app(slow)) as address,
        await connect(address) as stream,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(take_late_turns, mock_clock, [0])
        answer = await all_after(stream, LAST)
        nursery.cancel_scope.cancel()

    assert answer.endswith(b"done")


async def test_who_says_nothing_is_hung_up_on_once_the_loop_is_punctual_again(mock_clock, impatient):
    async with serving() as address, await connect(address) as stream:
        await wait_all_tasks_blocked()
        mock_clock.jump(STALL_SECONDS)
        await wait_all_tasks_blocked()
        beats = 0
        with trio.CancelScope() as still_open:
            async with trio.open_nursery() as nursery:

                async def hang_up() -> None:
                    assert await answer_to(stream) == b""
                    still_open.cancel()

                nursery.start_soon(hang_up)
                while True:
                    await wait_all_tasks_blocked()
                    mock_clock.jump(server.BEAT_SECONDS)
                    beats += 1

    # The 0.3 seconds of a head, and the beat at its end.
    assert 5 <= beats <= 8


async def test_when_room_is_made_who_has_asked_while_the_loop_stood_still_is_not_chosen(
    mock_clock, monkeypatch
):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    async with serving() as address:  # noqa: SIM117 - in this order
        async with await connect(address) as asking, await connect(address):
            await wait_all_tasks_blocked()
            put(asking, LAST)
            mock_clock.jump(STALL_SECONDS)
            async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
                assert (await http.get("/healthz")).status_code == 200
            assert status_of(await answer_to(asking)) == 200


# --- a loop that is always late


@pytest.mark.parametrize("turn_seconds", [0.012, LATE_TURN_SECONDS])
async def test_clients_that_do_nothing_do_not_stay_forever(turn_seconds, mock_clock, impatient, monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)

    async def endless(request: Request) -> Response:
        return await trio.sleep_forever()

    # The clock goes on until the server has stopped.
    # The clock goes on until the server has stopped.
    async with trio.open_nursery() as nursery:
        async with (
            serving(app(endless)) as address,
            await connect(address) as one,
            await connect(address) as two,
        ):
            for stream in (one, two):
                await stream.send_all(GET)
            await wait_all_tasks_blocked()
            since = trio.current_time()
            nursery.start_soon(take_late_turns, mock_clock, [0], turn_seconds)
            for stream in (one, two):
                assert await all_after(stream, b"") == b""
            assert trio.current_time() - since < 2.0 * connection.GRACE
            async with await connect(address) as late:
                assert status_of(await all_after(late, LAST.replace(b"healthz", b"other"))) == 404
        nursery.cancel_scope.cancel()


# --- wake-ups


def seconds_to_wake_up() -> float:
    return trio.lowlevel.current_statistics().seconds_to_next_deadline


async def test_the_loop_is_woken_only_while_a_deadline_is_near(mock_clock):
    async with trio.open_nursery() as nursery:
        run = partial(server.serve, create_app(lambda: snapshot(fresh()), render), listen=LOOPBACK)
        (address,) = await nursery.start(run)
        await wait_all_tasks_blocked()
        assert seconds_to_wake_up() == math.inf

        async with await connect(address) as stream:
            await wait_all_tasks_blocked()
            assert seconds_to_wake_up() == server.BEAT_SECONDS
            await served_once(stream)
            await wait_all_tasks_blocked()
            idle_seconds = connection.IDLE_SECONDS - server.NEAR_SECONDS
            assert seconds_to_wake_up() == pytest.approx(idle_seconds)

            async with await connect(address) as other:
                await wait_all_tasks_blocked()
                assert seconds_to_wake_up() == pytest.approx(server.BEAT_SECONDS)
                await served_once(other)
                await wait_all_tasks_blocked()
                mock_clock.jump(server.BEAT_SECONDS)
                await wait_all_tasks_blocked()
                assert seconds_to_wake_up() == pytest.approx(idle_seconds - server.BEAT_SECONDS)

            await stream.send_all(b"GET /healthz HTT")
            await wait_all_tasks_blocked()
            assert seconds_to_wake_up() == pytest.approx(server.BEAT_SECONDS)

        await wait_all_tasks_blocked()
        assert seconds_to_wake_up() == math.inf
        nursery.cancel_scope.cancel()
