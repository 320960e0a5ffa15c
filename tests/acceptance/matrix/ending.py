"""Faults from the SignalR handshake on, and the ways in which an open connection ends."""

from typing import Any

from tests.acceptance.matrix.hub import Talk
from tests.acceptance.matrix.plays import closes, greets, hang_up, hole, reset, says, text, trickles
from tests.acceptance.matrix.row import Play, Row
from tests.support.wire import SEPARATOR, TEXT, close_frame, frame, record


def _failing(name: str, reason: str, play: Play | None = None, **more: Any) -> Row:
    fields: dict[str, Any] = {
        "counters": {f"disconnects:{reason}": 1},
        "state": "disconnected",
        "strikes": "handshake",
    } | more
    return Row(name=name, play=play, **fields)


def _lost(name: str, reason: str, play: Play, **more: Any) -> Row:
    return _failing(name, reason, play, **{"strikes": "open connection"} | more)


def _silent(name: str, play: Play, **more: Any) -> Row:
    return _lost(name, "silence", play, **{"state": "silent", "beside": True} | more)


def _broken(name: str, play: Play, **more: Any) -> Row:
    """What no WebSocket may say: it ends the connection and counts as an invalid message, too."""
    counters = {"disconnects:protocol": 1, "invalid_messages:protocol": 1}
    return _lost(name, "protocol", play, **{"counters": counters, "strikes": "close"} | more)


async def _cut(talk: Talk) -> None:
    """Nothing passes any more, in neither direction: first on an open connection, then on new ones."""
    if talk.hub.strikes_left:
        await talk.opened()
    await talk.until_gone()


async def _pings_only(talk: Talk) -> None:
    await talk.opened()
    while True:
        await talk.beat()
        await talk.send(record({"type": 6}))


async def _split_hello(talk: Talk) -> None:
    await talk.greeted()
    await talk.send("{", "}")
    await talk.subscribed(SEPARATOR)


def _hello(hello: str) -> Play:
    async def play(talk: Talk) -> None:
        await talk.subscribed(hello)

    return play


async def _hello_with_updates(talk: Talk) -> None:
    await talk.subscribed("{}" + SEPARATOR + record({"type": 6}) + talk.update() + talk.update())


HANDSHAKE = (
    _failing("no answer to the handshake", "handshake", hole("greeting")),
    _failing("reset after the upgrade", "closed", reset("upgrade")),
    _failing("closed after the upgrade", "closed", hang_up("upgrade")),
    _failing("WebSocket close 1008 after the upgrade", "closed", says("upgrade", close_frame(1008))),
    _failing("reset after the handshake's request", "closed", reset("greeting")),
    _failing(
        "the handshake's answer comes a byte a second",
        "handshake",
        trickles("greeting", frame(TEXT, b"{" + b" " * 99 + b"}\x1e")),
    ),
    _failing("the handshake is refused", "handshake", greets('{"error":"no such protocol"}\x1e')),
    _failing("an answer that is no JSON", "handshake", greets("hello\x1e")),
    _failing("an answer of another shape", "handshake", greets("[]\x1e")),
    _failing("an empty record as the answer", "handshake", greets("\x1e")),
    _failing("an answer without an end", "handshake", greets("{}")),
    Row(name="a Ping as the answer", strikes="handshake", play=_hello(record({"type": 6}))),
    Row(name="answer, Ping and updates in one frame", strikes="handshake", play=_hello_with_updates),
    Row(name="the answer split over frames", strikes="handshake", play=_split_hello),
)

OPEN = (
    _silent("nothing after the subscription", hole("subscription")),
    _silent("half-open: nothing comes any more", hole("updates")),
    _lost(
        "a network cut: half-open, then a black hole",
        "silence",
        _cut,
        connections=2,
        counters={"disconnects:silence": 1, "disconnects:timeout": 1},
        state="silent",
        beside=True,
        events=("connection.lost", "connection.failed"),
    ),
    _silent("pings, but no updates", _pings_only),
    _silent("an update comes a byte a second", trickles("updates", frame(TEXT, b"x" * 9_999))),
    _lost(
        "not even pings",
        "keepalive",
        hole("updates"),
        state="silent",
        passing=("disconnected",),
        checks={"silence_reconnect_seconds": 60.0},
    ),
    _lost("reset after the subscription", "closed", reset("subscription")),
    _lost("reset between updates", "closed", reset("updates")),
    _lost("reset within a frame", "closed", says("updates", frame(TEXT, b"half of it")[:6], then="reset")),
    _lost("closed within a frame", "closed", says("updates", frame(TEXT, b"half of it")[:6], then="hang up")),
)

_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4000, 4999)
_NOT_ON_THE_WIRE = (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)

CLOSES = (
    *(_lost(f"close {code}", "closed", closes(code), strikes="close") for code in _CODES),
    _lost("1006: closed without a word", "closed", hang_up("updates"), strikes="close"),
    _lost("close without a code", "closed", closes(None), strikes="close"),
    _lost("close with the longest reason", "closed", closes(1001, "b" * 123), strikes="close"),
    _broken("close with a reason too long", closes(1001, "b" * 124)),
    _broken("close with a reason that is no UTF-8", says("updates", frame(8, b"\x03\xe9\xff"))),
    _broken("close with half a code", says("updates", frame(8, b"\x03"))),
    # Registered (bad gateway), but younger than the WebSocket library's list.
    _broken("close 1014", closes(1014)),
    *(_broken(f"close {code}, which may not be sent", closes(code)) for code in _NOT_ON_THE_WIRE),
    _lost(
        "SignalR Close with allowReconnect",
        "server_close",
        text(record({"type": 7, "allowReconnect": True})),
        strikes="close",
    ),
    _lost(
        "SignalR Close with an error",
        "server_close",
        text(record({"type": 7, "error": "bye", "allowReconnect": True})),
        strikes="close",
    ),
    _lost(
        "SignalR Close without allowReconnect",
        "server_close",
        text(record({"type": 7})),
        strikes="close",
        obliging=True,
    ),
    _lost(
        "SignalR Close: do not reconnect",
        "server_close",
        text(record({"type": 7, "allowReconnect": False, "error": "bye"})),
        strikes="close",
        obliging=True,
    ),
)

ROWS = HANDSHAKE + OPEN + CLOSES
