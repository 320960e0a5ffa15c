"""The SignalR JSON hub protocol as a session without I/O: text in, events and text to send out.

Source: the ASP.NET Core SignalR hub protocol specification, "Overview" and "JSON Encoding". Where it leaves a
choice, Microsoft's clients are the model.

A session is in one of two states. It begins in the **handshake**: its request waits to be sent, and the first
record from the hub is the answer. Once the hub has accepted, the session is **established** and stays so: it
sends the subscription, and every record is a message. A session never ends itself. It reports what makes a
connection useless (a refusal, a `Close`, text without limit, silence), and the caller, who has the socket,
hangs up. A record that is merely wrong becomes one `Invalid`, and the next one is read as usual.
"""

from collections.abc import Callable
from io import StringIO

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from watchdog.core.protocol.events import (
    Closed,
    Established,
    Event,
    HandshakeRefused,
    Invalid,
    Invocation,
    RecordTooLong,
    TooManyRecords,
    UpdateReceived,
)
from watchdog.core.protocol.records import RECORD_SEPARATOR, MessageType, encode_record, fault_of, size_bytes
from watchdog.core.protocol.updates import Update

HANDSHAKE_TIMEOUT_SECONDS = 15.0
KEEP_ALIVE_SECONDS = 15.0
"""How often a client shows that it is alive; hubs give one up after 30 s."""

SERVER_TIMEOUT_SECONDS = 30.0
"""How long a hub may send nothing at all; it pings every 15 s."""

ANSWERS_A_MINUTE = 20
"""So many invocations that want an answer get one: all of it fits the buffers of a hub that reads nothing."""

MAX_RECORDS = 1_000
"""The most records in one message: minutes of updates joined, and what is read within some milliseconds."""

MAX_RECORD_CHARACTERS = 16 * 1024 * 1024

_LONGEST_ANSWERED_ID = 256


class Timeouts(Struct, frozen=True):
    """How often we ping, and how long a hub may send nothing at all. The defaults are the protocol's."""

    keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    server_timeout_seconds: float = SERVER_TIMEOUT_SECONDS

    def spread(self, random: float) -> "Timeouts":
        """The same with pings a fifteenth sooner at most, given a `random` from [0, 1).

        Games that connected together would ping together, and hold up the loop.
        """
        return replace(self, keep_alive_seconds=self.keep_alive_seconds * (1.0 - random / 15.0))


PROTOCOL_TIMEOUTS = Timeouts()


class _HandshakeAnswer(Struct):
    error: str | None = None
    type: int | None = None


class _Type(Struct):
    type: int


class _Message(Struct):
    type: int
    target: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()
    invocation_id: str | None = field(name="invocationId", default=None)
    error: str | None = None
    allow_reconnect: bool | None = field(name="allowReconnect", default=None)


_decode_handshake = msgspec.json.Decoder(_HandshakeAnswer).decode
_decode_message = msgspec.json.Decoder(_Message).decode
_decode_type = msgspec.json.Decoder(_Type).decode

_EMPTY = Invalid("json", "an empty record")
_PING = encode_record({"type": int(MessageType.PING)})
_HANDSHAKE = encode_record({"protocol": "json", "version": 1})


def _has_unknown_type(record: str) -> bool:
    """Whether a record is of a later protocol's type, which may use the known properties otherwise."""
    try:
        return _decode_type(record).type not in list(MessageType)
    except ValueError:
        return False


class Session:
    """One connection's protocol state on the client's side.

    Give it what arrives (`receive`), send what it wants sent (`data_to_send`), and call `tick` when
    `next_deadline` has passed. Times are seconds of any one monotonic clock.
    """

    __slots__ = (
        "_answers",
        "_answers_since",
        "_established",
        "_expected",
        "_last_received_at",
        "_last_sent_at",
        "_outbox",
        "_partial",
        "_subscribe",
        "_timeouts",
    )

    def __init__(
        self,
        subscribe: str,
        at: float,
        *,
        expected: Callable[[str], Update] | None = None,
        timeouts: Timeouts = PROTOCOL_TIMEOUTS,
    ) -> None:
        """Begin with the handshake; `subscribe` is the record sent once the hub has accepted it.

        `expected` decodes in one pass the record that nearly all are: an update. If it raises ValueError or
        RecursionError, the record goes the long way, which finds out what it is or what is wrong with it.
        """
        self._subscribe = subscribe
        self._expected = expected
        self._timeouts = timeouts
        self._established = False
        self._outbox = [_HANDSHAKE]
        self._partial = StringIO()
        self._last_sent_at = at
        self._last_received_at = at
        self._answers = 0
        self._answers_since = at

    @property
    def established(self) -> bool:
        """Whether the hub has accepted the handshake."""
        return self._established

    @property
    def next_deadline(self) -> float:
        """When `tick` is to be called if nothing is received until then."""
        if not self._established:
            return self._last_sent_at + HANDSHAKE_TIMEOUT_SECONDS
        return min(
            self._last_sent_at + self._timeouts.keep_alive_seconds,
            self._last_received_at + self._timeouts.server_timeout_seconds,
        )

    @property
    def wants_to_send(self) -> bool:
        """Whether there is anything in `data_to_send`."""
        return bool(self._outbox)

    def data_to_send(self) -> str:
        """The text to send now, possibly empty; forgotten once handed out."""
        data = "".join(self._outbox)
        self._outbox.clear()
        return data

    def tick(self, at: float) -> bool:
        """Ping when it is time to; return whether the hub still counts as alive.

        False once the handshake has waited 15 s, or no record has come for as long as the hub may be silent.
        """
        # Clients ping from the accepted handshake on; until then there is only the time limit.
        if not self._established:
            return at < self._last_sent_at + HANDSHAKE_TIMEOUT_SECONDS
        if at >= self._last_received_at + self._timeouts.server_timeout_seconds:
            return False
        if at >= self._last_sent_at + self._timeouts.keep_alive_seconds:
            self._send(_PING, at)
        return True

    def receive(self, data: str, at: float) -> list[Event]:
        """Take in text as it came; return what its complete records say, in order.

        The protocol lets a WebSocket message hold several records, and a record span several messages. So
        what comes after the last separator is kept, and the next text continues it. What is kept and the
        number of records in a message are limited: a hub that sends without end must not fill the memory or
        hold up the other games.
        """
        # The ordinary case: one message, one record, nothing kept from before.
        if data and data.find(RECORD_SEPARATOR) == len(data) - 1 and not self._partial.tell():
            return self._record(data[:-1], at)
        events: list[Event] = []
        *complete, rest = data.split(RECORD_SEPARATOR, MAX_RECORDS)
        if RECORD_SEPARATOR in rest:
            return [TooManyRecords()]
        for piece in complete:
            events += self._record(self._take_partial() + piece, at)
        self._partial.write(rest)
        if self._partial.tell() > MAX_RECORD_CHARACTERS:
            self._take_partial()
            events.append(RecordTooLong())
        return events

    def _take_partial(self) -> str:
        partial = self._partial.getvalue()
        if partial:
            self._partial = StringIO()
        return partial

    def _send(self, record: str, at: float) -> None:
        self._outbox.append(record)
        self._last_sent_at = at

    def _record(self, record: str, at: float) -> list[Event]:
        self._last_received_at = at
        if len(record) > MAX_RECORD_CHARACTERS:
            return [RecordTooLong()]
        if self._established:
            return self._as_expected(record) or self._message(record, at)
        # The answer is `{}` or `{"error": …}`. Unlike every message it has no `type`.
        try:
            answer = _decode_handshake(record)
        except (ValueError, RecursionError) as error:
            return [HandshakeRefused(": ".join(fault_of(record, error)))]
        if answer.error is not None and answer.type is None:
            return [HandshakeRefused(answer.error)]
        self._established = True
        self._send(self._subscribe, at)
        # The provider calls the first ping "the sign that the connection is established": a hub may
        # go without the `{}`, and then its first record already is a message.
        first = [] if answer.type is None else self._message(record, at)
        return [Established(), *first]

    def _as_expected(self, record: str) -> list[Event]:
        if self._expected is None:
            return []
        try:
            update = self._expected(record)
        except (ValueError, RecursionError):
            return []
        return [UpdateReceived(update, size_bytes(record))]

    def _message(self, record: str, at: float) -> list[Event]:
        if not record:
            # A message can hold more of these than of any other record: none costs an exception.
            return [_EMPTY]
        try:
            message = _decode_message(record)
        except (ValueError, RecursionError) as error:
            # A client ignores messages of later versions of the protocol.
            reason, detail = fault_of(record, error)
            if reason == "json":
                return [Invalid("json", detail)]
            return [] if _has_unknown_type(record) else [Invalid("protocol", detail)]
        if message.type == MessageType.INVOCATION:
            return self._invocation(message, record, at)
        if message.type == MessageType.CLOSE:
            return [Closed(message.error, message.allow_reconnect is True)]
        # A ping has done its work by arriving. The other types are for clients that stream, that invoke with
        # an id or that asked for a stateful reconnect; this one does nothing of the kind.
        return []

    def _may_answer(self, invocation_id: str, at: float) -> bool:
        if at >= self._answers_since + 60.0:
            self._answers, self._answers_since = 0, at
        self._answers += 1
        return self._answers <= ANSWERS_A_MINUTE and len(invocation_id) <= _LONGEST_ANSWERED_ID

    def _invocation(self, message: _Message, record: str, at: float) -> list[Event]:
        if message.target is None or not bytes(message.arguments):
            return [Invalid("protocol", "an invocation without target or arguments")]
        if message.invocation_id is not None and self._may_answer(message.invocation_id, at):
            # The hub's caller waits until the client completes an invocation with an id. Microsoft's clients
            # complete one that they have no handler for with this very error.
            self._send(
                encode_record(
                    {
                        "type": int(MessageType.COMPLETION),
                        "invocationId": message.invocation_id,
                        "error": "Client didn't provide a result.",
                    }
                ),
                at,
            )
        return [Invocation(message.target, message.arguments, size_bytes(record), message.invocation_id)]
