"""A channel over a pair of sockets, plain or under TLS; the other end needs no step of Trio."""

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.raw_server import block, both_sides
from watchdog.hub.channel import READ_BYTES, Channel
from watchdog.hub.tls import Tls
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

BUSY_SECONDS = 0.25
"""More than a stall lasts."""

PATIENCE_SECONDS = 60.0


class Pair:
    """A channel, and the other end of its socket, which sends without a step of Trio."""

    def __init__(self, ours: socket.socket, other: socket.socket, clock: Clock) -> None:
        self.stalls = Stalls(clock)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        self.channel = Channel(stream, clock, self.stalls)
        self.other = other
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def send(self, data: bytes) -> None:
        """Sends, and waits until the kernel has it at the channel's end."""
        if self.tls is not None:
            self.tls.write(data)
            data = self.outgoing.read()
        self.other.sendall(data)
        self.arrived()

    def arrived(self) -> None:
        assert select.select([self.channel.fileno()], [], [], PATIENCE_SECONDS)[0]

    def says_goodbye(self, last_words: bytes) -> None:
        """Sends text and close_notify in one segment, and leaves the socket open."""
        assert self.tls is not None
        self.tls.write(last_words)
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.other.sendall(self.outgoing.read())
        self.arrived()

    async def secure(self) -> None:
        """Has both sides speak TLS."""
        server_context, client_context = both_sides(encrypted=True)
        assert server_context is not None
        assert client_context is not None
        self.tls = server_context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.channel.secure, Tls(client_context, "127.0.0.1"))
            done = False
            while not done:
                await wait_all_tasks_blocked()
                done = self.shakes_hands()
        while self.channel.read() is not None:
            pytest.fail("session tickets say nothing")

    def hears(self) -> bytes | None:
        """The next text of the client under TLS; None after its goodbye."""
        assert self.tls is not None
        self.incoming.write(self.other.recv(READ_BYTES))
        try:
            return self.tls.read(READ_BYTES) or None
        except ssl.SSLZeroReturnError:
            return None

    def hears_a_goodbye(self) -> bool:
        """Whether there is one of TLS in all that comes until the socket's end."""
        assert self.tls is not None
        while data := self.other.recv(READ_BYTES):
            self.incoming.write(data)
        try:
            while self.tls.read(READ_BYTES):
                pass
        except ssl.SSLWantReadError:
            return False
        return True

    def shakes_hands(self) -> bool:
        """Whether the handshake is done with what the client has sent."""
        assert self.tls is not None
        self.incoming.write(self.other.recv(READ_BYTES))
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self.other.sendall(self.outgoing.read())
        return True

    def stall(self) -> None:
        """Has the loop held for longer than a stall lasts, and that noticed."""
        self.stalls.expected_at = self.stalls.catch_up()
        block(BUSY_SECONDS)
        self.stalls.catch_up()


@contextmanager
def tcp(clock: Clock | None = None) -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    other.settimeout(PATIENCE_SECONDS)
    with other:
        pair = Pair(ours, other, clock or Clock())
        try:
            yield pair
        finally:
            pair.channel.close()


@contextmanager
def unix(clock: Clock | None = None) -> Iterator[Pair]:
    """Sockets that no kernel stamps."""
    ours, other = socket.socketpair()
    other.settimeout(PATIENCE_SECONDS)
    with other:
        pair = Pair(ours, other, clock or Clock())
        try:
            yield pair
        finally:
            pair.channel.close()
