"""What wsproto, the library's parser, makes of a hub's bytes: the reference for our own."""

from collections.abc import Iterable

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from watchdog.core.protocol.websocket import FrameReader
from watchdog.hub.websocket import MAX_MESSAGE_BYTES

Message = str | bytes | bytearray


class Library:
    """Takes in bytes and keeps their messages, up to what ends the connection."""

    def __init__(self) -> None:
        self._parser = Connection(ConnectionType.CLIENT)
        self._parts: list[Message] = []
        self.messages: list[Message] = []
        self.ended = False

    def feed(self, data: bytes) -> None:
        """Take in what came next."""
        if self.ended:
            return
        self._parser.receive_data(data)
        for event in self._parser.events():
            if isinstance(event, CloseConnection):
                self.ended = True
                return
            if isinstance(event, TextMessage | BytesMessage):
                self._parts.append(event.data)
                if event.message_finished:
                    self.messages.append(type(event.data)().join(self._parts))  # type: ignore[arg-type]
                    self._parts.clear()


def shared(chunks: Iterable[bytes]) -> tuple[list[Message], bool]:
    """The messages in some chunks, and whether those end the connection: by our frames and the library.

    They share the bytes as on a connection. The library makes nothing yet of a message that will be oversize.
    """
    frames, library = FrameReader(MAX_MESSAGE_BYTES), Library()
    ends = False
    for chunk in chunks:
        if ends:
            library.feed(chunk)
            continue
        frames.feed(chunk)
        while not ends and (piece := frames.next()) is not None:
            if isinstance(piece, str):
                library.messages.append(piece)
                continue
            library.feed(frames.rest() if piece.then == "oversize" else piece.data)
            ends = library.ended or piece.then in ("end", "oversize")
    # The library may already know that an incomplete text is invalid.
    library.feed(frames.rest())
    return library.messages, library.ended


def alone(data: bytes) -> tuple[list[Message], bool]:
    """The same by the library alone."""
    library = Library()
    library.feed(data)
    return library.messages, library.ended
