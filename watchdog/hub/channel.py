"""The one owner of a socket to the hub: it stamps what arrives, and never waits while it reads or sends."""

import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress

import trio

from watchdog.core.arrival import Arrival
from watchdog.hub.tls import Tls
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

READ_BYTES = 64 * 1024
"""How much is read at once."""

MAX_UNSENT_BYTES = 256 * 1024
"""How much may wait for a hub that reads nothing: more than we ever have to say to one that does."""

# The socket module names neither of these; the value is the same on every Linux architecture in use.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_NANOSECONDS = 1e9

# One for all connections: a buffer for each read would be cut down to the size of an update each time, and
# what is left of it tears holes into the heap.
_BUFFER = memoryview(bytearray(READ_BYTES))
_BUFFERS = [_BUFFER]


class Channel:
    """A connected socket, plain or under TLS.

    On Linux, over TCP, an arrival is stamped by the kernel (SO_TIMESTAMPNS), and `stamped` is true: then it
    does not matter when the bytes are read. Elsewhere the time of reading counts.
    """

    def __init__(self, stream: trio.SocketStream, clock: Clock, stalls: Stalls) -> None:
        """Take the socket over from a stream, which is of no more use then."""
        theirs = stream.socket
        family, kind, protocol = theirs.family, theirs.type, theirs.proto
        self._socket = socket.socket(family, kind, protocol, fileno=theirs.detach())
        self._socket.setblocking(False)  # noqa: FBT003 - so the standard library has it
        self.stamped = _ask_for_stamps(self._socket)
        self._clock = clock
        self._stalls = stalls
        self._tls: Tls | None = None
        # What is read next arrived after this.
        self._unread_since = clock.now()
        self.arrival = Arrival(self._unread_since, clock.wall())
        """When the last bytes arrived."""
        self.drained = True
        """Whether the last read took all that the kernel held."""
        self.failure: ConnectionLostError | None = None
        """What ended the connection behind the last bytes read; None where nothing is known of it."""
        self.unsent = b""
        """What the kernel has not taken yet of what was written."""

    def fileno(self) -> int:
        """The socket's number; -1 once it is closed."""
        return self._socket.fileno()

    async def secure(self, tls: Tls) -> None:
        """Speak TLS from now on: shake hands.

        Raises:
            ConnectionLostError: `tls` or `closed`.

        """
        data: bytes | None = None
        try:
            while not tls.handshake(data):
                await self._send_raw(tls.data_to_send())
                data = await self.receive()
        finally:
            # Also the alert that tells the hub what is wrong with it.
            self._write_raw(tls.data_to_send())
        self._tls = tls

    async def receive(self) -> bytes:
        """The next bytes, waiting for them; `b""` at the end of the stream."""
        # Also when there are some already: whoever sends faster than they are read must not hold the loop.
        await trio.lowlevel.checkpoint()
        while (data := self.read()) is None:
            await self.wait_readable()
        return data

    async def wait_readable(self) -> None:
        """Wait until there is something to read, be it the end."""
        await trio.lowlevel.wait_readable(self._socket)

    def read(self) -> bytes | None:
        """What has arrived, up to 64 KiB; None while there is nothing, `b""` at the end of the stream.

        `arrival` then tells when the last of it arrived. How a connection ended under TLS is in `failure`.
        """
        try:
            size, ancillary, _, _ = self._socket.recvmsg_into(_BUFFERS, _ANCILLARY_BYTES)
        except BlockingIOError:
            self.drained = True
            return None
        except OSError:
            # A reset is an end like another.
            size, ancillary = 0, []
        self.drained = size < READ_BYTES
        data = bytes(_BUFFER[:size])
        self._stamp(ancillary)
        if self._tls is None:
            return data
        plain = self._tls.decrypt(data)
        self.failure = self._tls.failure
        if answer := self._tls.data_to_send():
            self._write_raw(answer)
            if len(self.unsent) > MAX_UNSENT_BYTES:
                # Each request for another handshake is refused in as many bytes as it takes, and no refusal
                # may be left out: for a hub that sends nothing else and reads nothing they would pile up.
                self.failure = ConnectionLostError("timeout", "the hub does not read what TLS answers")
                return b""
        if plain and self._tls.ended:
            # Whoever reads these bytes must find the end as well, though the hub may send no more of it.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)
        return plain

    def write(self, data: bytes) -> None:
        """Send as much as the kernel takes now; `unsent` has the rest, for `flush`."""
        self._write_raw(self._tls.encrypt(data) if self._tls is not None else data)

    def flush(self) -> None:
        """Send what the kernel takes now of what it did not take before."""
        while self.unsent:
            try:
                sent = self._socket.send(self.unsent)
            except BlockingIOError:
                return
            except OSError:
                # The end of the connection is read, and found there with its reason.
                self.unsent = b""
                return
            self.unsent = self.unsent[sent:]

    async def send(self, data: bytes) -> None:
        """Send all of it, waiting for the kernel to take it."""
        self.write(data)
        await self._send_raw(b"")

    def close(self) -> None:
        """Close the socket, with TLS's goodbye where the kernel takes it at once."""
        if self._socket.fileno() < 0:
            return
        if self._tls is not None and not self.unsent:
            self._write_raw(self._tls.close())
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()

    def _write_raw(self, data: bytes) -> None:
        self.unsent += data
        self.flush()

    async def _send_raw(self, data: bytes) -> None:
        self._write_raw(data)
        while self.unsent:
            await trio.lowlevel.wait_writable(self._socket)
            self.flush()

    def _stamp(self, ancillary: Sequence[tuple[int, int, bytes]]) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        stamped_wall = wall
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack_from(value)
                stamped_wall = seconds + nanoseconds / _NANOSECONDS
        # A wall clock that was set in the meantime must not move an arrival out of its own time.
        at = min(max(now - (wall - stamped_wall), self._unread_since), now)
        # Read after a stall of our own, updates may have piled up, and one stamp stands for all of them. The
        # same is true where more is unread: the kernel joins what waits, and keeps the last stamp.
        exact = self.drained and self._stalls.until <= self._unread_since
        self._unread_since = now if self.drained else at
        self.arrival = Arrival(at, stamped_wall, exact)


def _ask_for_stamps(sock: socket.socket) -> bool:
    if not sys.platform.startswith("linux") or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True
