"""A stream that knows when its bytes arrived: from the kernel where it says so."""

import errno
import socket
import struct
import sys
from contextlib import suppress

import trio
from msgspec import Struct

from watchdog.clock import Clock

# The socket module names neither of these; the value is the same on every Linux architecture in use.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_NANOSECONDS = 1e9


class Stamp(Struct, frozen=True, gc=False):
    """When bytes arrived: seconds of the monotonic clock, UNIX seconds.

    `exact` is false when they were read after a stall of our loop, during which they may have piled up.
    """

    at: float
    wall: float
    exact: bool


class ArrivalStream(trio.abc.Stream):
    """Passes a stream's bytes through and keeps the stamp of the last ones received.

    On Linux, over TCP, the stamp is the kernel's own (SO_TIMESTAMPNS): a busy loop does not bend it.
    `ended` is set once nothing more will ever be received, `closed` when it was our side that closed.
    While `limit_bytes` is set, a peer that sends more than that is cut off.
    """

    def __init__(self, inner: trio.abc.Stream, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._socket = _with_kernel_stamps(inner)
        self._read_at = clock.now()
        self.stamp = Stamp(self._read_at, clock.wall(), exact=True)
        self.limit_bytes: int | None = None
        self.closed = False
        self.ended = trio.Event()
        self._received_bytes = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive, stamp, and pass on."""
        stamped_wall: float | None = None
        try:
            if self._socket is None:
                data = bytes(await self._inner.receive_some(max_bytes))
            else:
                data, stamped_wall = await _receive_stamped(self._socket, max_bytes or 65_536)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        if not data:
            self.ended.set()
        self._received_bytes += len(data)
        if self.limit_bytes is not None and self._received_bytes > self.limit_bytes:
            self.ended.set()
            message = f"more than {self.limit_bytes} bytes"
            raise trio.BrokenResourceError(message)
        self._keep_stamp(stamped_wall)
        return data

    def _keep_stamp(self, stamped_wall: float | None) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        exact = self._clock.stalled_until <= self._read_at
        if stamped_wall is None:
            stamped_wall = wall
        # A wall clock that was set meanwhile must not move an arrival out of its own time.
        at = min(max(now - (wall - stamped_wall), self._read_at), now)
        self._read_at = now
        self.stamp = Stamp(at, stamped_wall, exact)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send as the stream beneath does."""
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream beneath does."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream beneath."""
        self.closed = True
        self.ended.set()
        await self._inner.aclose()


def _with_kernel_stamps(stream: trio.abc.Stream) -> trio.socket.SocketType | None:
    if not sys.platform.startswith("linux") or not isinstance(stream, trio.SocketStream):
        return None
    with suppress(OSError):
        stream.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        return stream.socket
    return None


async def _receive_stamped(sock: trio.socket.SocketType, max_bytes: int) -> tuple[bytes, float | None]:
    try:
        data, ancillary, _, _ = await sock.recvmsg(max_bytes, _ANCILLARY_BYTES)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise trio.ClosedResourceError from error
        raise trio.BrokenResourceError(str(error)) from error
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(value) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(value)
            return data, seconds + nanoseconds / _NANOSECONDS
    return data, None
