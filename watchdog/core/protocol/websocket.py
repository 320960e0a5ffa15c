"""The WebSocket as the watchdog reads it: its states as a table, and the frames that the hub sends.

Nearly all of what a hub sends is one plain text message in one frame, which `FrameReader` takes off the
bytes by itself. Everything else goes, as it came, to an engine that knows the whole protocol; what that
engine finds is one of the `Event`s below. So the reader decides as little as possible: it finds where each
frame ends, never answers, and leaves every verdict on a mistake to the engine.

A frame begins with two bytes: FIN, three reserved bits and the opcode; the mask bit and the length (RFC
6455, section 5.2). A length of 126 or 127 says that the next 2 or 8 bytes hold it. A message is one frame
with FIN set, or one without it and continuations (opcode 0), the last of them with FIN. Control frames
(close, ping, pong) may come in between (5.4). The reader is in one of four states:

- **between messages**: a plain text frame is a message (`str`), anything else is passed on;
- **within a message** of several frames (`_within_message`): everything is passed on, because the engine
  has to put the message together;
- **amid a frame** that is passed on (`_passing`): the rest goes to the engine as it comes, so that a long
  frame is never kept here;
- **at the end**: after a `Passthrough` that says so, the engine takes all that follows. That is a close
  frame, or what the protocol forbids: a reserved bit (no extension was agreed on), a mask (only clients
  mask, 5.1), an unknown opcode, a length not written in the shortest way, text that is no UTF-8 (5.6).
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

State = Literal["open", "closing", "closed"]
"""`closing`: our Close is out and the hub's answer is awaited; whatever else comes means nothing any more."""

Event = Literal["message", "ping", "pong", "close", "violation", "oversize", "end", "leave"]
"""`violation`: bytes that the protocol forbids; `end`: of the stream; `leave`: our side wants to go."""

Action = Literal["deliver", "answer_ping", "answer_close", "send_close", "nothing"]

TRANSITIONS: Mapping[tuple[State, Event], tuple[State, Action]] = {
    ("open", "message"): ("open", "deliver"),
    ("open", "ping"): ("open", "answer_ping"),
    ("open", "pong"): ("open", "nothing"),
    ("open", "close"): ("closed", "answer_close"),
    # The hub hears what is wrong with it, and nothing that follows is read (RFC 6455, section 7.1.7).
    ("open", "violation"): ("closed", "send_close"),
    ("open", "oversize"): ("closed", "send_close"),
    ("open", "end"): ("closed", "nothing"),
    ("open", "leave"): ("closing", "send_close"),
    ("closing", "message"): ("closing", "nothing"),
    ("closing", "ping"): ("closing", "nothing"),
    ("closing", "pong"): ("closing", "nothing"),
    ("closing", "close"): ("closed", "nothing"),
    ("closing", "violation"): ("closed", "nothing"),
    ("closing", "oversize"): ("closed", "nothing"),
    ("closing", "end"): ("closed", "nothing"),
    ("closing", "leave"): ("closing", "nothing"),
    ("closed", "leave"): ("closed", "nothing"),
}
"""What each event makes of each state, and what is to be done. Once closed, nothing is read any more."""

_WHOLE_TEXT = 0x81
"""The first byte of a text message in one frame, with nothing reserved in it."""

_FINAL, _RESERVED, _OPCODE = 0x80, 0x70, 0x0F
_MASKED = 0x80
_LENGTH_OF_16_BITS, _LENGTH_OF_64_BITS = 126, 127
_CONTINUATION = 0
_LONG_HEAD_BYTES = 4
"""Of a frame whose length takes 16 bits."""

_DATA, _PING_AND_PONG = (_CONTINUATION, 1, 2), (9, 10)
_LENGTHS = 1 << 63
"""No length may be as large: the first bit of one in 64 bits must be 0."""


class Passthrough(Struct, frozen=True):
    """Bytes for the engine that knows the whole protocol.

    `then`: "frames" if plain frames may follow; "end" if all that follows is the engine's as well, because
    only the end of the connection can come of it; "oversize" if the connection has to end because of the
    message that begins here, whose bytes are not worth receiving.
    """

    data: bytes
    then: Literal["frames", "end", "oversize"]


class FrameReader:
    """Takes in bytes as they come; returns what they are, in order.

    A message of more than `max_message_bytes` is refused as soon as the heads of its frames announce it,
    because the heap may keep forever what it grew by for such a one. A text of more than 65,535 bytes goes to
    the engine: no update is as long, and what is kept here until a message is complete stays small.
    """

    __slots__ = ("_at", "_data", "_max_message_bytes", "_message_bytes", "_passing", "_within_message")

    def __init__(self, max_message_bytes: int) -> None:
        """`max_message_bytes` is 65,535 or more."""
        self._max_message_bytes = max_message_bytes
        self._data = b""
        self._at = 0
        # How much of the frame that is being passed on is still to come.
        self._passing = 0
        # A message in several frames has begun: until it ends, no text is a whole one.
        self._within_message = False
        # What the frames of that message have announced so far.
        self._message_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take in what came next."""
        self._data = self.rest() + data if self._data else data

    def whole_text(self, data: bytes) -> str | None:
        """The text of `data` if that is one plain message and nothing else; None has taken nothing in.

        It is what nearly every read brings, and saves the way through `feed` and `next`.
        """
        if self._data or self._passing or self._within_message or len(data) < _LONG_HEAD_BYTES:
            return None
        length = data[2] << 8 | data[3]
        if data[0] != _WHOLE_TEXT or data[1] != _LENGTH_OF_16_BITS or length < _LENGTH_OF_16_BITS:
            return None
        if len(data) != _LONG_HEAD_BYTES + length:
            return None
        try:
            return data[_LONG_HEAD_BYTES:].decode()
        except UnicodeDecodeError:
            return None

    def rest(self) -> bytes:
        """Hand out all bytes that nothing has been made of; they are forgotten here."""
        rest, self._data, self._at = self._data[self._at :], b"", 0
        return rest

    def next(self) -> str | Passthrough | None:
        """The text of the next plain message, bytes for the engine, or None until more has come."""
        data, at = self._data, self._at
        if self._passing:
            return self._pass_on() if at < len(data) else None
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
                # Written longer than need be, which is forbidden: the engine says so to the hub.
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
        """The engine's are messages in several frames, binary and long ones, pings, and mistakes."""
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
        if opcode in _DATA:
            if self._is_oversize(opcode, length):
                return Passthrough(b"", "oversize")
            self._within_message = not first & _FINAL
        self._passing = head + length
        return self._pass_on()

    def _is_oversize(self, opcode: int, length: int) -> bool:
        if self._within_message != (opcode == _CONTINUATION) or length >= _LENGTHS:
            # Forbidden whatever its size: the engine says so to the hub.
            return False
        self._message_bytes = length + (self._message_bytes if self._within_message else 0)
        return self._message_bytes > self._max_message_bytes

    def _pass_on(self) -> Passthrough:
        end = min(self._at + self._passing, len(self._data))
        data, self._passing = self._data[self._at : end], self._passing - (end - self._at)
        self._at = end
        return Passthrough(data, "frames")
