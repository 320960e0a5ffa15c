"""The stream that the WebSocket library is given: the upgrade, and later only what is meant for it."""

import re

import trio

_HTTP_HEAD = re.compile(rb"HTTP/\d\.\d (\d{3})\b.*?\r?\n\r?\n", re.DOTALL)
SWITCHING_PROTOCOLS = 101


class LibraryStream(trio.abc.Stream):
    """Lets the library read the upgrade, and from then on only the bytes handed over to it.

    All others the task that they are meant for reads from the stream beneath: a message that goes through
    the library's own task and a channel costs twice as much. After `release` the library reads by itself.

    `status` is the hub's HTTP status, None before the whole head of its answer is there. `failed` is set
    once the upgrade can't come about any more, `closed` when it was our side that closed; `released`
    and `finished` once the library reads by itself, and no more.
    """

    def __init__(self, inner: trio.abc.Stream) -> None:
        self._inner = inner
        self._answer: bytearray | None = bytearray()
        self._given = b""
        self._rest = b""
        # The library waits to be given something: else it deals with what it was given, or is gone.
        self._idle = False
        self.released = False
        self.finished = False
        # Set when any of these has changed, for the one of the two tasks that waits for the other.
        self._changed = trio.Event()
        self.status: int | None = None
        self.failed = trio.Event()
        self.closed = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What the library gets to read."""
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
        """What came in one piece with the end of the upgrade, and is not of it."""
        rest, self._rest = self._rest, b""
        return rest

    async def hand_over(self, data: bytes) -> None:
        """Give the library bytes, once it waits for them; cancelled, it has not got them."""
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
        """Tell that the library reads no more."""
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
                # What follows in the same segment are frames, and they are not the library's.
                end = head.end() - begin
                data, self._rest = data[:end], bytes(data[end:])
        # The body of a rejection is of no interest, and it may be without an end.
        if not data or self.status not in (None, SWITCHING_PROTOCOLS):
            self.failed.set()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send as the stream beneath does."""
        try:
            await self._inner.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.failed.set()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream beneath does."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream beneath."""
        self.closed = True
        self.failed.set()
        self.finish()
        await self._inner.aclose()
