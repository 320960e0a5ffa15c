"""The stream that the WebSocket library reads: the upgrade, and later only what is meant for it."""

# The library's task and the game's task meet here. What the library reads depends on the phase:
#
#   answer    `_answer` holds the head of the hub's answer so far, and bytes go through as they come. Once a
#             101 is complete, what follows it is kept in `_rest`, because that consists of frames. Any other
#             status, and the end of the stream, set `failed`.
#   handing   The library waits in `receive_some`, and is `_idle`. `hand_over` gives it bytes, one piece at a
#             time. `dealt_with` waits until it is idle again and has made of them what it can.
#   released  `receive_some` returns `_rest` first, and then reads the underlying stream.
#   finished  The library reads no more, or its task is gone.
#
# `_changed` is one event for all of that. It is replaced whenever it is set, and each waiter looks at the
# state again when it wakes up.

import re

import trio

_HTTP_HEAD = re.compile(rb"HTTP/\d\.\d (\d{3})\b.*?\r?\n\r?\n", re.DOTALL)
SWITCHING_PROTOCOLS = 101


class LibraryStream(trio.abc.Stream):
    """Lets the library read the upgrade, and from then on only the bytes handed over to it.

    The game's task reads all others from the underlying stream, because a message that goes through the
    library's own task and a channel costs twice as much. After `release` the library reads by itself.

    `status` is the hub's HTTP status, or None until the whole head of its answer is there. `failed` is set
    once the upgrade can't happen any more, and `closed` when our side closed. `released` means that the
    library reads by itself, and `finished` that it reads no more.
    """

    def __init__(self, inner: trio.abc.Stream) -> None:
        self._inner = inner
        self._answer: bytearray | None = bytearray()
        self._given = b""
        self._rest = b""
        # The library waits to be given something. Otherwise it deals with what it was given, or is gone.
        self._idle = False
        self.released = False
        self.finished = False
        # Set when any of these has changed, for the task that waits for the other one.
        self._changed = trio.Event()
        self.status: int | None = None
        self.failed = trio.Event()
        self.closed = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """The bytes that the library gets to read."""
        if self._answer is not None:
            return await self._receive_answer(self._answer, max_bytes)
        self._idle = True
        self._tell()
        while not (self._given or self.released):
            if self.closed:
                raise trio.ClosedResourceError
            await self._changed.wait()
        self._idle = False
        if self._given:
            given, self._given = self._given, b""
            return given
        return self.take_rest() or await self._inner.receive_some(max_bytes)

    def take_rest(self) -> bytes:
        """What came in one piece with the end of the upgrade and is no part of it; it is forgotten here."""
        rest, self._rest = self._rest, b""
        return rest

    async def hand_over(self, data: bytes) -> None:
        """Give the library bytes once it waits for them; if this is cancelled, it has not got them."""
        await self.dealt_with()
        self._given = data
        self._tell()

    async def dealt_with(self) -> None:
        """Wait until the library has dealt with what it was given, or reads no more."""
        while not (self.finished or (self._idle and not self._given)):
            await self._changed.wait()

    def release(self, rest: bytes) -> None:
        """Give the library these bytes, and let it read by itself from now on."""
        self._rest = rest
        self.released = True
        self._tell()

    def finish(self) -> None:
        """Mark that the library reads no more."""
        self.finished = True
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def _receive_answer(self, answer: bytearray, max_bytes: int | None) -> bytes | bytearray:
        try:
            data = await self._inner.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.failed.set()
            raise
        begin = len(answer)
        answer += data
        if head := _HTTP_HEAD.match(answer):
            self.status = int(head[1])
            self._answer = None
            if self.status == SWITCHING_PROTOCOLS:
                # Frames follow in the same segment, and they are not the library's.
                end = head.end() - begin
                data, self._rest = data[:end], bytes(data[end:])
        # Nobody needs the body of a rejection, and it may never end.
        if not data or self.status not in (None, SWITCHING_PROTOCOLS):
            self.failed.set()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send over the underlying stream."""
        try:
            await self._inner.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.failed.set()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the underlying stream does."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the underlying stream."""
        self.closed = True
        self.failed.set()
        self.finish()
        await self._inner.aclose()
