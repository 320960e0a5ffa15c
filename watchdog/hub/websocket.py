"""An open WebSocket without its socket: bytes in, messages and the bytes to send back out.

`core.protocol.websocket` has the table of states and takes plain text messages off the bytes. Everything
else goes to wsproto, the engine of trio-websocket, which knows all of the protocol: pings, messages in
pieces, closing, and whatever is forbidden.
"""

from wsproto import events
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.frame_protocol import CloseReason

from watchdog.core.protocol.websocket import TRANSITIONS, Event, FrameReader, State
from watchdog.hub.transport import ConnectionLostError

MAX_MESSAGE_BYTES = 16 * 1024 * 1024

MAX_FRAMES = 1_000
"""How many frames one read may hold: an update has hundreds of bytes, and reading more holds up all games."""

_GOODBYE = events.CloseConnection(code=CloseReason.NORMAL_CLOSURE)
_TOO_BIG = f"a message of more than {MAX_MESSAGE_BYTES} bytes"
_TOO_MANY = f"more than {MAX_FRAMES} frames at once"

Message = str | bytes
"""A text message, or a binary one."""


class WebSocket:
    """One WebSocket from the upgrade to its end; `lost` says how it ended, None while it has not.

    A connection that we close ourselves is not lost.
    """

    __slots__ = ("_engine", "_frames", "_pieces", "_released", "lost", "outbox", "state")

    def __init__(self) -> None:
        self.state: State = "open"
        self.lost: ConnectionLostError | None = None
        self._frames = FrameReader(MAX_MESSAGE_BYTES)
        self._engine = Connection(ConnectionType.CLIENT)
        # The engine is given all that comes: only the end of the connection can come of it.
        self._released = False
        self._pieces: list[str] | list[bytes] = []
        self.outbox = b""
        """What the protocol wants sent: answers to pings, a Close."""

    def receive(self, data: bytes) -> list[Message]:
        """Take in bytes, `b""` at the end of the stream; returns the messages that are whole by now."""
        if self.state == "open" and (text := self._frames.whole_text(data)) is not None:
            return [text]
        messages: list[Message] = []
        if self.state == "closed":
            # Nothing is read any more, not even the end of the stream that follows a Close.
            return messages
        if not data:
            self._happens("end", ConnectionLostError("closed", f"code {CloseReason.ABNORMAL_CLOSURE:d}"))
            return messages
        if self._released:
            self._pass_on(data, messages)
            return messages
        self._frames.feed(data)
        self._read_frames(messages)
        return messages

    def _read_frames(self, messages: list[Message]) -> None:
        frames, count = self._frames, 0
        while self.state != "closed" and (piece := frames.next()) is not None:
            count += 1
            if count > MAX_FRAMES:
                self._refuse("violation", CloseReason.POLICY_VIOLATION, _TOO_MANY)
                break
            if isinstance(piece, str):
                if TRANSITIONS[self.state, "message"][1] == "deliver":
                    messages.append(piece)
            elif piece.then == "oversize":
                self._refuse("oversize", CloseReason.MESSAGE_TOO_BIG, _TOO_BIG)
            else:
                self._released = piece.then == "end"
                self._pass_on(piece.data, messages)

    def send(self, text: str) -> bytes:
        """The bytes of one text message."""
        return self._engine.send(events.TextMessage(data=text))

    def close(self) -> None:
        """Begin to close: say goodbye, and wait for the hub's."""
        if self._happens("leave") == "send_close":
            self.outbox += self._engine.send(_GOODBYE)

    def data_to_send(self) -> bytes:
        """The `outbox`, forgotten once handed out."""
        data, self.outbox = self.outbox, b""
        return data

    def _happens(self, event: Event, lost: ConnectionLostError | None = None) -> str:
        before = self.state
        self.state, action = TRANSITIONS[before, event]
        if self.state == "closed" and before == "open":
            self.lost = lost
        return action

    def _pass_on(self, data: bytes, messages: list[Message]) -> None:
        self._engine.receive_data(data)
        for event in self._engine.events():
            if self.state == "closed":
                return
            match event:
                case events.TextMessage() | events.BytesMessage():
                    self._piece(event, messages)
                case events.Ping():
                    # Of pings that pile up only the last wants an answer (RFC 6455, section 5.5.3).
                    if self._happens("ping") == "answer_ping":
                        self.outbox = self._engine.send(event.response())
                case events.Pong():
                    self._happens("pong")
                case events.CloseConnection():
                    self._closed(event)

    def _piece(self, event: events.TextMessage | events.BytesMessage, messages: list[Message]) -> None:
        self._pieces.append(event.data)  # type: ignore[arg-type]  # of one message all are of one type
        if not event.message_finished:
            return
        pieces, self._pieces = self._pieces, []
        if self._happens("message") == "deliver":
            messages.append(type(event.data)().join(pieces))  # type: ignore[arg-type]

    def _closed(self, event: events.CloseConnection) -> None:
        detail = f"code {event.code} {event.reason or ''}".strip()
        if self._engine.state in (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING):
            # No Close has come, which would have changed that: the engine says so of what it can't read.
            self._refuse("violation", event.code, event.reason or "", detail)
        elif self._happens("close", ConnectionLostError("closed", detail)) == "answer_close":
            self.outbox += self._engine.send(event.response())

    def _refuse(self, event: Event, code: int, reason: str, detail: str | None = None) -> None:
        lost = ConnectionLostError("oversize" if event == "oversize" else "protocol", detail or reason)
        if self._happens(event, lost) == "send_close":
            self.outbox += self._engine.send(events.CloseConnection(code=code, reason=reason))
