"""The HTTP server: Hypercorn inside the watchdog's own Trio loop."""

import logging
import os
import socket
from functools import partial
from pathlib import Path
from typing import Any

import hypercorn.trio
import trio
from hypercorn.config import Config
from starlette.types import ASGIApp

_STOP_SECONDS = 0.5
"""How long requests under way may take once the server is to stop."""

_IDLE_SECONDS = 75.0
"""How long a connection may stay without a complete request: longer than any usual scrape interval."""

_UNREAD_MILLISECONDS = 3_000
"""How long a client may leave what was sent to it unread."""

_REQUEST_BYTES = 16 * 1024
_REQUESTS_A_CONNECTION = 10_000
_HANDSHAKE_SECONDS = 5.0
_BACKLOG = 64


class ListenError(OSError):
    """The address can't be listened on; one line says which and why."""


async def serve(
    app: ASGIApp,
    *,
    listen: tuple[str, int],
    tls: tuple[Path, Path] | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the application until cancelled; requests under way then have half a second to end.

    Args:
        app: The ASGI application.
        listen: Host and port; port 0 lets the system choose.
        tls: The files of the certificate chain and of its key.
        task_status: Told the addresses, as `http://127.0.0.1:9877`, once they are listened on.

    Raises:
        ListenError: if the address can't be listened on.

    """
    listeners = await _listen(*listen)
    addresses = [_address(listener, "https" if tls else "http") for listener in listeners]
    config = _config([listener.socket.detach() for listener in listeners], tls)
    stop = trio.Event()
    run: Any = partial(hypercorn.trio.serve, app, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        shielded = trio.CancelScope()
        await nursery.start(_within, shielded, run)
        # From here on only `stop` ends it: closing takes the orderly way even when we are cancelled.
        shielded.shield = True
        task_status.started(addresses)
        try:
            await trio.sleep_forever()
        finally:
            stop.set()


async def _within(scope: trio.CancelScope, run: Any, *, task_status: trio.TaskStatus[list[str]]) -> None:
    with scope:
        await run(task_status=task_status)


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
        # Accepted connections inherit these.
        listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Hypercorn shields what it sends from cancellation: a client that never reads would keep
            # the process from ending.
            listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MILLISECONDS)
    return listeners


def _address(listener: trio.SocketListener, scheme: str) -> str:
    host, port = listener.socket.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _config(descriptors: list[int], tls: tuple[Path, Path] | None) -> Config:
    config = Config()
    config.bind = [f"fd://{descriptor}" for descriptor in descriptors]
    config.backlog = _BACKLOG
    config.alpn_protocols = ["http/1.1"]
    if tls is not None:
        config.certfile, config.keyfile = (str(path) for path in tls)
    config.graceful_timeout = _STOP_SECONDS
    config.keep_alive_timeout = _IDLE_SECONDS
    config.keep_alive_max_requests = _REQUESTS_A_CONNECTION
    config.ssl_handshake_timeout = _HANDSHAKE_SECONDS
    config.h11_max_incomplete_size = _REQUEST_BYTES
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    return config
