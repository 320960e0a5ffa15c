"""Opening a connection to the hub: name, TCP, TLS, and the upgrade to a WebSocket by trio-websocket.

trio-websocket is handed the upgrade and nothing else. It would read in a task of its own for as long as the
connection lives, and hand each message over through a channel: that costs more than decoding and judging an
update, and 16 KB a game. So it gets a stream that ends, for it, with the head of the hub's answer. Once it
has accepted that, its task is cancelled while it waits, and the socket is ours with all that follows.
"""

import h11
import trio
import trio_websocket

from watchdog import __version__
from watchdog.core.protocol.reasons import DisconnectReason
from watchdog.hub.channel import READ_BYTES, Channel
from watchdog.hub.tls import Tls
from watchdog.hub.transport import UNAUTHORIZED_STATUSES, ConnectionLostError, Dial, Endpoint, open_tcp
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

CONNECT_TIMEOUT_SECONDS = 10.0
"""For each attempt: name, TCP, TLS and the WebSocket upgrade together."""

_SWITCHING_PROTOCOLS = 101
_HEADERS = [(b"User-Agent", f"betcore-watchdog/{__version__}".encode())]


async def open_channel(
    endpoint: Endpoint, clock: Clock, stalls: Stalls, dial: Dial | None = None
) -> tuple[Channel, bytes]:
    """Connect and upgrade; `dial` opens the underlying stream, by default over TCP.

    Returns:
        The open channel, and the first bytes of the WebSocket where they came with the answer.

    Raises:
        ConnectionLostError: there is no connection.

    """
    lost = ConnectionLostError("timeout", f"no connection within {CONNECT_TIMEOUT_SECONDS:g} s")
    channel: Channel | None = None
    opened: bytes | None = None
    try:
        with trio.move_on_after(CONNECT_TIMEOUT_SECONDS):
            channel = Channel(await (dial or open_tcp)(endpoint), clock, stalls)
            if endpoint.tls is not None:
                await channel.secure(Tls(endpoint.tls, endpoint.host))
            opened = await _upgrade(channel, endpoint)
            return channel, opened
    except ConnectionLostError as reason:
        lost = reason
    finally:
        if channel is not None and opened is None:
            channel.close()
    raise lost


async def _upgrade(channel: Channel, endpoint: Endpoint) -> bytes:
    stream = _UpgradeStream(channel)
    lost: ConnectionLostError | None = None
    try:
        async with trio.open_nursery() as nursery:
            await trio_websocket.wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type]  # any Stream does, its signature is narrower
                endpoint.authority,
                endpoint.resource,
                extra_headers=_HEADERS,
                receive_buffer_size=READ_BYTES,
            )
            nursery.cancel_scope.cancel()
    except* Exception as group:  # noqa: BLE001 - only the library runs here, on the provider's bytes
        lost = _reason_in(group)
    if lost is not None:
        raise lost
    return stream.rest


def _reason_in(error: BaseException) -> ConnectionLostError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ConnectionLostError):
        return error
    return ConnectionLostError("protocol", type(error).__name__)


class _UpgradeStream(trio.abc.Stream):
    """What trio-websocket gets to read: the head of the hub's answer, and not a byte of what follows.

    A refusal is raised here as soon as its head is there. Its body is of no interest and may be without an
    end, and the library would wait for all of it.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._answered = False
        self.rest = b""
        """What came in one piece with the answer, and belongs to the WebSocket."""
        self._head = h11.Connection(h11.CLIENT)
        # Only so that the parser expects an answer to an upgrade: the library sends the real request.
        self._head.send(
            h11.Request(
                method="GET",
                target="/",
                headers=[("Host", "hub"), ("Connection", "Upgrade"), ("Upgrade", "websocket")],
            )
        )

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The next bytes of the answer; behind it, wait until cancelled.

        Raises:
            ConnectionLostError: the answer refuses the upgrade, is none, or never comes.

        """
        del max_bytes
        if self._answered:
            await trio.sleep_forever()
        data = await self._channel.receive()
        if not data:
            raise self._channel.failure or _ended("closed")
        self._head.receive_data(data)
        answer = self._head.next_event()
        if isinstance(answer, h11.Response | h11.InformationalResponse):
            status = answer.status_code
            if status != _SWITCHING_PROTOCOLS:
                reason: DisconnectReason = "unauthorized" if status in UNAUTHORIZED_STATUSES else "rejected"
                raise ConnectionLostError(reason, f"HTTP status {status}")
            self._answered = True
            self.rest = self._head.trailing_data[0]
        return data[: len(data) - len(self.rest)]

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send the request."""
        await self._channel.send(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: nothing but the request is sent."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Give up: the library closes what it takes for no WebSocket, and would then wait forever.

        Raises:
            ConnectionLostError: always.

        """
        await trio.lowlevel.checkpoint()
        raise _ended("protocol")


def _ended(reason: DisconnectReason) -> ConnectionLostError:
    return ConnectionLostError(reason, "the connection ended during the WebSocket upgrade")
