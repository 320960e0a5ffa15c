"""WebSocket frames and SignalR records: what is allowed however odd, and what is not."""

import json

import trio
import trio.lowlevel

from tests.acceptance.matrix.hub import Talk
from tests.acceptance.matrix.plays import floods, says, text
from tests.acceptance.matrix.row import Place, Play, Row
from tests.support.wire import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    SEPARATOR,
    TEXT,
    frame,
    invocation,
    record,
)

OVERSIZE_BYTES = 17_000_000
"""Beyond the limit of 16 MiB."""


def _fine(name: str, play: Play) -> Row:
    """Nothing is wrong, and nothing may be found."""
    return Row(name=name, strikes="frames", play=play)


def _broken(name: str, frames: bytes) -> Row:
    return Row(
        name=name,
        strikes="frames",
        play=says("updates", frames),
        counters={"disconnects:protocol": 1, "invalid_messages:protocol": 1},
        state="disconnected",
    )


def _invalid(name: str, reason: str, play: Play, *, strikes: Place = "records", count: int = 1) -> Row:
    return Row(name=name, strikes=strikes, play=play, counters={f"invalid_messages:{reason}": count})


def _oversize(name: str, play: Play, strikes: Place) -> Row:
    return Row(
        name=name,
        strikes=strikes,
        play=play,
        counters={"disconnects:oversize": 1, "invalid_messages:oversize": 1},
        state="disconnected",
        # So much takes its time on a busy machine.
        checks={"tolerance_seconds": 9.0, "silence_reconnect_seconds": 30.0},
    )


def _ignored(name: str, data: str) -> Row:
    return Row(name=name, strikes="records", play=text(data))


async def _split_over_frames(talk: Talk) -> None:
    """An update in frames of one byte, each a message of its own."""
    await talk.opened()
    await talk.beat()
    await talk.send(*talk.update())


async def _split_over_segments(talk: Talk) -> None:
    await talk.opened()
    await talk.beat()
    for byte in frame(TEXT, talk.update().encode()):
        await talk.send(bytes([byte]))
        await trio.lowlevel.checkpoint()


async def _split_everywhere(talk: Talk) -> None:
    """At every place once: some hundred updates at once, two frames each."""
    await talk.opened()
    await talk.beat()
    for place in range(1, len(record(talk.argument()))):
        whole = talk.update()
        await talk.send(whole[:place])
        await talk.send(whole[place:])


async def _joined(talk: Talk) -> None:
    await talk.opened()
    await talk.beat()
    await talk.send("".join(talk.update() for _ in range(5)))


async def _half_joined(talk: Talk) -> None:
    """The end of one update and the beginning of the next in one frame."""
    await talk.opened()
    await talk.beat()
    both = talk.update() + talk.update()
    for start in range(0, len(both), 300):
        await talk.send(both[start : start + 300])


async def _pings_between(talk: Talk) -> None:
    await talk.opened()
    await talk.beat()
    ping = record({"type": 6})
    await talk.send(ping + talk.update() + ping + ping + talk.update() + ping)
    await talk.send(frame(PING, b"?"), talk.update(), frame(PONG, b"unasked"), frame(PING))


async def _fragmented(talk: Talk) -> None:
    """One message in fragments, empty ones too, with control frames between."""
    await talk.opened()
    await talk.beat()
    whole = talk.update().encode()
    await talk.send(frame(TEXT, whole[:7], last=False), frame(PING, b"?"))
    for byte in whole[7:]:
        await talk.send(frame(CONTINUATION, bytes([byte]), last=False), frame(PONG))
    await talk.send(frame(CONTINUATION, last=False), frame(PING), frame(CONTINUATION))


async def _many_pings(talk: Talk) -> None:
    await talk.opened()
    await talk.send(*[frame(PING, b"x" * 125)] * 200)


async def _empty_messages(talk: Talk) -> None:
    await talk.opened()
    await talk.send(*[frame(TEXT)] * 100)


async def _half_a_character(talk: Talk) -> None:
    """A character's bytes in two fragments of one message."""
    await talk.opened()
    await talk.beat()
    whole = json.dumps({"type": 6, "more": "€"}, ensure_ascii=False).encode() + b"\x1e"
    place = whole.index("€".encode()) + 1
    await talk.send(frame(TEXT, whole[:place], last=False), frame(CONTINUATION, whole[place:]))


async def _record_without_end(talk: Talk) -> None:
    await talk.opened()
    piece = "x" * 1_000_000
    for _ in range(OVERSIZE_BYTES // 1_000_000):
        await talk.send(piece)
    await talk.until_gone()


async def _asks(talk: Talk) -> None:
    """An invocation that wants an answer, and gets an error for one."""
    await talk.opened()
    await talk.send(invocation(1, target="WhatTimeIsIt", invocationId="7"))
    await talk.peer.heard(invocationId="7")


FRAMES = (
    _fine("an update split over frames of one byte", _split_over_frames),
    _fine("an update split over TCP segments of one byte", _split_over_segments),
    _fine("updates split in two at every place", _split_everywhere),
    _fine("five updates in one frame", _joined),
    _fine("frames that cut across updates", _half_joined),
    _fine("pings of both kinds between updates", _pings_between),
    _fine("fragments with control frames between", _fragmented),
    _fine("200 pings at once", _many_pings),
    _fine("100 empty messages", _empty_messages),
    _fine("a character split over fragments", _half_a_character),
    _invalid(
        "a binary message",
        "protocol",
        says("updates", frame(BINARY, b"\x00\xff"), then="go on"),
        strikes="frames",
    ),
    _broken("invalid UTF-8", frame(TEXT, b"\xff\xfe")),
    _broken("a surrogate in UTF-8", frame(TEXT, b"\xed\xa0\x80")),
    _broken("UTF-8 that breaks off", frame(TEXT, b"\xe2\x82")),
    _broken("a masked frame", frame(TEXT, b"masked", mask=b"abcd")),
    _broken("a reserved bit, as if compressed", b"\xc1\x01x"),
    _broken("the second reserved bit", b"\xa1\x01x"),
    _broken("the third reserved bit", b"\x91\x01x"),
    _broken("a reserved data opcode", frame(3, b"?")),
    _broken("a reserved control opcode", frame(11, b"?")),
    _broken("a continuation of nothing", frame(CONTINUATION, b"of what?")),
    _broken("a text within a text", frame(TEXT, b"a", last=False) + frame(TEXT, b"b")),
    _broken("a ping of 126 bytes", frame(PING, b"x" * 126)),
    _broken("a fragmented ping", frame(PING, b"x", last=False)),
    _broken("a length in more bytes than needed", b"\x81\x7e\x00\x01x"),
    _broken("a negative length", b"\x81\x7f" + b"\xff" * 8),
    _oversize("a frame of 17 MB", says("updates", frame(TEXT, b"x" * OVERSIZE_BYTES)), "frames"),
    _oversize(
        "a frame that claims exabytes",
        floods("updates", b"x" * 65_536, first=b"\x81\x7f\x7f" + b"\xff" * 7),
        "frames",
    ),
    _oversize(
        "fragments without an end",
        floods("updates", frame(CONTINUATION, b"x" * 65_536, last=False), first=frame(TEXT, last=False)),
        "frames",
    ),
)

RECORDS = (
    _oversize("a record of 17 MB over many frames", _record_without_end, "records"),
    _invalid("an empty record", "json", text(SEPARATOR)),
    _invalid("no JSON", "json", text("hello" + SEPARATOR)),
    _invalid("JSON that breaks off", "json", text(invocation({})[:-2] + SEPARATOR)),
    _invalid("two documents in one record", "json", text("{}{}" + SEPARATOR)),
    _invalid("a byte order mark", "json", text("\ufeff" + record({"type": 6}))),
    _invalid("an array", "protocol", text(record([6]))),
    _invalid("no type", "protocol", text(record({}))),
    _invalid("a type that is a text", "protocol", text(record({"type": "1"}))),
    _invalid("100,000 levels deep", "json", text("[" * 100_000 + SEPARATOR)),
    _invalid("100,000 levels deep, and out again", "json", text("[" * 100_000 + "]" * 100_000 + SEPARATOR)),
    _invalid("an invocation without a target", "protocol", text(record({"type": 1, "arguments": []}))),
    _invalid(
        "an invocation without arguments",
        "protocol",
        text(record({"type": 1, "target": "WholeGamesInfoSubscribe"})),
    ),
    _invalid(
        "arguments that are no array",
        "schema",
        text(record({"type": 1, "target": "WholeGamesInfoSubscribe", "arguments": {}})),
    ),
    _invalid("no argument", "schema", text(invocation())),
    _invalid("two arguments", "schema", text(invocation({}, {}))),
    _invalid("200 broken records at once", "json", text("?\x1e" * 200), count=200),
    _ignored("an invocation of something else", invocation({"im": 7}, target="SomethingElse")),
    _ignored("a record of an unknown type", record({"type": 99, "target": 7})),
    _ignored(
        "a Completion, a StreamItem, an Ack, a Sequence",
        "".join(record({"type": each}) for each in (2, 3, 8, 9)),
    ),
    Row(name="an invocation that wants an answer", strikes="records", play=_asks),
)

ROWS = FRAMES + RECORDS
