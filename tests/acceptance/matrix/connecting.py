"""Faults before there is a WebSocket: name, TCP, TLS, upgrade."""

from typing import Any

from tests.acceptance.matrix.hub import Talk
from tests.acceptance.matrix.plays import answers, floods, hang_up, hole, reset, says, trickles
from tests.acceptance.matrix.row import Place, Play, Port, Row
from tests.support.wire import accept_key, answer, switching


def _failing(name: str, strikes: Place, reason: str, play: Play | None = None, **more: Any) -> Row:
    fields: dict[str, Any] = {"counters": {f"disconnects:{reason}": 1}, "state": "disconnected"} | more
    return Row(name=name, strikes=strikes, play=play, **fields)


def _port(name: str, reason: str, port: Port) -> Row:
    return _failing(name, "name and TCP", reason, port=port)


def _unauthorized(name: str, status: int) -> Row:
    return _failing(
        name,
        "upgrade",
        "unauthorized",
        answers(status),
        counters={"disconnects:unauthorized": 1, "token_rejections": 1},
        state="unauthorized",
        passing=("disconnected",),
        events=("connection.failed", "token.rejected"),
    )


def _handshake(certificate: str) -> Play:
    async def play(talk: Talk) -> None:
        await talk.secured(certificate)
        await talk.until_gone()

    return play


def _switches(*, drop: bytes = b"", add: bytes = b"", key: bytes | None = None) -> Play:
    """A 101 that is not quite right."""

    async def play(talk: Talk) -> None:
        await talk.requested()
        head = switching(key or accept_key(talk.peer.head)).replace(drop, b"", 1)
        await talk.send(head.removesuffix(b"\r\n"), add, b"\r\n")
        await talk.until_gone()

    return play


TCP = (
    _port("no such name", "dns", "no name"),
    _port("nobody listens", "refused", "closed"),
    _port("the backlog is full", "timeout", "full"),
    _port("never accepted", "timeout", "not accepting"),
    _failing("nothing is said", "name and TCP", "timeout", hole("tcp")),
    _failing("reset at once", "name and TCP", "closed", reset("tcp")),
    _failing("closed at once", "name and TCP", "closed", hang_up("tcp")),
)

_ALERT = b"\x15\x03\x01\x00\x02\x02\x16"


def _tls(name: str, reason: str, play: Play) -> Row:
    return _failing(name, "TLS", reason, play, scheme="wss")


TLS = (
    _tls("the certificate has expired", "tls", _handshake("expired")),
    _tls("the certificate is not yet valid", "tls", _handshake("not yet valid")),
    _tls("the certificate is of another host", "tls", _handshake("another host")),
    _tls("the certificate is of an unknown CA", "tls", _handshake("unknown CA")),
    _tls("plain HTTP on a TLS port", "tls", says("tcp", answer(400, b"plain HTTP"))),
    _tls("TLS: nothing is said", "timeout", hole("tcp")),
    _tls("TLS: reset at once", "closed", reset("tcp")),
    _tls("TLS: closed at once", "closed", hang_up("tcp")),
    _tls("TLS: a byte a second", "timeout", trickles("tcp", b"\x16\x03\x03\x00\x7a" + bytes(99))),
    _tls("TLS: nothing is said after the handshake", "timeout", hole("tls")),
    _tls("TLS: reset after the handshake", "closed", reset("tls")),
    # A server's alert to what is no TLS: seven bytes that no HTTP client takes for an answer.
    _failing("TLS on a plain port", "TLS", "protocol", says("tcp", _ALERT, then="hang up")),
)

# fmt: off
_REJECTIONS = (
    200, 204, 300, 302, 304, 307, 308, 400, 404, 405, 407, 408, 410, 418, 426, 451,
    500, 501, 502, 503, 504, 599,
)
# fmt: on

UPGRADE = (
    _failing("nothing is said to the request", "upgrade", "timeout", hole("request")),
    _failing("reset after the request", "upgrade", "closed", reset("request")),
    _failing("closed after the request", "upgrade", "closed", hang_up("request")),
    _failing(
        "half an answer, then closed",
        "upgrade",
        "closed",
        says("request", b"HTTP/1.1 101 Sw", then="hang up"),
    ),
    _failing(
        "half an answer, then reset", "upgrade", "closed", says("request", b"HTTP/1.1 101 Sw", then="reset")
    ),
    _failing(
        "the answer comes a byte a second", "upgrade", "timeout", trickles("request", switching(b"k" * 28))
    ),
    _failing("no HTTP", "upgrade", "protocol", says("request", b"SSH-2.0-OpenSSH_9.9\r\n\r\n")),
    _failing(
        "a head without an end",
        "upgrade",
        "protocol",
        floods("request", b"X-More: words\r\n" * 1000, first=b"HTTP/1.1 101 S\r\n"),
    ),
    _failing(
        "a body without an end",
        "upgrade",
        "rejected",
        floods("request", b"words " * 10_000, first=b"HTTP/1.1 503 S\r\n\r\n"),
    ),
    _failing("101 with another key", "upgrade", "protocol", _switches(key=b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
    _failing("101 without Upgrade", "upgrade", "protocol", _switches(drop=b"Upgrade: websocket\r\n")),
    _failing("101 without Connection", "upgrade", "protocol", _switches(drop=b"Connection: Upgrade\r\n")),
    _failing(
        "101 with a subprotocol unasked for",
        "upgrade",
        "protocol",
        _switches(add=b"Sec-WebSocket-Protocol: mqtt\r\n"),
    ),
    _failing(
        "101 with compression unasked for",
        "upgrade",
        "protocol",
        _switches(add=b"Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    ),
    _failing(
        "103 without an end",
        "upgrade",
        "protocol",
        floods("request", b"HTTP/1.1 103 Hints\r\n\r\n" * 20),
    ),
    _failing("100 and nothing more", "upgrade", "timeout", says("request", b"HTTP/1.1 100 Continue\r\n\r\n")),
    _failing("301 to elsewhere", "upgrade", "rejected", answers(301, "Location: ws://127.0.0.1:1/elsewhere")),
    _failing("429 with Retry-After", "upgrade", "rejected", answers(429, "Retry-After: 1")),
    *(
        _failing(
            f"status {status}",
            "upgrade",
            "rejected",
            answers(status, body=b"" if status in (204, 304) else b"words"),
        )
        for status in _REJECTIONS
    ),
    _failing(
        "status 403 with a firewall's page",
        "upgrade",
        "rejected",
        answers(403, "Content-Type: text/html", body=b"<title>Just a moment...</title>"),
    ),
    _unauthorized("status 401", 401),
    _unauthorized("status 403", 403),
)

ROWS = TCP + TLS + UPGRADE
