"""The named reasons for which a message is refused or a connection ends: label values, never free text."""

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
