"""The update and the hub's records as .NET writes them."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

RECORD_SEPARATOR = "\x1e"

_ESCAPED = re.compile(r"\\u[0-9a-f]{4}|\\.|['<>&+`\x7f]")


def dotnet_datetime(unix_seconds: float, *, digits: int = 7) -> str:
    """UTC in ISO 8601 as .NET writes it: up to `digits` (1 to 7) decimals, trailing zeros trimmed."""
    seconds, ticks = divmod(round(unix_seconds * 10**digits), 10**digits)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{ticks:0{digits}}".rstrip("0").rstrip(".")
    return f"{whole}{fraction}Z"


def record(document: Mapping[str, object]) -> str:
    """One record of the JSON hub protocol: compact, escaped as System.Text.Json does, separator included."""
    text = json.dumps(document, separators=(",", ":"))
    return _ESCAPED.sub(_dotnet_escape, text) + RECORD_SEPARATOR


def update_document(
    entry: dict[str, object], *, sent_at: float, betting_timer: int, sequence_id: int
) -> dict[str, object]:
    """The documented update of one game; `sent_at` is UNIX seconds."""
    return {
        "wgi": [entry],
        "tst": dotnet_datetime(sent_at),
        "bt": betting_timer,
        "im": False,
        "sId": sequence_id,
    }


def invocation(document: Mapping[str, object]) -> str:
    """The record that carries an update to a client."""
    return record({"type": 1, "target": "WholeGamesInfoSubscribe", "arguments": [document]})


def _dotnet_escape(match: re.Match[str]) -> str:
    found = match[0]
    if found == r"\"":
        return r"\u0022"
    if found.startswith(r"\u"):
        return rf"\u{found[2:].upper()}"
    return found if found.startswith("\\") else rf"\u{ord(found):04X}"
