"""Why a message is refused and why a connection ends: named reasons for labels, never free text."""

from typing import Literal, get_args

InvalidReason = Literal["json", "schema", "game_type", "protocol", "oversize"]

INVALID_REASONS: tuple[InvalidReason, ...] = get_args(InvalidReason)

DisconnectReason = Literal[
    "dns",
    "refused",
    "tls",
    "timeout",
    "unauthorized",
    "rejected",
    "handshake",
    "server_close",
    "closed",
    "keepalive",
    "silence",
    "oversize",
    "protocol",
    "shutdown",
]

DISCONNECT_REASONS: tuple[DisconnectReason, ...] = get_args(DisconnectReason)
