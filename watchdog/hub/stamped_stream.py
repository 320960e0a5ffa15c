"""The stream below a WebSocket, which stamps what arrives."""

import select
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trio

from watchdog.core.arrival import Arrival
from watchdog.runtime.clock import Clock

# The socket module names neither of these; the value is the same on every Linux architecture in use.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_NANOSECONDS = 1e9
_READ_BYTES = 64 * 1024


class StampedStream(trio.abc.Stream):
    """Passes a stream's bytes through and keeps the stamp of the last ones received.

    On Linux, over TCP, the stamp is the kernel's own (SO_TIMESTAMPNS), so a busy loop can't distort it.
    """

    def __init__(self, inner: trio.abc.Stream, clock: Clock) -> None:
        """Take over a stream, which must not be used directly from now on."""
        self._inner, self._socket = _with_kernel_stamps(inner)
        self._clock = clock
        self._read_at = clock.now()
        self._look: trio.CancelScope | None = None
        self.drained = False
        self.arrival = Arrival(self._read_at, clock.wall(), exact=True)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive bytes, keep their stamp, and pass them on."""
        sock = self._socket
        if sock is None:
            self.drained = True
            data = bytes(await self._inner.receive_some(max_bytes))
            self._keep_stamp(None)
            return data
        received = None
        while received is None:
            if sock.fileno() < 0:
                raise trio.ClosedResourceError
            if self._look is not None and not _is_readable(sock):
                self.drained = True
                self._look.cancel()
            await trio.lowlevel.wait_readable(sock)
            received = _receive_stamped(sock, max_bytes or _READ_BYTES)
        data, stamped_wall = received
        self._keep_stamp(stamped_wall)
        return data

    @contextmanager
    def looking(self, look: trio.CancelScope) -> Iterator[None]:
        """While this lasts, let a read that would have to wait end the look instead, and set `drained`.

        Where the kernel can't be asked, the read waits, and `drained` is true once it does.
        """
        self._look, self.drained = look, False
        try:
            yield
        finally:
            self._look = None

    def _keep_stamp(self, stamped_wall: float | None) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        exact = self._clock.stalled_until <= self._read_at
        if stamped_wall is None:
            stamped_wall = wall
        # A wall clock that was set in the meantime must not move an arrival out of its own time.
        at = min(max(now - (wall - stamped_wall), self._read_at), now)
        self._read_at = now
        self.arrival = Arrival(at, stamped_wall, exact)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send over the underlying stream."""
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the underlying stream does."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the underlying stream."""
        await self._inner.aclose()


def _with_kernel_stamps(stream: trio.abc.Stream) -> tuple[trio.abc.Stream, socket.socket | None]:
    """The stream to use, and its socket if the kernel stamps what arrives there."""
    if not sys.platform.startswith("linux") or not isinstance(stream, trio.SocketStream):
        return stream, None
    # Trio's own calls try to read first and wait only if there is nothing. For a feed's update that is two
    # system calls too many. So the socket changes hands, and both sides know it from now on.
    known = stream.socket
    sock = socket.socket(known.family, known.type, known.proto, fileno=known.detach())
    sock.settimeout(0.0)
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        return trio.SocketStream(trio.socket.from_stdlib_socket(sock)), sock
    return trio.SocketStream(trio.socket.from_stdlib_socket(sock)), None


def _is_readable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _receive_stamped(sock: socket.socket, max_bytes: int) -> tuple[bytes, float | None] | None:
    """What a readable socket holds, and the kernel's stamp; None if it was not readable after all."""
    try:
        data, ancillary, _, _ = sock.recvmsg(max_bytes, _ANCILLARY_BYTES)
    except BlockingIOError:
        return None
    except OSError as error:
        if sock.fileno() < 0:
            raise trio.ClosedResourceError from error
        raise trio.BrokenResourceError(str(error)) from error
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(value)
            return data, seconds + nanoseconds / _NANOSECONDS
    return data, None
