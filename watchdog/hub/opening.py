"""Opening a connection to the hub: name, TCP, TLS, and the upgrade to a WebSocket by trio-websocket.

trio-websocket is handed the upgrade and nothing else. It would read in a task of its own for as long as the
connection lives, and hand each message over through a channel: that costs more than decoding and judging an
update, and 16 KB a game. So it gets a stream that ends, for it, with the head of the hub's answer. Once it
has accepted that, its task is cancelled while it waits, and the socket is ours with all that follows.
"""

from contextlib import suppress
from typing import Any

import h11
import trio
import trio_websocket
from msgspec.structs import replace

from watchdog import __version__
from watchdog.core.protocol.reasons import DisconnectReason
from watchdog.core.protocol.refusals import BODY_BYTES, Refusal
from watchdog.hub.channel import READ_BYTES, Channel
from watchdog.hub.refusals import header, refused, wait_in
from watchdog.hub.tls import Tls
from watchdog.hub.transport import ConnectionLostError, Dial, Endpoint, open_tcp
from watchdog.hub.tunnel import tunnel
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

CONNECT_TIMEOUT_SECONDS = 10.0
"""For each attempt: name, TCP, the proxy's tunnel, TLS and the WebSocket upgrade together."""

PAGE_SECONDS = 1.0
"""How long to wait for the page of a 403, which may say whose refusal it is."""

_SWITCHING_PROTOCOLS = 101
_MOST_INTERIM_ANSWERS = 16
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
            if endpoint.proxy is not None:
                await tunnel(channel, endpoint.proxy, endpoint)
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
    headers = [*_HEADERS, (b"Cookie", endpoint.cookie.encode())] if endpoint.cookie else _HEADERS
    try:
        async with trio.open_nursery() as nursery:
            await trio_websocket.wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type]  # any Stream does, its signature is narrower
                endpoint.authority,
                endpoint.resource,
                extra_headers=headers,
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

    A refusal is raised here as soon as its head is there. Its body may be without an end, and the library
    would wait for all of it; only of a page with a 403 the beginning is read.
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
        """The head of the answer, once it is whole; behind it, wait until cancelled.

        Raises:
            ConnectionLostError: the answer refuses the upgrade, is none, or never comes.

        """
        del max_bytes
        if self._answered:
            await trio.sleep_forever()
        answer = await self._answer()
        if answer.status_code != _SWITCHING_PROTOCOLS:
            raise refused(await self._refusal(answer), wait_in(answer))
        self._answered = True
        self.rest = self._head.trailing_data[0]
        return _as_one_line_each(answer)

    async def _answer(self) -> h11.Response | h11.InformationalResponse:
        """The answer itself, behind what may come before it (RFC 9110, section 15.2)."""
        for _ in range(_MOST_INTERIM_ANSWERS):
            event = await self._next_event()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == _SWITCHING_PROTOCOLS:
                return event
        raise ConnectionLostError("protocol", f"more than {_MOST_INTERIM_ANSWERS} interim answers")

    async def _refusal(self, answer: h11.Response | h11.InformationalResponse) -> Refusal:
        types, challenge = header(answer, b"content-type"), header(answer, b"www-authenticate")
        refusal = Refusal(answer.status_code, types, challenge)
        body = bytearray()
        if refusal.may_be_a_page:
            # Whatever ends it: the answer is there, and is judged by what is known of it.
            with trio.move_on_after(PAGE_SECONDS), suppress(ConnectionLostError, h11.RemoteProtocolError):
                while len(body) < BODY_BYTES and isinstance(event := await self._next_event(), h11.Data):
                    body += event.data
        return replace(refusal, body=bytes(body))

    async def _next_event(self) -> Any:
        while (event := self._head.next_event()) is h11.NEED_DATA:
            data = await self._channel.receive()
            if not data and self._head.their_state is not h11.SEND_BODY:
                raise self._channel.failure or _ended("closed")
            self._head.receive_data(data)
        return event

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


def _as_one_line_each(answer: h11.Response | h11.InformationalResponse) -> bytes:
    """The head with the lines of each header as the one list that they are, which the library expects."""
    names = dict.fromkeys(name for name, _ in answer.headers)
    lines = [b"%s: %s" % (name, header(answer, name).encode("latin-1")) for name in names]
    return b"\r\n".join([b"HTTP/%s %d " % (answer.http_version, answer.status_code), *lines, b"", b""])


def _ended(reason: DisconnectReason) -> ConnectionLostError:
    return ConnectionLostError(reason, "the connection ended during the WebSocket upgrade")
