"""The TCP side: Hypercorn's protocol over listening sockets and streams of our own.

Hypercorn's `serve` can neither break a socket without a goodbye, nor leave a client that stopped reading
(its sending is shielded), nor close its port for a while. So the accepting is done here.
"""

# ruff: noqa: D102 (the methods of a stream are documented by Trio)

import socket
from contextvars import ContextVar
from typing import Any, cast

import h11
import trio
import wsproto.utilities
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_CONNECTIONS = 1024
SEND_TIMEOUT_SECONDS = 5.0
_MAX_MESSAGE_BYTES = 64 * 1024
_BACKLOG = 256

_CLIENT_ERRORS = (h11.ProtocolError, wsproto.utilities.ProtocolError)
"""What Hypercorn's parsers raise, some of it through the application, when a client talks nonsense."""


class Link(trio.abc.HalfCloseableStream):
    """One TCP connection that can be broken at once, and whose sending takes a bounded time."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        # The answer to a ping, or the end, may fall into the sending of an update.
        self._sending = trio.StrictFIFOLock()

    @property
    def socket(self) -> trio.socket.SocketType:
        """The socket, where Hypercorn looks for the addresses."""
        return self._stream.socket

    def abort(self) -> None:
        """Breaks the connection; whoever reads or writes gets `trio.ClosedResourceError`."""
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


current_link: ContextVar[Link] = ContextVar("current_link")
"""The TCP connection that the running request came over."""


class Server:
    """Serves an ASGI application on one port, which can be closed for a while."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        config = Config()
        config.errorlog = None
        config.accesslog = None
        config.include_server_header = False
        config.websocket_max_message_size = _MAX_MESSAGE_BYTES
        self._config = config
        self._app = app
        self._context = WorkerContext(None)
        self._links: set[Link] = set()
        self._failure: ExceptionGroup[Exception] | None = None
        self._failed = trio.Event()
        self._refusing = trio.Lock()
        self._refusal_seconds = 0.0
        self._interrupted = trio.Event()
        self._listening = trio.Event()
        self._socket = _bound(host, port)
        self.host, self.port = self._socket.getsockname()[:2]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listens until cancelled; a bug in the application ends it with the application's exception."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._raise_failure)
                while True:
                    self._socket.listen(_BACKLOG)
                    self._listening.set()
                    task_status.started()
                    task_status = trio.TASK_STATUS_IGNORED
                    await self._serve()
                    # Bound but not listening: connections are refused, and nobody else gets the port.
                    self._socket = _bound(self.host, self.port)
                    await trio.sleep(self._refusal_seconds)
        finally:
            self._socket.close()

    async def refuse(self, seconds: float) -> None:
        """Breaks all connections and refuses new ones for so long."""
        async with self._refusing:
            await self._listening.wait()
            self._refusal_seconds = seconds
            self._listening = trio.Event()
            self._interrupted.set()
            await self._listening.wait()

    async def _serve(self) -> None:
        self._interrupted = trio.Event()
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(self._socket))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.serve_listeners, self._handle, [listener])
                try:
                    await self._interrupted.wait()
                finally:
                    # First, for Hypercorn shields its sending from cancellation.
                    for link in self._links:
                        link.abort()
                nursery.cancel_scope.cancel()
        finally:
            listener.socket.close()

    async def _handle(self, stream: trio.SocketStream) -> None:
        link = Link(stream)
        if len(self._links) >= MAX_CONNECTIONS:
            link.abort()
            return
        self._links.add(link)
        current_link.set(link)
        app = wrap_app(cast("Any", self._guarded), self._config.wsgi_max_body_size, "asgi")
        try:
            await TCPServer(app, self._config, self._context, ConnectionState({}), cast("Any", link))
        except* _CLIENT_ERRORS:
            pass
        finally:
            self._links.discard(link)
            link.abort()

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application; Hypercorn would log its bugs and go on, but they shall end the process."""
        try:
            await self._app(scope, receive, send)
        except* _CLIENT_ERRORS:
            current_link.get().abort()
        except* Exception as bugs:  # noqa: BLE001 (raised again by `run`)
            self._failure = bugs
            self._failed.set()

    async def _raise_failure(self) -> None:
        await self._failed.wait()
        if self._failure is not None:
            raise self._failure


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
