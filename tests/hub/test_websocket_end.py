"""How a connection ends when it is us who want it to."""

import ssl

import pytest
import trio

from tests.support.opened import open_connection
from tests.support.raw_server import (
    BOUND_SECONDS,
    Authority,
    Peer,
    answering,
    at,
    black_hole,
    end_of,
    saying,
    serving,
)
from tests.support.wire import CLOSE, PING, TEXT, close_frame, frame
from watchdog.hub import connection as module
from watchdog.runtime.clock import Clock


@pytest.fixture
def patient(monkeypatch):
    """Whoever waits for the whole of our patience hangs."""
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_SECONDS", 2 * BOUND_SECONDS)


async def test_we_close_with_a_goodbye(patient):
    heard = []

    async def script(peer: Peer):
        await peer.upgrade()
        heard.append(await peer.frame())
        await peer.send(close_frame(1000))
        heard.append(await peer.stream.receive_some())

    async with serving(script) as port:
        async with open_connection(at(port), Clock()):
            pass
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert heard == [(CLOSE, (1000).to_bytes(2, "big")), b""]


async def test_pings_and_messages_after_our_close_do_no_harm(monkeypatch):
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_SECONDS", 0.1)

    async def script(peer: Peer):
        await peer.upgrade()
        assert (await peer.frame())[0] == CLOSE
        await peer.send(frame(PING, b"?"), frame(TEXT, b"late"), frame(PING, b"?"), close_frame(1000))
        await peer.until_gone()

    async with serving(script) as port, open_connection(at(port), Clock()):
        pass


@pytest.mark.parametrize("loud", [False, True])
async def test_a_hub_that_does_not_answer_our_close_is_left_after_a_second(loud):
    gone = trio.Event()

    async def script(peer: Peer):
        await peer.upgrade()
        try:
            if loud:
                await peer.flood(frame(TEXT, b"x" * 10_000))
            await peer.until_gone()
        finally:
            gone.set()

    async with serving(script) as port:
        async with open_connection(at(port), Clock()):
            begin = trio.current_time()
        assert trio.current_time() - begin >= module.CLOSE_TIMEOUT_SECONDS
        await gone.wait()


async def test_being_cancelled_while_open_says_goodbye_at_once(patient):
    heard = []

    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"hello"))
        heard.append(await peer.frame())
        await peer.send(close_frame(1000))
        await peer.until_gone()

    async with serving(script) as port:
        with trio.CancelScope() as scope:
            async with open_connection(at(port), Clock()) as connection:
                await connection.receive()
                scope.cancel()
                await connection.receive()
        assert scope.cancelled_caught
        assert heard == [(CLOSE, (1000).to_bytes(2, "big"))]


STAGES = {
    "TCP": black_hole,
    "half an answer": answering(b"HTTP/1.1 101 Swit"),
    "a rejection's body": answering(b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\nten bytes."),
}


@pytest.mark.parametrize("stage", STAGES)
async def test_being_cancelled_during_the_upgrade_leaves_no_socket(stage):
    started, gone = trio.Event(), trio.Event()

    async def script(peer: Peer):
        started.set()
        try:
            await STAGES[stage](peer)
        finally:
            gone.set()

    async with serving(script) as port:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, at(port))
            await started.wait()
            await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        await gone.wait()


async def test_being_cancelled_during_the_tls_handshake_leaves_no_socket():
    started, gone = trio.Event(), trio.Event()

    async def script(peer: Peer):
        started.set()
        await peer.until_gone()
        gone.set()

    async with serving(script) as port:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_of, at(port, ssl.create_default_context()))
            await started.wait()
            await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        await gone.wait()


async def test_being_cancelled_at_any_instant_ends_cleanly():
    """Cancels many connections at once, each one step of Trio further in its life."""
    authority = Authority()

    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"hello"), frame(PING, b"?"))
        while (await peer.frame())[0] != CLOSE:
            pass
        await peer.send(close_frame(1000))

    async def live(port, client_tls, steps):
        async with trio.open_nursery() as nursery:

            async def attempt():
                async with open_connection(at(port, client_tls), Clock()) as connection:
                    await connection.send("hello")
                    while True:
                        await connection.receive()

            nursery.start_soon(attempt)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

    for tls, client_tls in ((None, None), (authority.server(), authority.client())):
        async with serving(script, tls) as port, trio.open_nursery() as nursery:
            for steps in range(0, 400, 7):
                nursery.start_soon(live, port, client_tls, steps)


async def test_a_mistake_of_ours_comes_out_as_it_is(monkeypatch):
    """It ends the connection, and is not taken for the provider's."""
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_SECONDS", 0.1)
    async with serving(saying()) as port:
        with pytest.raises(ZeroDivisionError):
            async with open_connection(at(port), Clock()):
                1 / 0  # noqa: B018
