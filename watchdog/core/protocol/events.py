"""What a hub's records say: the events that a session answers with."""

from typing import Any

import msgspec
from msgspec import Struct

from watchdog.core.protocol.reasons import InvalidReason


class Established(Struct, frozen=True):
    """The hub accepted the handshake."""


class HandshakeRefused(Struct, frozen=True):
    """The hub answered the handshake with an error, or with something that is no answer."""

    error: str


class UpdateReceived(Struct, frozen=True, gc=False):
    """The one record that the feed consists of, as the decoder handed to the session has it."""

    content: Any
    size_bytes: int


class Invocation(Struct, frozen=True):
    """The hub calls a method of the client; `arguments` is the JSON array as it came."""

    target: str
    arguments: msgspec.Raw
    size_bytes: int
    invocation_id: str | None = None


class Invalid(Struct, frozen=True):
    """A record that is not what the protocol allows; the session goes on."""

    reason: InvalidReason
    detail: str


class RecordTooLong(Struct, frozen=True):
    """A record longer than `MAX_RECORD_CHARACTERS`; the connection is of no more use."""


class TooManyRecords(Struct, frozen=True):
    """One message held more records than anybody has to say at once: reading them would hold up all games."""


class Closed(Struct, frozen=True):
    """The hub says goodbye: a `Close` message."""

    error: str | None
    allow_reconnect: bool


Event = (
    Established
    | HandshakeRefused
    | UpdateReceived
    | Invocation
    | Invalid
    | RecordTooLong
    | TooManyRecords
    | Closed
)
