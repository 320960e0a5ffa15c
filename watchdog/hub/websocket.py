"""One WebSocket to the hub; everything that can go wrong on it is mapped here to one named reason."""

# Two readers share one socket, and at any moment exactly one of them reads it:
#   upgrading  The library reads, in its own task (`run`), through a `LibraryStream`.
#   shared     The game's task reads (`receive`). `FrameReader` takes out each plain text message. Anything
#              else is a `Passthrough` for the library, whose `then` says what follows from it:
#                nothing   the library consumes it, as it does a ping or a fragment: read on
#                message   the library will yield a message (`_due`): fetch that before reading on
#                end       it can only end the connection: release
#                oversize  the same, but the library gets a close frame with 1009 in its place
#   released   The library reads by itself until the end. The end of the stream and `aclose` lead here too, so
#              the library decides how a connection ended. `_loss` maps that; only `_failure` overrules it.
# A deadline of the caller may cancel `receive` at any `await`, so no local variable keeps anything over one:
# `_foreign` is what the library has yet to get, `_due` that a message has yet to be fetched from it.

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio_websocket
from msgspec import Struct

from watchdog import __version__
from watchdog.core.arrival import Arrival
from watchdog.core.protocol.reasons import DisconnectReason
from watchdog.core.protocol.websocket import FrameReader, Passthrough, close_frame
from watchdog.hub.library_stream import SWITCHING_PROTOCOLS, LibraryStream
from watchdog.hub.stamped_stream import StampedStream
from watchdog.hub.transport import ConnectionLostError, Dial, Endpoint, open_tcp, secure
from watchdog.runtime.clock import Clock
from watchdog.runtime.nursery import open_nursery_of_body

CONNECT_TIMEOUT_SECONDS = 10.0
"""How long name, TCP, TLS and the WebSocket upgrade may take together, in each attempt."""

SEND_TIMEOUT_SECONDS = 10.0
CLOSE_TIMEOUT_SECONDS = 1.0
SECOND_LOOK_SECONDS = 0.001
"""How long to look, after a deadline, for what had arrived before it, where the kernel can't be asked."""

LAST_LOOK_SECONDS = 1.0
"""How long to go on looking at most while there is something unread."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_MESSAGE_TOO_BIG = 1009
# The library's default of 4 KiB costs wake-ups.
_READ_BYTES = 64 * 1024

UNAUTHORIZED_STATUSES = (401, 403)
_HEADERS = [(b"User-Agent", f"betcore-watchdog/{__version__}".encode())]


class Message(Struct, frozen=True, gc=False):
    """A WebSocket message and when it arrived; a text of None stands for a binary message."""

    text: str | None
    arrival: Arrival


class WebSocket:
    """An open WebSocket. Only one task may receive.

    That task reads the socket itself and takes out plain text messages. The library handles the rest: the
    upgrade, pings, other kinds of message, whatever breaks the protocol, the close, and all sending.
    """

    def __init__(self, stream: StampedStream, transport: trio.abc.Stream, endpoint: Endpoint) -> None:
        """`stream` is the socket, `transport` what the WebSocket runs on: the same, or TLS over it."""
        self._stream = stream
        self._transport = transport
        self._library_stream = LibraryStream(transport)
        self._frames = FrameReader(MAX_MESSAGE_BYTES)
        # What the library has yet to get, and whether we have yet to get a message from it.
        self._foreign: Passthrough | None = None
        self._due = False
        self._endpoint = endpoint
        # Shielded: whoever cancels us waits for the close, and that needs the hub's answer to be read.
        self._reading = trio.CancelScope(shield=True)
        self._websocket: trio_websocket.WebSocketConnection | None = None
        self._failure: ConnectionLostError | None = None
        self._opened = trio.Event()

    async def receive(self) -> Message:
        """The next message. The wait may be cancelled, and no message is lost by that.

        Raises:
            ConnectionLostError: the connection is over.

        """
        websocket = self._open_websocket
        if self._frames.unread:
            # Many messages may have come in one read. Other games get their turn between them.
            await trio.lowlevel.checkpoint()
        while not (self._due or self._library_stream.released):
            piece = self._foreign or self._frames.next()
            if isinstance(piece, str):
                return Message(piece, self._stream.arrival)
            if piece is not None:
                await self._hand_over(piece, websocket)
                continue
            try:
                data = await self._transport.receive_some(_READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
                data = b""
            if data:
                self._frames.feed(bytes(data))
            else:
                # The library will meet the same end, and report how it came about.
                self._release()
        try:
            message = await websocket.get_message()
        except trio_websocket.ConnectionClosed as closed:
            raise self._loss(closed) from None
        self._due = False
        return Message(message if isinstance(message, str) else None, self._stream.arrival)

    async def _hand_over(self, piece: Passthrough, websocket: trio_websocket.WebSocketConnection) -> None:
        if piece.then == "oversize":
            too_big = f"a message of more than {MAX_MESSAGE_BYTES} bytes"
            self._failure = ConnectionLostError("oversize", too_big)
            self._frames.rest()
            # The library answers a close with the same code, so the hub learns the reason.
            piece = Passthrough(close_frame(_MESSAGE_TOO_BIG, too_big), "end")
        self._foreign = piece
        if piece.then == "end":
            self._release()
            return
        if piece.data:
            await self._library_stream.hand_over(piece.data)
            self._foreign = Passthrough(b"", piece.then)
        await self._library_stream.dealt_with()
        self._foreign, self._due = None, piece.then == "message"
        if websocket.closed is not None or self._library_stream.finished:
            self._release()

    def _release(self) -> None:
        """Leave everything unread, and everything to come, to the library."""
        if not self._library_stream.released:
            held = self._foreign.data if self._foreign is not None else b""
            self._library_stream.release(held + self._frames.rest())

    async def look_again(self) -> Message | None:
        """After a deadline: a message that had arrived before it; None when none is left unread.

        Raises:
            ConnectionLostError: the connection is over.

        """
        limit = trio.current_time() + LAST_LOOK_SECONDS
        while True:
            look = trio.CancelScope(deadline=trio.current_time() + SECOND_LOOK_SECONDS)
            with look, self._stream.looking(look):
                return await self.receive()
            # Otherwise the loop was busy, and the look ended before everything was read.
            if self._stream.drained or trio.current_time() > limit:
                return None

    async def send(self, text: str) -> None:
        """Send one text message.

        Raises:
            ConnectionLostError: the connection is over, or does not take the message in time.

        """
        with trio.move_on_after(SEND_TIMEOUT_SECONDS):
            try:
                await self._open_websocket.send_message(text)
            except trio_websocket.ConnectionClosed as closed:
                raise self._loss(closed) from None
            return
        raise ConnectionLostError("timeout", "the hub does not read what is sent to it")

    async def run(self) -> None:
        """Upgrade and read until the connection ends; never raise what the hub's bytes cause."""
        try:
            with self._reading:
                await self._run_library()
        except Exception as error:  # noqa: BLE001 - only the library runs here, on the provider's bytes
            self._failure = _reading_failure(error)
        finally:
            self._opened.set()
            self._library_stream.finish()

    async def _run_library(self) -> None:
        async with trio.open_nursery() as nursery:
            upgrading = trio.CancelScope()
            nursery.start_soon(self._give_up_upgrade, upgrading, nursery.cancel_scope)
            self._websocket = await trio_websocket.wrap_client_stream(
                nursery,
                self._library_stream,  # type: ignore[arg-type]  # any Stream does, its signature is narrower
                self._endpoint.authority,
                self._endpoint.resource,
                extra_headers=_HEADERS,
                max_message_size=MAX_MESSAGE_BYTES,
                receive_buffer_size=_READ_BYTES,
            )
            upgrading.cancel()
            self._frames.feed(self._library_stream.take_rest())
            self._opened.set()

    async def opened(self) -> None:
        """Wait for the upgrade.

        Raises:
            ConnectionLostError: it failed.

        """
        await self._opened.wait()
        status = self._library_stream.status
        if status not in (None, SWITCHING_PROTOCOLS):
            raise ConnectionLostError(
                "unauthorized" if status in UNAUTHORIZED_STATUSES else "rejected", f"HTTP status {status}"
            )
        if self._failure is not None:
            raise self._failure
        if self._websocket is None:
            reason: DisconnectReason = "protocol" if self._library_stream.closed else "closed"
            raise ConnectionLostError(reason, "the connection ended during the WebSocket upgrade")

    async def aclose(self) -> None:
        """Close properly if the hub cooperates, and soon in any case."""
        with trio.move_on_after(CLOSE_TIMEOUT_SECONDS, shield=True):
            if self._websocket is not None:
                self._release()
                await self._websocket.aclose()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self._library_stream)
        self._reading.cancel()

    @property
    def _open_websocket(self) -> trio_websocket.WebSocketConnection:
        if self._websocket is None:
            raise RuntimeError("used before it was opened")
        return self._websocket

    async def _give_up_upgrade(self, upgrading: trio.CancelScope, scope: trio.CancelScope) -> None:
        """End the library's wait for an upgrade that can't happen any more; it would wait forever."""
        with upgrading:
            await self._library_stream.failed.wait()
            # What came last may still say why. Give the library's reader its turn.
            await trio.sleep(SECOND_LOOK_SECONDS)
            if self._websocket is None:
                scope.cancel()

    def _loss(self, closed: trio_websocket.ConnectionClosed) -> ConnectionLostError:
        if self._failure is not None:
            return self._failure
        if closed.reason is None:
            return ConnectionLostError("closed")
        code, text = closed.reason.code, closed.reason.reason or ""
        detail = f"code {code} {text}".strip()
        # The library itself refuses what it read with these codes and a text. A hub that closes with one of
        # them has no text.
        if code in (1002, 1007) and text:
            return ConnectionLostError("protocol", detail)
        return ConnectionLostError("closed", detail)


@asynccontextmanager
async def open_connection(
    endpoint: Endpoint, clock: Clock, dial: Dial | None = None
) -> AsyncIterator[WebSocket]:
    """Connect, and close on leaving; `dial` opens the underlying stream, by default over TCP.

    Raises:
        ConnectionLostError: there is no connection, or the body lost it.

    """
    async with open_nursery_of_body() as nursery:
        connection = await _connect(endpoint, clock, dial or open_tcp, nursery)
        try:
            yield connection
        finally:
            await connection.aclose()


async def _connect(endpoint: Endpoint, clock: Clock, dial: Dial, nursery: trio.Nursery) -> WebSocket:
    with trio.move_on_after(CONNECT_TIMEOUT_SECONDS):
        stream = StampedStream(await dial(endpoint), clock)
        transport = await secure(stream, endpoint.host, endpoint.tls) if endpoint.tls else stream
        connection = WebSocket(stream, transport, endpoint)
        nursery.start_soon(connection.run)
        try:
            await connection.opened()
        except BaseException:
            await connection.aclose()
            raise
        return connection
    raise ConnectionLostError("timeout", f"no connection within {CONNECT_TIMEOUT_SECONDS:g} s")


def _reading_failure(error: BaseException) -> ConnectionLostError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return ConnectionLostError("protocol", type(error).__name__)
