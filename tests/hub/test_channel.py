"""The owner of a socket: when bytes arrived, whatever our loop did; reading, sending, and how they end."""

import socket
import ssl
import struct
import sys
import time

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.raw_server import Authority, block
from tests.support.socket_pairs import BUSY_SECONDS, PATIENCE_SECONDS, tcp, unix
from watchdog.hub import channel as module
from watchdog.hub.channel import _SO_TIMESTAMPNS, READ_BYTES, Channel
from watchdog.hub.tls import Tls
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.clock import Clock

NEAR_SECONDS = 0.05
"""How far a stamp may be from the truth: far less than the loop was busy."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


pytestmark = pytest.mark.usefixtures("kernel_stamps")


@pytest.fixture
def reads_of_4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a read take so many bytes at most."""
    buffer = memoryview(bytearray(4))
    monkeypatch.setattr(module, "READ_BYTES", len(buffer))
    monkeypatch.setattr(module, "_BUFFER", buffer)
    monkeypatch.setattr(module, "_BUFFERS", [buffer])


# --- the stamp


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_busy_loop_does_not_bend_the_kernels_stamp(encrypted):
    with tcp() as pair:
        if encrypted:
            await pair.secure()
        sent_at, sent_wall = trio.current_time(), time.time()
        pair.send(b"hello")
        block(BUSY_SECONDS)
        assert pair.channel.read() == b"hello"
        assert pair.channel.stamped
    assert pair.channel.arrival.at == pytest.approx(sent_at, abs=NEAR_SECONDS)
    assert pair.channel.arrival.wall == pytest.approx(sent_wall, abs=NEAR_SECONDS)


async def test_without_the_kernels_word_bytes_arrive_when_they_are_read(mock_clock):
    with unix(Clock(wall=lambda: 1000.0 + trio.current_time())) as pair:
        assert not pair.channel.stamped
        mock_clock.jump(5.0)
        pair.send(b"hello")
        mock_clock.jump(2.0)
        assert pair.channel.read() == b"hello"
        arrival = pair.channel.arrival
    assert (arrival.at, arrival.wall, arrival.exact) == (7.0, 1007.0, True)


async def test_of_what_is_read_at_once_the_last_is_stamped():
    with tcp() as pair:
        pair.send(b"first ")
        block(BUSY_SECONDS)
        sent_at = trio.current_time()
        pair.send(b"second")
        block(BUSY_SECONDS)
        data = b""
        while len(data) < len(b"first second"):
            data += pair.channel.read() or b""
        assert data == b"first second"
    assert pair.channel.arrival.at == pytest.approx(sent_at, abs=NEAR_SECONDS)


async def test_a_socket_that_stops_stamping_is_read_all_the_same():
    with tcp() as pair:
        with socket.socket(fileno=socket.dup(pair.channel.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 0)
        before = trio.current_time()
        pair.send(b"hello")
        assert pair.channel.read() == b"hello"
        assert before <= pair.channel.arrival.at <= trio.current_time()


async def test_no_kernel_but_linux_is_asked_to_stamp(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with tcp() as pair:
        assert not pair.channel.stamped
        pair.send(b"hello")
        assert pair.channel.read() == b"hello"


async def test_a_kernel_that_refuses_to_stamp_is_no_obstacle(monkeypatch):
    monkeypatch.setattr(module, "_SO_TIMESTAMPNS", 9999)
    with tcp() as pair:
        assert not pair.channel.stamped
        pair.send(b"hello")
        assert pair.channel.read() == b"hello"


@pytest.mark.parametrize("jump_seconds", [-3600.0, 3600.0])
async def test_a_wall_clock_that_is_set_moves_no_arrival_out_of_its_time(jump_seconds):
    offset = [0.0]
    with tcp(Clock(wall=lambda: time.time() + offset[0])) as pair:
        pair.send(b"first")
        pair.channel.read()
        read_at = trio.current_time()
        pair.send(b"second")
        offset[0] = jump_seconds
        pair.channel.read()
        assert read_at - NEAR_SECONDS <= pair.channel.arrival.at <= trio.current_time()
        pair.send(b"third")
        read_at = trio.current_time()
        pair.channel.read()
        assert read_at - NEAR_SECONDS <= pair.channel.arrival.at <= trio.current_time()


async def test_arrivals_are_in_order_whatever_the_wall_clock_does():
    jumps = iter([0.0, 50.0, -50.0, 0.1, -0.1, 1e9, -1e9] * 4)
    stamps = []
    with tcp(Clock(wall=lambda: time.time() + next(jumps))) as pair:
        for _ in range(20):
            pair.send(b"x")
            pair.channel.read()
            stamps.append(pair.channel.arrival.at)
    assert stamps == sorted(stamps)


# --- stalls of our own


@pytest.mark.parametrize("encrypted", [False, True])
async def test_what_came_during_a_stall_is_inexact_but_stamped_by_the_kernel(encrypted):
    with tcp() as pair:
        if encrypted:
            await pair.secure()
        sent_at = trio.current_time()
        pair.send(b"during")
        pair.stall()
        assert pair.channel.read() == b"during"
        assert not pair.channel.arrival.exact
    assert pair.channel.arrival.at == pytest.approx(sent_at, abs=NEAR_SECONDS)


async def test_stamps_are_exact_again_after_a_stall():
    with tcp() as pair:
        pair.send(b"during")
        pair.stall()
        pair.channel.read()
        pair.send(b"after")
        pair.channel.read()
        assert pair.channel.arrival.exact


@pytest.mark.parametrize("stalls", [False, True])
async def test_of_what_takes_several_reads_only_the_last_can_be_exact(reads_of_4, stalls):
    """The kernel joins segments that wait, and keeps the stamp of the last."""
    with tcp() as pair:
        begun_at = trio.current_time()
        pair.send(b"0123")
        block(BUSY_SECONDS)
        sent_at = trio.current_time()
        pair.send(b"45")
        (pair.stall if stalls else pair.arrived)()
        assert pair.channel.read() == b"0123"
        first = pair.channel.arrival
        assert not pair.channel.drained
        assert pair.channel.read() == b"45"
        last = pair.channel.arrival
        assert pair.channel.drained
    assert begun_at - NEAR_SECONDS <= first.at <= last.at
    assert last.at == pytest.approx(sent_at, abs=NEAR_SECONDS)
    assert (first.exact, last.exact) == (False, not stalls)


async def test_a_connection_opened_after_a_stall_has_exact_stamps():
    with tcp() as before:
        before.stall()
        assert before.stalls.seconds > 0.0
        with tcp() as pair:
            pair.stalls.until = before.stalls.until
            pair.send(b"x")
            pair.channel.read()
            assert pair.channel.arrival.exact


# --- reading and its end


async def test_reading_never_waits_and_says_when_the_kernel_holds_no_more():
    with tcp() as pair:
        assert pair.channel.read() is None
        assert pair.channel.drained
        pair.send(b"x" * (READ_BYTES + 1))
        size = 0
        while size <= READ_BYTES:
            pair.arrived()
            data = pair.channel.read()
            assert data
            assert pair.channel.drained == (len(data) < READ_BYTES)
            size += len(data)
        assert pair.channel.read() is None
        assert pair.channel.drained


async def test_a_reset_is_an_end_like_another():
    with tcp() as pair:
        pair.other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        pair.other.close()
        with trio.fail_after(PATIENCE_SECONDS):
            assert await pair.channel.receive() == b""
        assert pair.channel.read() == b""
        assert pair.channel.failure is None


async def test_an_end_is_passed_on():
    with tcp() as pair:
        pair.send(b"last words")
        pair.other.shutdown(socket.SHUT_WR)
        assert await pair.channel.receive() == b"last words"
        assert await pair.channel.receive() == b""
        assert pair.channel.read() == b""


async def test_reading_after_closing_is_reading_the_end():
    with tcp() as pair:
        assert pair.channel.fileno() >= 0
        pair.channel.close()
        pair.channel.close()
        assert pair.channel.fileno() == -1
        assert pair.channel.read() == b""


async def test_closing_ends_a_read_that_waits():
    with tcp() as pair:

        async def read() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await pair.channel.receive()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            pair.channel.close()


async def test_whoever_waits_for_bytes_of_a_flood_still_gives_the_loop_back():
    with tcp() as pair:
        pair.send(b"x")
        with trio.CancelScope() as scope:
            scope.cancel()
            await pair.channel.receive()
        assert scope.cancelled_caught
        assert await pair.channel.receive() == b"x"


async def test_a_goodbye_of_tls_behind_the_last_words_is_found_by_the_next_read():
    with tcp() as pair:
        await pair.secure()
        pair.says_goodbye(b"last words")
        assert pair.channel.read() == b"last words"
        with trio.fail_after(PATIENCE_SECONDS):
            await pair.channel.wait_readable()
        assert pair.channel.read() == b""
        assert pair.channel.failure is None


async def test_the_failure_of_tls_is_kept():
    with tcp() as pair:
        await pair.secure()
        pair.other.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        assert await pair.channel.receive() == b""
        assert str(pair.channel.failure) == "tls: DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
        # The hub hears of it as well.
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            pair.hears()


# --- sending and its end


def fill(channel: Channel) -> int:
    """Writes until the kernel takes no more; how much that was."""
    written = 0
    while not channel.unsent:
        channel.write(b"x" * READ_BYTES)
        written += READ_BYTES
    return written


@pytest.mark.parametrize("pair_of", [tcp, unix])
async def test_what_the_kernel_does_not_take_is_kept_in_order(pair_of):
    with pair_of() as pair:
        written = fill(pair.channel)
        pair.channel.write(b"the end")
        assert pair.channel.unsent.endswith(b"xthe end")
        unsent = len(pair.channel.unsent)
        pair.channel.flush()
        assert len(pair.channel.unsent) <= unsent
        heard = b""
        while len(heard) < written + len(b"the end"):
            heard += pair.other.recv(READ_BYTES)
            pair.channel.flush()
        assert pair.channel.unsent == b""
        assert heard == b"x" * written + b"the end"


async def test_sending_waits_for_the_kernel():
    with tcp() as pair:
        size = 0

        async with trio.open_nursery() as nursery:
            nursery.start_soon(pair.channel.send, b"x" * 20_000_000)
            while size < 20_000_000:
                await wait_all_tasks_blocked()
                size += len(pair.other.recv(10_000_000))
        assert pair.channel.unsent == b""


@pytest.mark.parametrize("encrypted", [False, True])
async def test_writing_to_one_who_is_gone_is_no_error(encrypted):
    with tcp() as pair:
        if encrypted:
            await pair.secure()
        pair.other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        pair.other.close()
        pair.arrived()
        for _ in range(3):
            pair.channel.write(b"anybody there?")
            assert pair.channel.unsent == b""
        await pair.channel.send(b"nobody")
        assert pair.channel.read() == b""


async def test_closing_says_goodbye_under_tls():
    with tcp() as pair:
        await pair.secure()
        pair.channel.write(b"last words")
        pair.channel.close()
        assert pair.hears_a_goodbye()


async def test_closing_says_no_goodbye_behind_what_was_not_sent():
    with tcp() as pair:
        await pair.secure()
        fill(pair.channel)
        pair.channel.close()
        assert not pair.hears_a_goodbye()


async def test_a_server_that_is_not_trusted_gets_an_alert_and_the_socket_can_be_closed():
    with tcp() as pair:
        server = Authority().server().wrap_bio(pair.incoming, pair.outgoing, server_side=True)
        pair.tls = server
        lost = []

        async def secure() -> None:
            with pytest.raises(ConnectionLostError) as error:
                await pair.channel.secure(Tls(ssl.create_default_context(), "127.0.0.1"))
            lost.append(error.value)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(secure)
            await wait_all_tasks_blocked()
            assert not pair.shakes_hands()
        with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
            pair.hears()
    assert lost[0].reason == "tls"
