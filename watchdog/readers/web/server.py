"""The HTTP server: its listeners and the connections over them, inside the watchdog's own Trio loop."""

import math
import os
import socket
from functools import partial
from pathlib import Path

import trio

from watchdog.core.errors import OperatorError
from watchdog.readers.web.certificate import Certificate
from watchdog.readers.web.connection import WebConnection
from watchdog.runtime.http_server import Application, Receive, Scope, Send
from watchdog.runtime.throttle import Throttle, ThrottledLog

MAX_CONNECTIONS = 512

BEAT_SECONDS = 1.0
"""How often the deadlines are judged while one of them is near."""

NEAR_SECONDS = 15.0
"""From how long before it a deadline is near. Only an idle connection's is ever further away."""

LATE_SECONDS = 0.02
"""If a beat is later than this, no client's time runs, until the step's grace is used up.

Metrics take one turn of the loop for every two or three games. In turns that are no longer than this,
hundreds of them are made in time.
"""

_STOP_SECONDS = 0.5
"""How long requests under way may take once the server is to stop."""

_BACKLOG = 512
"""How many connections the system keeps for us while the loop is late."""


class ListenError(OperatorError):
    """The address can't be listened on; one line says which and why."""


async def serve(
    app: Application,
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
        tls: The files of the certificate chain and of its key, read again when they change.
        task_status: Told the addresses, as `http://127.0.0.1:9877`, once they are listened on.

    Raises:
        ListenError: if the address can't be listened on.

    """
    connections = Connections(app, Certificate(*tls) if tls is not None else None)
    listeners = await _listen(*listen)
    async with trio.open_nursery() as nursery:
        handlers = await nursery.start(connections.open)
        accept = partial(trio.serve_listeners, connections.receive, listeners, handler_nursery=handlers)
        nursery.start_soon(accept)
        nursery.start_soon(connections.judge_deadlines)
        task_status.started([_address(listener, "https" if tls else "http") for listener in listeners])
        try:
            await trio.sleep_forever()
        finally:
            connections.close()


class Connections:
    """All connections: how many there may be, and whose time is up."""

    def __init__(self, app: Application, tls: Certificate | None) -> None:
        self._app = app
        self._tls = tls
        self._connections: set[WebConnection] = set()
        self._closing = trio.Event()
        # Until the next beat; with no connection there is none.
        self._rest = trio.CancelScope()
        # Cancelling the server must not cut off who is being answered.
        self._scope = trio.CancelScope(shield=True)
        self._log = ThrottledLog(Throttle(burst=1, interval_seconds=60.0))

    async def open(self, *, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        """Let connections run in the nursery that is passed on, until closed and half a second longer."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                task_status.started(nursery)
                await self._closing.wait()
                for connection in self._connections:
                    connection.finish()

    def close(self) -> None:
        """End idle connections now and the others within half a second."""
        self._closing.set()
        self._scope.deadline = trio.current_time() + _STOP_SECONDS

    async def judge_deadlines(self) -> None:
        """End each connection whose time is up, but never because our own loop stood still."""
        while True:
            beats = (self._beat_for(connection.deadline) for connection in self._connections)
            with trio.CancelScope(deadline=min(beats, default=math.inf)) as self._rest:
                await trio.sleep_forever()
            due = self._rest.deadline
            # Within two turns of the loop every task has run that could go on. So what the kernel held at the
            # deadline has been read by now, and it shows how long a turn takes.
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            now = trio.current_time()
            for connection in self._connections:
                if now - due > LATE_SECONDS:
                    connection.excuse(now - due, BEAT_SECONDS)
                if connection.deadline <= now:
                    connection.end()

    def _beat_for(self, deadline: float) -> float:
        return max(trio.current_time() + BEAT_SECONDS, deadline - NEAR_SECONDS)

    def _deadline_set(self, deadline: float) -> None:
        due = self._beat_for(deadline)
        # A scraper that stays connected is mostly alone: the loop is not woken for a step that it has taken.
        self._rest.deadline = due if len(self._connections) == 1 else min(self._rest.deadline, due)

    async def receive(self, tcp: trio.SocketStream) -> None:
        """Serve one new connection; the caller closes it."""
        if len(self._connections) >= MAX_CONNECTIONS and not self._make_room():
            return
        stream = (
            tcp
            if self._tls is None
            else trio.SSLStream(tcp, self._tls.context(), server_side=True, https_compatible=True)
        )
        connection = WebConnection(stream, self._answer, self._deadline_set)
        self._connections.add(connection)
        try:
            await connection.run()
        except Exception as mistake:  # noqa: BLE001 - a library's, on a client's bytes: not to end the watch
            self._log.write("warning", "web.connection_failed", exc_info=mistake)
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._rest.deadline = math.inf

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application and log what it raises; the client learns nothing of that."""
        try:
            await self._app(scope, receive, send)
        except Exception as mistake:  # noqa: BLE001 - one page that fails is not to end the watch
            self._log.write("error", "web.request_failed", exc_info=mistake)

    def _make_room(self) -> bool:
        waiting = [each for each in self._connections if each.waiting_since is not None]
        longest = min(waiting, key=_waiting_since, default=None)
        count = len(self._connections)
        self._log.write("warning", "web.connections_limited", open=count, allowed=MAX_CONNECTIONS)
        if longest is None:
            return False
        longest.end()
        self._connections.discard(longest)
        return True


def _waiting_since(connection: WebConnection) -> float:
    return connection.waiting_since or 0.0


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        listeners = await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
    except OSError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else str(cause.strerror or cause)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ListenError(f"cannot listen on {place}: {reason}") from None
    for listener in listeners:
        # Accepted connections inherit it.
        listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listeners


def _address(listener: trio.SocketListener, scheme: str) -> str:
    host, port = listener.socket.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
