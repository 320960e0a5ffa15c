"""What the game's task takes off the wire and what the library has to deal with, on one connection."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.raw_server import Peer, at, block, both_sides, end_of, receive_until, serving, virtual_hub
from tests.support.wire import BINARY, CONTINUATION, PING, PONG, TEXT, close_frame, frame
from watchdog.hub import websocket as module
from watchdog.hub.websocket import SECOND_LOOK_SECONDS, open_connection
from watchdog.runtime.clock import Clock

FRAGMENTS = [
    frame(TEXT, b"in ", last=False),
    frame(CONTINUATION, b"three ", last=False),
    frame(CONTINUATION, b"pieces"),
]


async def test_messages_of_every_kind_come_in_the_order_in_which_they_were_sent():
    async def script(peer: Peer):
        await peer.upgrade(
            frame(TEXT, b"1"),
            *FRAGMENTS,
            frame(TEXT, b"3"),
            frame(PING, b"?"),
            frame(BINARY, b"4"),
            frame(TEXT, b"x" * 70_000),
            frame(TEXT, b"6"),
        )
        assert await peer.frame() == (PONG, b"?")
        await peer.send(frame(TEXT, b"7"), close_frame(1000))
        await peer.until_gone()

    async with serving(script) as port:
        lost, messages = await end_of(at(port))
    assert messages == ["1", "in three pieces", "3", None, "x" * 70_000, "6", "7"]
    assert lost.detail == "code 1000"


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_wait_that_is_cancelled_at_any_step_loses_no_message(encrypted):
    """Cancels the receiver again and again, each time a step of Trio later, while all kinds come."""
    tls, client_tls = both_sides(encrypted=encrypted)

    async def script(peer: Peer):
        await peer.upgrade()
        for number in range(60):
            for piece in (frame(TEXT, b"%d" % number), frame(PING, b"?"), *FRAGMENTS):
                await peer.send(piece)
        await peer.until_gone()

    messages = []

    async def receive(connection, scope):
        with scope:
            messages.append((await connection.receive()).text)

    async with serving(script, tls) as port, open_connection(at(port, client_tls), Clock()) as connection:
        steps = 0
        while len(messages) < 120:
            steps = (steps + 1) % 12
            scope = trio.CancelScope()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive, connection, scope)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                scope.cancel()
    assert messages == [text for number in range(60) for text in (str(number), "in three pieces")]


async def test_a_flood_of_pings_lets_others_go_between():
    turns = 0

    async def script(peer: Peer):
        await peer.upgrade(frame(PING, b"?") * 500, frame(TEXT, b"after"))
        for _ in range(500):
            assert await peer.frame() == (PONG, b"?")
        await peer.send(close_frame(1000))
        await peer.until_gone()

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with serving(script) as port, trio.open_nursery() as nursery:
        nursery.start_soon(others)
        _, messages = await end_of(at(port))
        nursery.cancel_scope.cancel()
    assert messages == ["after"]
    assert turns > 500


async def test_a_thousand_messages_of_one_read_let_others_go_between():
    turns: list[None] = []

    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"x") * 1_000, close_frame(1000))
        await peer.until_gone()

    async def others():
        while True:
            turns.append(None)
            await trio.lowlevel.checkpoint()

    async with serving(script) as port, open_connection(at(port), Clock()) as connection:
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            for _ in range(1_000):
                await connection.receive()
            nursery.cancel_scope.cancel()
    assert len(turns) > 900


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (frame(TEXT, b"whole")[:4], frame(TEXT, b"whole")[4:]),
        (frame(TEXT, b"who", last=False), frame(CONTINUATION, b"le")),
    ],
)
async def test_a_message_has_the_stamp_of_its_last_byte(autojump_clock, first, last):
    async with virtual_hub() as (connection, peer), trio.open_nursery() as nursery:

        async def say():
            await peer.send(first)
            await trio.sleep(2.0)
            await peer.send(last)

        nursery.start_soon(say)
        message = await connection.receive()
    assert message.text == "whole"
    assert message.arrival.at == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize("busy", [False, True])
async def test_a_message_in_pieces_that_came_before_a_deadline_counts_as_in_time(busy):
    peers = []

    async def script(peer: Peer):
        peers.append(peer)
        await peer.upgrade()
        await peer.until_gone()

    async def others():
        """Take longer at every turn than a look for what is unread may take."""
        while busy:
            block(2 * SECOND_LOOK_SECONDS)
            await trio.lowlevel.checkpoint()

    async with serving(script) as port, open_connection(at(port), Clock()) as connection:
        await wait_all_tasks_blocked()
        deadline = trio.current_time() + 0.02
        await peers[0].send(*FRAGMENTS)
        block(0.05)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            message = await receive_until(connection, deadline)
            assert message is not None
            assert message.text == "in three pieces"
            assert await receive_until(connection, deadline) is None
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_look_ends_as_soon_as_the_kernel_holds_nothing_more(encrypted, monkeypatch):
    monkeypatch.setattr(module, "SECOND_LOOK_SECONDS", 60.0)
    monkeypatch.setattr(module, "LAST_LOOK_SECONDS", 60.0)
    tls, client_tls = both_sides(encrypted=encrypted)
    peers = []

    async def script(peer: Peer):
        peers.append(peer)
        await peer.upgrade()
        await peer.until_gone()

    async with serving(script, tls) as port, open_connection(at(port, client_tls), Clock()) as connection:
        assert await connection.look_again() is None
        # The second is for TLS: both come with one read of the socket.
        await peers[0].send(frame(TEXT, b"1"), frame(TEXT, b"2"))
        await wait_all_tasks_blocked()
        looks = [await connection.look_again() for _ in range(2)]
        assert [look.text for look in looks if look is not None] == ["1", "2"]
        assert await connection.look_again() is None


async def test_a_mistake_in_the_middle_of_a_message_ends_the_connection_at_once():
    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"\xff", last=False))
        await peer.until_gone()

    async with serving(script) as port:
        lost, _ = await end_of(at(port))
    assert lost.reason == "protocol"
