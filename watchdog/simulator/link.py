"""One TCP connection, as the faults need it."""

# ruff: noqa: D102 (the methods of a stream are documented by Trio)

import trio

SEND_TIMEOUT_SECONDS = 5.0

GONE = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What reading and writing raise once the connection has ended, on either side."""


class Link(trio.abc.HalfCloseableStream):
    """One TCP connection that can be broken at once, and whose sending takes a bounded time."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        # The answer to a ping, or the end, may fall into the sending of an update.
        self._sending = trio.StrictFIFOLock()

    def abort(self) -> None:
        """Break the connection; whoever reads or writes gets `trio.ClosedResourceError`."""
        self._stream.socket.close()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        with trio.move_on_after(SEND_TIMEOUT_SECONDS):
            async with self._sending:
                await self._stream.send_all(data)
            return
        self.abort()
        raise trio.BrokenResourceError

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        async with self._sending:
            await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()
