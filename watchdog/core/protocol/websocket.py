"""The frames that a hub sends over a WebSocket: nearly all are one plain text message, taken off here.

Whatever else a frame may be is passed on as it came, for a library that knows all of the protocol.
Source: RFC 6455, section 5.2.
"""

from typing import Literal

from msgspec import Struct

_WHOLE_TEXT = 0x81
"""The first byte of a text message in one frame, with nothing reserved in it."""

_FINAL, _RESERVED, _OPCODE = 0x80, 0x70, 0x0F
_MASKED = 0x80
_LENGTH_OF_16_BITS, _LENGTH_OF_64_BITS = 126, 127
_CONTINUATION, _CLOSE = 0, 8
_DATA, _PING_AND_PONG = (_CONTINUATION, 1, 2), (9, 10)
_LENGTHS = 1 << 63
"""No length may be as large."""

Meaning = Literal["nothing", "message", "end", "oversize"]


class Passthrough(Struct, frozen=True):
    """Bytes for the library, and what it makes of them.

    That is nothing for us, a message, or the end of the connection, for which it takes all that follows.
    A message that is going to be oversize is not for the library: the connection has to end.
    """

    data: bytes
    then: Meaning


def close_frame(code: int, reason: str) -> bytes:
    """A hub's goodbye: `reason` has 123 bytes at most."""
    payload = code.to_bytes(2, "big") + reason.encode()
    return bytes((_FINAL | _CLOSE, len(payload))) + payload


class FrameReader:
    """Takes in bytes as they come; answers what they are, in order.

    A message of more than `max_message_bytes` is refused by what the heads of its frames announce, before it
    has come: what the heap grows by for such a one, it may keep. No text of more than 65,535 bytes is taken
    for a plain one: no update needs it, and what is kept here until a message is whole stays small.
    """

    __slots__ = (
        *("_at", "_data", "_foreign_left", "_foreign_then"),
        *("_max_message_bytes", "_message_bytes", "_within_message"),
    )

    def __init__(self, max_message_bytes: int) -> None:
        """`max_message_bytes` is 65,535 or more."""
        self._max_message_bytes = max_message_bytes
        self._data = b""
        self._at = 0
        # Of the frame that the library is being given: how much is still to come, and what then.
        self._foreign_left = 0
        self._foreign_then: Meaning = "nothing"
        # A message in several frames has begun: until it ends, no text is a whole one.
        self._within_message = False
        # What the frames of that message have announced so far.
        self._message_bytes = 0

    @property
    def unread(self) -> bool:
        """Whether there are bytes that nothing has been made of yet."""
        return self._at < len(self._data)

    def feed(self, data: bytes) -> None:
        """Take in what came next."""
        self._data = self.rest() + data if self._data else data

    def rest(self) -> bytes:
        """All bytes that nothing has been made of; they are forgotten here."""
        rest, self._data, self._at = self._data[self._at :], b"", 0
        return rest

    def next(self) -> str | Passthrough | None:
        """The text of the next plain message, bytes for the library, or None until more has come."""
        data, at = self._data, self._at
        if self._foreign_left:
            return self._pass_on() if self.unread else None
        if len(data) < at + 2:
            return None
        first, length, begin = data[at], data[at + 1], at + 2
        if first != _WHOLE_TEXT or length > _LENGTH_OF_16_BITS or self._within_message:
            return self._unusual(first, length)
        if length == _LENGTH_OF_16_BITS:
            begin += 2
            if len(data) < begin:
                return None
            length = data[at + 2] << 8 | data[at + 3]
            if length < _LENGTH_OF_16_BITS:
                # Written longer than need be, which is forbidden: the library says so to the hub.
                return Passthrough(self.rest(), "end")
        return None if len(data) < begin + length else self._plain(begin, begin + length)

    def _plain(self, begin: int, end: int) -> str | Passthrough:
        try:
            text = self._data[begin:end].decode()
        except UnicodeDecodeError:
            return Passthrough(self.rest(), "end")
        if end == len(self._data):
            self._data, self._at = b"", 0
        else:
            self._at = end
        return text

    def _unusual(self, first: int, length: int) -> Passthrough | None:
        """The library's are messages in several frames, binary and long ones, pings, and mistakes."""
        opcode = first & _OPCODE
        if first & _RESERVED or length & _MASKED or opcode not in _DATA + _PING_AND_PONG:
            return Passthrough(self.rest(), "end")
        extended = {_LENGTH_OF_16_BITS: 2, _LENGTH_OF_64_BITS: 8}.get(length, 0)
        head = 2 + extended
        begin = self._at + head
        if len(self._data) < begin:
            return None
        if extended:
            length = int.from_bytes(self._data[begin - extended : begin], "big")
        if opcode in _DATA and self._is_oversize(opcode, length):
            return Passthrough(b"", "oversize")
        self._foreign_left, self._foreign_then = head + length, "nothing"
        if opcode in _DATA:
            self._within_message = not first & _FINAL
            self._foreign_then = "nothing" if self._within_message else "message"
        return self._pass_on()

    def _is_oversize(self, opcode: int, length: int) -> bool:
        if self._within_message != (opcode == _CONTINUATION) or length >= _LENGTHS:
            # Forbidden whatever its size: the library says so to the hub.
            return False
        self._message_bytes = length + (self._message_bytes if self._within_message else 0)
        return self._message_bytes > self._max_message_bytes

    def _pass_on(self) -> Passthrough:
        end = min(self._at + self._foreign_left, len(self._data))
        data, self._foreign_left = self._data[self._at : end], self._foreign_left - (end - self._at)
        self._at = end
        return Passthrough(data, "nothing" if self._foreign_left else self._foreign_then)
