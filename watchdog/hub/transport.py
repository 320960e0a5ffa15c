"""How a stream to the hub is had: name, TCP, TLS; and how it is lost, with a named reason."""

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable

import trio
from msgspec import Struct

from watchdog.core.errors import ProviderError
from watchdog.core.protocol.reasons import DisconnectReason
from watchdog.runtime.http_client import MAX_RETRY_AFTER_SECONDS
from watchdog.runtime.proxies import Proxy


class ConnectionLostError(ProviderError):
    """There is no connection, or no longer.

    `allow_reconnect` is the hub's wish in a Close, `retry_after_seconds` for how long it wants to be left
    alone, 5 minutes at most.
    """

    def __init__(
        self,
        reason: DisconnectReason,
        detail: str = "",
        *,
        allow_reconnect: bool = True,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: DisconnectReason = reason
        self.detail = detail
        self.allow_reconnect = allow_reconnect
        self.retry_after_seconds = min(retry_after_seconds, MAX_RETRY_AFTER_SECONDS)


class Endpoint(Struct, frozen=True):
    """Where to connect. `resource` is path and query; the query carries the token and is never shown.

    `cookie` is what the hub set when it was negotiated with, `proxy` what leads there.
    """

    host: str
    port: int
    resource: str
    tls: ssl.SSLContext | None = None
    cookie: str = ""
    proxy: Proxy | None = None

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
    """Look the name up and connect: that of the proxy where there is one, which looks up the hub's.

    Raises:
        ConnectionLostError: `dns`, `timeout` or `refused`.

    """
    host, port = endpoint.host, endpoint.port
    whose = ""
    if endpoint.proxy is not None:
        host, port, whose = endpoint.proxy.host, endpoint.proxy.port, "the proxy: "
    try:
        return await trio.open_tcp_stream(host, port)
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectionLostError("dns", f"{whose}{error}") from None
    except OSError as error:
        raise _not_connected(error, whose) from None


def _not_connected(error: OSError, whose: str) -> ConnectionLostError:
    causes = error.__cause__.exceptions if isinstance(error.__cause__, ExceptionGroup) else (error,)
    detail = whose + "; ".join(dict.fromkeys(str(cause) for cause in causes))
    timed_out = all(isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT for cause in causes)
    return ConnectionLostError("timeout" if timed_out else "refused", detail)
