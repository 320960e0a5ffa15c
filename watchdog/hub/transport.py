"""How a stream to the hub is had: name, TCP, TLS; and how it is lost, with a named reason."""

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable

import trio
from msgspec import Struct

from watchdog.core.errors import ProviderError
from watchdog.core.protocol.reasons import DisconnectReason

UNAUTHORIZED_STATUSES = (401, 403)
"""The HTTP statuses by which a hub refuses the token."""


class ConnectionLostError(ProviderError):
    """There is no connection, or no longer; `allow_reconnect` is the hub's wish in a Close."""

    def __init__(self, reason: DisconnectReason, detail: str = "", *, allow_reconnect: bool = True) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: DisconnectReason = reason
        self.detail = detail
        self.allow_reconnect = allow_reconnect


class Endpoint(Struct, frozen=True):
    """Where to connect. `resource` is path and query; the query carries the token and is never shown."""

    host: str
    port: int
    resource: str
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.host}:{self.port})"

    @property
    def authority(self) -> str:
        """The `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.tls else 80
        return host if self.port == default else f"{host}:{self.port}"


Dial = Callable[[Endpoint], Awaitable[trio.SocketStream]]
"""Opens the stream whose socket a channel takes over."""


async def open_tcp(endpoint: Endpoint) -> trio.SocketStream:
    """Look the name up and connect.

    Raises:
        ConnectionLostError: `dns`, `timeout` or `refused`.

    """
    try:
        return await trio.open_tcp_stream(endpoint.host, endpoint.port)
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectionLostError("dns", str(error)) from None
    except OSError as error:
        raise _not_connected(error) from None


def _not_connected(error: OSError) -> ConnectionLostError:
    causes = error.__cause__.exceptions if isinstance(error.__cause__, ExceptionGroup) else (error,)
    detail = "; ".join(dict.fromkeys(str(cause) for cause in causes))
    timed_out = all(isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT for cause in causes)
    return ConnectionLostError("timeout" if timed_out else "refused", detail)
