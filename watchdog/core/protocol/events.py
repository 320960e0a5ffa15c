"""What a hub's records say: the events that a session returns."""

import msgspec
from msgspec import Struct

from watchdog.core.protocol.reasons import InvalidReason
from watchdog.core.protocol.updates import Update


class Established(Struct, frozen=True):
    """The hub accepted the handshake."""


class HandshakeRefused(Struct, frozen=True):
    """The hub answered the handshake with an error, or with something else."""

    error: str


class UpdateReceived(Struct, frozen=True, gc=False):
    """The one record that the feed consists of, decoded."""

    update: Update
    size_bytes: int


class Invocation(Struct, frozen=True):
    """The hub calls a method of the client; `arguments` is the JSON array as it came."""

    target: str
    arguments: msgspec.Raw
    size_bytes: int
    invocation_id: str | None = None


class Invalid(Struct, frozen=True):
    """A record that the protocol does not allow; the session goes on."""

    reason: InvalidReason
    detail: str


class RecordTooLong(Struct, frozen=True):
    """A record longer than `MAX_RECORD_CHARACTERS`; the connection is of no more use."""


class TooManyRecords(Struct, frozen=True):
    """One message held more than `MAX_RECORDS` records; reading them would hold up all games."""


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
