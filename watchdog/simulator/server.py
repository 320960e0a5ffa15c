"""The TCP side: connections over one port, which can be closed for a while."""

import socket
from collections.abc import Awaitable, Callable

import trio

from watchdog.runtime.http_server import Application, HttpConnection, Scope
from watchdog.simulator.link import Link
from watchdog.simulator.websocket import WebSocket

MAX_CONNECTIONS = 1024
REQUEST_SECONDS = 10.0
"""How long a connection may wait for a request, and the request for its answer."""

_BACKLOG = 256

Admits = Callable[[Scope], bool]
"""Whether the WebSocket that a request asks for is opened; otherwise the application answers the request."""

Converse = Callable[[WebSocket], Awaitable[None]]


class Server:
    """One port with an ASGI application and WebSockets on it; a bug in either stops the server."""

    def __init__(self, app: Application, admits: Admits, converse: Converse, host: str, port: int) -> None:
        self._app = app
        self._admits = admits
        self._converse = converse
        self._connections = 0
        self._refusing = trio.Lock()
        self._refusal_seconds = 0.0
        self._interrupted = trio.Event()
        self._listening = trio.Event()
        self._socket = _bound(host, port)
        self.host, self.port = self._socket.getsockname()[:2]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled."""
        try:
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
        """Break all connections and refuse new ones for so long."""
        async with self._refusing:
            await self._listening.wait()
            self._refusal_seconds = seconds
            self._listening = trio.Event()
            self._interrupted.set()
            await self._listening.wait()

    async def _serve(self) -> None:
        """Serve connections until interrupted; then they all break."""
        self._interrupted = trio.Event()
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(self._socket))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.serve_listeners, self._handle, [listener])
                await self._interrupted.wait()
                nursery.cancel_scope.cancel()
        finally:
            listener.socket.close()

    async def _handle(self, stream: trio.SocketStream) -> None:
        link = Link(stream)
        if self._connections >= MAX_CONNECTIONS:
            link.abort()
            return
        self._connections += 1
        try:
            web_socket = await self._upgraded(link)
            if web_socket is not None:
                await self._converse(web_socket)
        finally:
            self._connections -= 1
            link.abort()

    async def _upgraded(self, link: Link) -> WebSocket | None:
        """The WebSocket that the connection becomes; None if it ends after other requests."""
        http = HttpConnection(link)
        while True:
            with trio.move_on_after(REQUEST_SECONDS) as scope:
                request = await http.next_request()
                if request is None:
                    await http.linger()
                    return None
                web_socket = WebSocket.asked_for(request, link)
                if web_socket is not None and self._admits(request):
                    await web_socket.accept(http.unread)
                    return web_socket
                await http.answer(self._app, request)
            if scope.cancelled_caught:
                return None


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
