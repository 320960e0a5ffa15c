"""One WebSocket from its upgrade request on: wsproto keeps the protocol, this moves its bytes."""

from collections.abc import Callable
from typing import Any

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Message, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from watchdog.runtime.http_server import READ_BYTES, Scope
from watchdog.simulator.link import GONE, Link

MAX_MESSAGE_BYTES = 64 * 1024
CLOSING_SECONDS = 1.0
"""How long a client may take to confirm that we close."""


class WebSocket:
    """The server's side of one WebSocket; it is used after `accept`."""

    def __init__(self, link: Link, handshake: WSConnection) -> None:
        self._link = link
        self._wsproto = handshake
        self._message = bytearray()

    @classmethod
    def asked_for(cls, request: Scope, link: Link) -> "WebSocket | None":
        """The WebSocket that a request asks for; None where it asks for none, or not as it must."""
        if request["http_version"] != "1.1" or (b"upgrade", b"websocket") not in [
            (name, value.lower()) for name, value in request["headers"]
        ]:
            return None
        target = request["raw_path"] + b"?" + request["query_string"]
        handshake = WSConnection(ConnectionType.SERVER)
        try:
            handshake.initiate_upgrade_connection(request["headers"], target)
        except (RemoteProtocolError, UnicodeError):
            return None
        return cls(link, handshake)

    def abort(self) -> None:
        """Break the connection at once, without a goodbye."""
        self._link.abort()

    async def accept(self, already_read: bytes) -> None:
        """Accept the upgrade; `already_read` is what came after the request."""
        await self._send(AcceptConnection())
        if already_read:
            self._wsproto.receive_data(already_read)

    async def read(self, take: Callable[[str], None]) -> None:
        """Hand each message over until either side ends the connection."""
        while True:
            for event in self._wsproto.events():
                match event:
                    case Message():
                        text = self._text_with(event)
                        if text is not None:
                            take(text)
                    case Ping():
                        await self._send(event.response())
                    case CloseConnection():
                        await self._send(event.response())
                        return
                if len(self._message) > MAX_MESSAGE_BYTES:
                    await self._send(CloseConnection(code=CloseReason.MESSAGE_TOO_BIG))
                    return
            try:
                data = await self._link.receive_some(READ_BYTES)
            except GONE:
                return
            if not data:
                return
            self._wsproto.receive_data(bytes(data))

    async def send(self, text: str) -> None:
        """Send a message; a client that is gone, or does not take it in time, is noticed by `read`."""
        await self._send(TextMessage(data=text))

    async def close(self) -> None:
        """Close in order, and break the connection if the client does not do so as well."""
        await self._send(CloseConnection(code=CloseReason.NORMAL_CLOSURE))
        await trio.sleep(CLOSING_SECONDS)
        self.abort()

    def _text_with(self, piece: Message[Any]) -> str | None:
        """The whole text if this was its last piece.

        ASP.NET Core takes the bytes of a binary frame for what a text frame would have said.
        """
        self._message += piece.data.encode() if isinstance(piece.data, str) else piece.data
        if not piece.message_finished:
            return None
        text = self._message.decode("utf-8", "replace")
        self._message.clear()
        return text

    async def _send(self, event: Event) -> None:
        try:
            data = self._wsproto.send(event)
        except LocalProtocolError:
            # The connection is being closed, and nothing may follow.
            return
        try:
            await self._link.send_all(data)
        except GONE:
            self.abort()
