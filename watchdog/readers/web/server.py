"""The HTTP server: Hypercorn's protocol over listeners of our own, inside the watchdog's own Trio loop."""

import logging
import os
import socket
from functools import partial
from pathlib import Path
from typing import Any, cast

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp

from watchdog.core.errors import OperatorError
from watchdog.readers.web.connection import BODY_BYTES, HEAD_BYTES, HttpConnection
from watchdog.runtime.throttle import Throttle

MAX_CONNECTIONS = 512

_STOP_SECONDS = 0.5
"""How long requests under way may take once the server is to stop."""

_REQUESTS_A_CONNECTION = 10_000
_BACKLOG = 64


class ListenError(OperatorError):
    """The address can't be listened on; one line says which and why."""


async def serve(
    app: ASGIApp,
    *,
    listen: tuple[str, int],
    tls: tuple[Path, Path] | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the application until cancelled; requests under way then have half a second to end.

    At most 512 connections are open at once. Beyond them the one that has waited longest for its client
    makes room; when all are being answered, the new one is closed.

    Args:
        app: The ASGI application.
        listen: Host and port; port 0 lets the system choose.
        tls: The files of the certificate chain and of its key.
        task_status: Told the addresses, as `http://127.0.0.1:9877`, once they are listened on.

    Raises:
        ListenError: if the address can't be listened on.

    """
    connections = Connections(app, tls)
    listeners = await _listen(*listen)
    async with trio.open_nursery() as nursery:
        handlers = await nursery.start(connections.open)
        accept = partial(trio.serve_listeners, connections.receive, listeners, handler_nursery=handlers)
        nursery.start_soon(accept)
        task_status.started([_address(listener, "https" if tls else "http") for listener in listeners])
        try:
            await trio.sleep_forever()
        finally:
            connections.close()


class Connections:
    """All connections, and how many there may be."""

    def __init__(self, app: ASGIApp, tls: tuple[Path, Path] | None) -> None:
        self._config = _config(tls)
        self._app = wrap_app(cast("Any", app), self._config.wsgi_max_body_size, "asgi")
        self._tls = self._config.create_ssl_context()
        self._context = WorkerContext(None)
        self._connections: set[HttpConnection] = set()
        self._closing = trio.Event()
        # Cancelling the server must not cut off who is being answered.
        self._scope = trio.CancelScope(shield=True)
        self._throttle = Throttle(burst=1, interval_seconds=60.0)
        self._log = structlog.get_logger()

    async def open(self, *, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        """Let connections run in the nursery that is passed on, until closed and half a second longer."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                task_status.started(nursery)
                await self._closing.wait()
                await self._context.terminated.set()
                for connection in self._connections:
                    if connection.waiting_since is not None:
                        connection.end()

    def close(self) -> None:
        """End who waits now, and everybody soon."""
        self._closing.set()
        self._scope.deadline = trio.current_time() + _STOP_SECONDS

    async def receive(self, tcp: trio.SocketStream) -> None:
        """Converse over a new connection; who calls closes it."""
        if len(self._connections) >= MAX_CONNECTIONS and not self._make_room():
            return
        stream = (
            tcp
            if self._tls is None
            else trio.SSLStream(tcp, self._tls, server_side=True, https_compatible=True)
        )
        connection = HttpConnection(stream, self._app, self._config, self._context)
        self._connections.add(connection)
        try:
            await connection.run()
        except* Exception as mistake:  # noqa: BLE001 - the library's, on a client's bytes: not to end the watch
            self._warn("web.connection_failed", exc_info=mistake)
        finally:
            self._connections.discard(connection)

    def _make_room(self) -> bool:
        waiting = [each for each in self._connections if each.waiting_since is not None]
        longest = min(waiting, key=_waiting_since, default=None)
        self._warn("web.connections_limited", open=len(self._connections), allowed=MAX_CONNECTIONS)
        if longest is None:
            return False
        longest.end()
        self._connections.discard(longest)
        return True

    def _warn(self, event: str, **detail: Any) -> None:
        admission = self._throttle.admit(event, trio.current_time())
        if not admission.emit:
            return
        if admission.suppressed:
            detail["suppressed"] = admission.suppressed
        self._log.warning(event, **detail)


def _waiting_since(connection: HttpConnection) -> float:
    return connection.waiting_since or 0.0


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        listeners = await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
    except OSError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else str(cause.strerror or cause)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        message = f"cannot listen on {place}: {reason}"
        raise ListenError(message) from None
    for listener in listeners:
        # Accepted connections inherit it.
        listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listeners


def _address(listener: trio.SocketListener, scheme: str) -> str:
    host, port = listener.socket.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _config(tls: tuple[Path, Path] | None) -> Config:
    config = Config()
    config.alpn_protocols = ["http/1.1"]
    if tls is not None:
        config.certfile, config.keyfile = (str(path) for path in tls)
    config.keep_alive_max_requests = _REQUESTS_A_CONNECTION
    config.h11_max_incomplete_size = HEAD_BYTES
    # More than a body can have pieces: the library waits for ever for room for the next one.
    config.max_app_queue_size = 2 * BODY_BYTES
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    return config
