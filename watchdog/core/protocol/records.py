"""SignalR records: the JSON objects that a connection carries, each ended by 0x1E.

Source: the ASP.NET Core SignalR hub protocol specification, "JSON Encoding".
"""

from enum import IntEnum
from typing import Any, Literal

import msgspec

RECORD_SEPARATOR = "\x1e"
"""JSON escapes control characters, so this one can't be part of a record."""


class MessageType(IntEnum):
    """The `type` of a hub message."""

    INVOCATION = 1
    STREAM_ITEM = 2
    COMPLETION = 3
    STREAM_INVOCATION = 4
    CANCEL_INVOCATION = 5
    PING = 6
    CLOSE = 7
    ACK = 8
    SEQUENCE = 9


_is_json = msgspec.json.Decoder(msgspec.Raw).decode


def encode_record(document: dict[str, Any]) -> str:
    """One record: the document as compact JSON, and the separator."""
    return msgspec.json.encode(document).decode() + RECORD_SEPARATOR


def size_bytes(record: str) -> int:
    """The bytes of a record as it came."""
    return len(record) if record.isascii() else len(record.encode())


def fault_of(data: bytes | str | msgspec.Raw, error: Exception) -> tuple[Literal["json", "schema"], str]:
    """Why `data` could not be decoded: it is no JSON at all, or JSON of another shape.

    A decoder that stops at the first wrong type has not seen whether the rest is JSON, hence the second
    look. Nesting deeper than the decoder's stack counts as `json`, and so does text that is no Unicode.
    """
    if isinstance(error, msgspec.ValidationError):
        try:
            _is_json(data)
        except (ValueError, RecursionError):
            return "json", "malformed JSON"
        return "schema", str(error)
    if isinstance(error, RecursionError):
        return "json", "nested too deeply"
    return "json", str(error)
