"""What a hub writes: HTTP, WebSocket frames, SignalR records, updates; made without any library."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

SEPARATOR = "\x1e"
HANDSHAKE = "{}" + SEPARATOR

_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# --- HTTP


def accept_key(head: bytes) -> bytes:
    """What a server answers to the key in a request's head."""
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
    assert key is not None
    return base64.b64encode(hashlib.sha1(key[1] + _WEBSOCKET_GUID, usedforsecurity=False).digest())


def switching(key: bytes) -> bytes:
    """The answer that opens a WebSocket."""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n"
    )


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


# --- WebSocket


def frame(opcode: int, payload: bytes = b"", *, last: bool = True, mask: bytes = b"") -> bytes:
    """A frame as a server writes it; with a mask, as it must not."""
    size = len(payload)
    masked = 0x80 if mask else 0
    if size < 126:
        length = bytes([masked | size])
    elif size < 65_536:
        length = bytes([masked | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([masked | 127]) + size.to_bytes(8, "big")
    if mask:
        payload = mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([(0x80 if last else 0) | opcode]) + length + payload


def close_frame(code: int, text: str = "") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + text.encode())


# --- SignalR


def record(document: Any) -> str:
    return json.dumps(document) + SEPARATOR


def invocation(*arguments: Any, target: str = "WholeGamesInfoSubscribe", **more: Any) -> str:
    return record({"type": 1, "target": target, "arguments": list(arguments)} | more)


# --- the feed


def instant(seconds: float) -> str:
    """UNIX seconds as .NET writes them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def game(now: float, game_type: int, **changes: Any) -> dict[str, Any]:
    """An active game whose betting is closed, and which has hours left: nothing that a check objects to."""
    return {
        "i": 100,
        "t": game_type,
        "ge": "PB650351",
        "lrId": 99,
        "s": 2,
        "ps": 2,
        "cr": 1,
        "sdt": instant(now - 10.0),
        "fdt": instant(now + 10_000.0),
    } | changes


def update(now: float, sequence_id: int, game: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The argument of an update's record."""
    return {"wgi": [game], "tst": instant(now), "bt": 0, "im": False, "sId": sequence_id} | changes
