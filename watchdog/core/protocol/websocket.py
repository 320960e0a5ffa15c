"""The frames that a hub sends over a WebSocket: nearly all are one plain text message, read here.

Anything else is passed on as it came, for a library that knows the whole protocol. So this reader decides as
little as possible: it finds where each frame begins and ends, never answers, and leaves every verdict on a
mistake to the library. Source: RFC 6455, section 5.

A frame begins with two bytes: FIN, three reserved bits and the opcode; the mask bit and the length (5.2). A
length of 126 or 127 says that the next 2 or 8 bytes hold it. A message is one frame with FIN set, or one
without it and continuations (opcode 0), the last of them with FIN. Control frames (close, ping, pong) may
come in between (5.4). The reader is in one of four states:

- **between messages**: a plain text frame is a message (`str`), anything else is passed on;
- **within a message** of several frames (`_within_message`): everything is passed on, because the library has
  to put the message together;
- **amid a frame** that is passed on (`_passing_bytes`): the rest goes to the library as it comes, so that a
  long frame is never kept here;
- **at the end**: after a `Passthrough` that says so, the library takes all that follows. That is a close
  frame, or what the protocol forbids: a reserved bit (no extension was agreed on), a mask (only clients mask,
  5.1), an unknown opcode, a length not written in the shortest way, text that is no UTF-8 (5.6).
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
"""No length may be as large: the first bit of one in 64 bits must be 0."""

Meaning = Literal["nothing", "message", "end", "oversize"]


class Passthrough(Struct, frozen=True):
    """Bytes for the library, and what it makes of them.

    That is nothing of interest, a message, or the end of the connection. Of a message that is going to be
    oversize the library gets nothing: the connection has to end before it has come.
    """

    data: bytes
    then: Meaning


def close_frame(code: int, reason: str) -> bytes:
    """A hub's close frame; `reason` has 123 bytes at most (5.5)."""
    payload = code.to_bytes(2, "big") + reason.encode()
    return bytes((_FINAL | _CLOSE, len(payload))) + payload


class FrameReader:
    """Takes in bytes as they come; returns what they are, in order.

    A message of more than `max_message_bytes` is refused as soon as the heads of its frames announce it,
    because the heap may keep forever what it grew by for such a one. A text of more than 65,535 bytes goes to
    the library: no update is as long, and what is kept here until a message is complete stays small.
    """

    __slots__ = (
        *("_at", "_data", "_passing_bytes", "_passing_makes"),
        *("_max_message_bytes", "_message_bytes", "_within_message"),
    )

    def __init__(self, max_message_bytes: int) -> None:
        """`max_message_bytes` is 65,535 or more."""
        self._max_message_bytes = max_message_bytes
        self._data = b""
        self._at = 0
        # Of the frame that is being passed on: how much is still to come, and what it makes once it has.
        self._passing_bytes = 0
        self._passing_makes: Meaning = "nothing"
        self._within_message = False
        # What the heads of that message's frames have announced so far.
        self._message_bytes = 0

    @property
    def unread(self) -> bool:
        """Whether there are bytes that `next` has not taken yet."""
        return self._at < len(self._data)

    def feed(self, data: bytes) -> None:
        """Take in what came next."""
        self._data = self.rest() + data if self._data else data

    def rest(self) -> bytes:
        """All bytes that `next` has not taken; they are forgotten here."""
        rest, self._data, self._at = self._data[self._at :], b"", 0
        return rest

    def next(self) -> str | Passthrough | None:
        """The text of the next plain message, bytes for the library, or None until more has come."""
        data, at = self._data, self._at
        if self._passing_bytes:
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
                # The shortest way of writing a length is the only one allowed (5.2).
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
        """What goes to the library: part of a message, a binary or long one, a control frame, a mistake."""
        opcode = first & _OPCODE
        # After a close frame nothing counts any more, and the library answers it.
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
        self._passing_bytes, self._passing_makes = head + length, "nothing"
        if opcode in _DATA:
            self._within_message = not first & _FINAL
            self._passing_makes = "nothing" if self._within_message else "message"
        return self._pass_on()

    def _is_oversize(self, opcode: int, length: int) -> bool:
        if self._within_message != (opcode == _CONTINUATION) or length >= _LENGTHS:
            # A continuation of nothing, a message within a message and a length beyond 63 bits are forbidden
            # whatever the size, and the library says so to the hub.
            return False
        self._message_bytes = length + (self._message_bytes if self._within_message else 0)
        return self._message_bytes > self._max_message_bytes

    def _pass_on(self) -> Passthrough:
        end = min(self._at + self._passing_bytes, len(self._data))
        data, self._passing_bytes = self._data[self._at : end], self._passing_bytes - (end - self._at)
        self._at = end
        return Passthrough(data, "nothing" if self._passing_bytes else self._passing_makes)
