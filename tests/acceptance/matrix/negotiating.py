"""Faults of the negotiation, SignalR's optional first step."""

import json
from typing import Any

from tests.acceptance.matrix.hub import Talk
from tests.acceptance.matrix.plays import answers, floods, hang_up, hole, negotiates, reset, says, trickles
from tests.acceptance.matrix.row import Play, Row
from tests.support.wire import answer

REDIRECTS = 6
"""One more than are followed."""


def _failing(name: str, reason: str, play: Play | None = None, **more: Any) -> Row:
    fields: dict[str, Any] = {"counters": {f"disconnects:{reason}": 1}, "state": "disconnected"} | more
    return Row(name=f"negotiate: {name}", strikes="negotiate", negotiate=True, play=play, **fields)


def _unauthorized(status: int) -> Row:
    return _failing(
        f"status {status}",
        "unauthorized",
        answers(status),
        counters={"disconnects:unauthorized": 1, "token_rejections": 1},
        state="unauthorized",
        passing=("disconnected",),
        events=("connection.failed", "token.rejected"),
    )


def _redirects(to: str) -> Play:
    async def play(talk: Talk) -> None:
        await talk.requested()
        body = json.dumps({"url": to.format(port=talk.hub.port)}).encode()
        await talk.send(answer(200, body))
        await talk.until_gone()

    return play


_GIGABYTE = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"

ROWS = (
    _failing("nobody listens", "refused", port="closed"),
    _failing("no such name", "dns", port="no name"),
    _failing("nothing is said", "timeout", hole("request")),
    _failing("reset", "closed", reset("request")),
    _failing("closed", "closed", hang_up("request")),
    _failing(
        "half an answer, then closed", "closed", says("request", answer(200, b"{}")[:-1], then="hang up")
    ),
    _failing("a byte a second", "timeout", trickles("request", answer(200, b"{}"))),
    _failing("a plain answer to TLS", "tls", says("tcp", answer(400)), scheme="wss"),
    *(
        _failing(
            f"status {status}", "rejected", answers(status, body=b"" if status in (204, 304) else b"words")
        )
        for status in (201, 204, 301, 302, 307, 308, 400, 404, 405, 407, 408, 500, 502, 503, 504)
    ),
    _failing("429 with Retry-After", "rejected", answers(429, "Retry-After: 1")),
    _failing(
        "status 403 with a firewall's page",
        "rejected",
        answers(403, "Content-Type: text/html", body=b"<title>Just a moment...</title>"),
    ),
    _unauthorized(401),
    _unauthorized(403),
    _failing("100 and nothing more", "timeout", says("request", b"HTTP/1.1 100 Continue\r\n\r\n")),
    _failing(
        "redirected without end", "rejected", _redirects("ws://127.0.0.1:{port}/hubs"), connections=REDIRECTS
    ),
    _failing("redirected to a file", "protocol", _redirects("file:///etc/passwd")),
    _failing("an HTTP redirect to itself", "rejected", answers(302, "Location: /hubs/negotiate")),
    _failing("no JSON", "protocol", answers(200, body=b"<html>")),
    _failing("JSON of another shape", "protocol", negotiates([1])),
    _failing("neither token nor url", "protocol", negotiates({})),
    _failing("deeply nested", "protocol", answers(200, body=b"[" * 100_000)),
    _failing("an error", "rejected", negotiates({"error": "not today"})),
    _failing("no WebSockets", "rejected", negotiates({"connectionToken": "t", "availableTransports": []})),
    _failing(
        "a gigabyte",
        "oversize",
        floods("request", b" " * 65_536, first=_GIGABYTE),
        counters={"disconnects:oversize": 1, "invalid_messages:oversize": 1},
        events=("connection.failed", "message.invalid"),
    ),
    Row(name="negotiate: nothing is wrong", strikes="negotiate", negotiate=True),
)
