"""When bytes arrived: the kernel's word where there is one, and what a busy loop makes of it."""

import os
import socket
import struct
import sys
import time
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from tests.support.raw_server import (
    Peer,
    at,
    block,
    both_sides,
    receive_until,
    received,
    serving,
    virtual_hub,
)
from tests.support.wire import CLOSE, TEXT, close_frame, frame
from watchdog.hub.stamped_stream import _SO_TIMESTAMPNS, StampedStream
from watchdog.hub.websocket import open_connection
from watchdog.runtime.clock import Clock

BUSY_SECONDS = 0.25
NEAR_SECONDS = 0.05
"""How far a stamp may be from the truth: far less than the loop was busy."""


@pytest.fixture(scope="module", autouse=True)
def _kernel_stamps():
    """Keeps the kernel stamping: it begins only a moment after the first socket asked for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for _ in range(500):
            ours.send(b"?")
            sent_wall = time.time()
            block(0.004)
            _, ancillary, _, _ = theirs.recvmsg(1, 64)
            if ancillary:
                seconds, nanoseconds = struct.unpack_from("@qq", ancillary[0][2])
                if seconds + nanoseconds / 1e9 < sent_wall + 0.002:
                    break
        yield


@asynccontextmanager
async def tcp(clock):
    """A stream under test, and the stdlib socket at its other end, which sends without Trio's leave."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = await trio.open_tcp_stream(*server.getsockname())
        other, _ = server.accept()
    with other:
        async with StampedStream(stream, clock) as arrival:
            yield arrival, other


@asynccontextmanager
async def hub(clock, tls=None, client_tls=None):
    """An open connection, and a function that sends a text on it at once, without a step of the loop."""
    peers = []

    async def script(peer: Peer):
        peers.append(peer)
        await peer.upgrade()
        assert (await peer.frame())[0] == CLOSE
        await peer.send(close_frame(1000))

    def send(text):
        data, stream = frame(TEXT, text.encode()), peers[0].stream
        if tls is not None:
            # The record is encrypted by hand, since Trio sends only with a step of the loop.
            stream._ssl_object.write(data)
            data, stream = stream._outgoing.read(), stream.transport_stream
        os.write(stream.socket.fileno(), data)

    async with serving(script, tls) as port, trio.open_nursery() as nursery:
        nursery.start_soon(clock.beat)
        async with open_connection(at(port, client_tls), clock) as connection:
            await wait_all_tasks_blocked()
            yield connection, send
        nursery.cancel_scope.cancel()


@contextmanager
def sending():
    """The instants before and after something is sent, on both clocks: apart, on a busy machine."""
    instants = [(trio.current_time(), time.time())]
    yield instants
    instants.append((trio.current_time(), time.time()))


def assert_within(arrival, before, after):
    for stamp, earliest, latest in zip((arrival.at, arrival.wall), before, after, strict=True):
        assert earliest - NEAR_SECONDS <= stamp <= latest + NEAR_SECONDS


# --- the stamp


async def test_a_busy_loop_does_not_bend_the_kernels_stamp():
    async with tcp(Clock()) as (stream, other):
        with sending() as sent:
            other.send(b"hello")
        block(BUSY_SECONDS)
        assert await stream.receive_some() == b"hello"
    assert_within(stream.arrival, *sent)


async def test_without_the_kernels_word_bytes_arrive_when_they_are_read(mock_clock):
    ours, theirs = memory_stream_pair()
    clock = Clock(wall=lambda: 1000.0 + trio.current_time())
    stream = StampedStream(ours, clock)
    mock_clock.jump(5.0)
    await theirs.send_all(b"hello")
    mock_clock.jump(2.0)
    assert await stream.receive_some() == b"hello"
    assert (stream.arrival.at, stream.arrival.wall, stream.arrival.exact) == (7.0, 1007.0, True)


async def test_a_socket_that_stops_stamping_is_read_all_the_same():
    async with tcp(Clock()) as (stream, other):
        stream._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 0)
        before = trio.current_time()
        other.send(b"hello")
        assert await stream.receive_some(3) == b"hel"
        assert before <= stream.arrival.at <= trio.current_time()


async def test_no_kernel_but_linux_is_asked_to_stamp(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    async with tcp(Clock()) as (stream, other):
        assert stream._socket is None
        other.send(b"hello")
        assert await stream.receive_some() == b"hello"


async def test_a_kernel_that_refuses_to_stamp_is_no_obstacle(monkeypatch):
    monkeypatch.setattr("watchdog.hub.stamped_stream._SO_TIMESTAMPNS", 9999)
    async with tcp(Clock()) as (stream, other):
        assert stream._socket is None
        other.send(b"hello")
        assert await stream.receive_some() == b"hello"


@pytest.mark.parametrize("jump_seconds", [-3600.0, 3600.0])
async def test_a_wall_clock_that_is_set_moves_no_arrival_out_of_its_time(jump_seconds):
    offset = [0.0]
    clock = Clock(wall=lambda: time.time() + offset[0])
    async with tcp(clock) as (stream, other):
        other.send(b"first")
        await stream.receive_some()
        read_at = trio.current_time()
        other.send(b"second")
        offset[0] = jump_seconds
        await stream.receive_some()
        assert read_at - NEAR_SECONDS <= stream.arrival.at <= trio.current_time()
        other.send(b"third")
        read_at = trio.current_time()
        await stream.receive_some()
        assert read_at - NEAR_SECONDS <= stream.arrival.at <= trio.current_time()


async def test_arrivals_are_in_order_whatever_the_wall_clock_does():
    jumps = iter([0.0, 50.0, -50.0, 0.1, -0.1, 1e9, -1e9] * 4)
    clock = Clock(wall=lambda: time.time() + next(jumps))
    stamps = []
    async with tcp(clock) as (stream, other):
        for _ in range(20):
            other.send(b"x")
            await stream.receive_some()
            stamps.append(stream.arrival.at)
    assert stamps == sorted(stamps)


async def test_a_reset_breaks_the_stream():
    async with tcp(Clock()) as (stream, other):
        await stream.wait_send_all_might_not_block()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        other.close()
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()


async def test_an_end_is_passed_on():
    async with tcp(Clock()) as (stream, other):
        other.shutdown(socket.SHUT_WR)
        assert await stream.receive_some() == b""


async def test_reading_after_closing_says_so():
    async with tcp(Clock()) as (stream, _):
        await stream.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()


async def test_closing_ends_a_read_that_waits():
    async with tcp(Clock()) as (stream, _), trio.open_nursery() as nursery:

        async def read():
            with pytest.raises(trio.ClosedResourceError):
                await stream.receive_some()

        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        await stream.aclose()


# --- a message's stamp, and deadlines


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_message_that_came_before_a_deadline_the_loop_slept_through_counts_as_in_time(encrypted):
    tls, client_tls = both_sides(encrypted=encrypted)
    async with hub(Clock(), tls, client_tls) as (connection, send):
        deadline = trio.current_time() + 0.05
        with sending() as sent:
            send("in time")
        block(BUSY_SECONDS)
        message = await received(connection, deadline)
    assert message.text == "in time"
    assert_within(message.arrival, *sent)
    assert not message.arrival.exact


async def test_every_message_that_piled_up_is_received_after_the_deadline():
    async with hub(Clock()) as (connection, send):
        deadline = trio.current_time() + 0.05
        for number in range(5):
            send(str(number))
        block(BUSY_SECONDS)
        messages = [await received(connection, deadline) for _ in range(5)]
        assert [message.text for message in messages] == ["0", "1", "2", "3", "4"]
        assert not any(message.arrival.exact for message in messages)
        assert await receive_until(connection, deadline) is None


async def test_stamps_are_exact_again_after_a_stall():
    async with hub(Clock()) as (connection, send):
        send("during")
        block(BUSY_SECONDS)
        assert not (await received(connection, trio.current_time() + 60.0)).arrival.exact
        send("after")
        assert (await received(connection, trio.current_time() + 60.0)).arrival.exact


async def test_a_connection_opened_after_a_stall_has_exact_stamps():
    clock = Clock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.beat)
        await wait_all_tasks_blocked()
        block(BUSY_SECONDS)
        clock.now()
        nursery.cancel_scope.cancel()
    assert clock.stall_seconds > 0.0
    async with tcp(clock) as (stream, other):
        other.send(b"x")
        await stream.receive_some()
        assert stream.arrival.exact


async def test_nothing_comes_of_a_deadline_that_passes(autojump_clock):
    async with virtual_hub() as (connection, _):
        assert await receive_until(connection, 5.0) is None
        assert trio.current_time() == pytest.approx(5.0, abs=0.01)
        assert await receive_until(connection, 1.0) is None
        assert trio.current_time() == pytest.approx(5.0, abs=0.02)


async def test_a_message_ends_the_wait_for_a_deadline(autojump_clock):
    async with virtual_hub() as (connection, peer), trio.open_nursery() as nursery:

        async def send_later():
            await trio.sleep(2.0)
            await peer.send(frame(TEXT, b"now"))

        nursery.start_soon(send_later)
        message = await received(connection, 5.0)
        assert message.text == "now"
        assert message.arrival.at == pytest.approx(2.0, abs=0.001)
        assert message.arrival.exact
