"""Opening a stream to the hub (name, TCP, TLS), and the named reasons for losing it."""

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable

import trio
from msgspec import Struct

from watchdog.core.errors import ProviderError
from watchdog.core.protocol.reasons import DisconnectReason


class ConnectionLostError(ProviderError):
    """There is no connection, or no longer one; `allow_reconnect` is the hub's wish in a Close."""

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


Dial = Callable[[Endpoint], Awaitable[trio.abc.Stream]]
"""Opens the underlying stream of a connection."""


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


async def secure(stream: trio.abc.Stream, host: str, context: ssl.SSLContext) -> trio.abc.Stream:
    """TLS over a stream; the stream is closed if TLS fails.

    Raises:
        ConnectionLostError: `tls` or `closed`.

    """
    transport = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    try:
        await transport.do_handshake()
    except BaseException as error:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)
        if not isinstance(error, trio.BrokenResourceError):
            raise
        cause = error.__cause__
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            raise ConnectionLostError(
                "tls", getattr(cause, "verify_message", "") or cause.reason or ""
            ) from None
        raise ConnectionLostError("closed", "the connection ended during the TLS handshake") from None
    return transport
