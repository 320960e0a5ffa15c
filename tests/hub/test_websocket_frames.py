"""An open WebSocket on which the hub sends whatever it can."""

import tracemalloc

import pytest
import trio

from tests.support.raw_server import Peer, at, both_sides, end_of, reason_from, saying, serving
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame
from watchdog.hub import websocket


async def test_our_answer_to_a_close_repeats_its_code():
    answers, answered = [], trio.Event()

    async def script(peer: Peer):
        await peer.upgrade(close_frame(1001))
        answers.append(await peer.frame())
        answered.set()

    async with serving(script) as port:
        lost, _ = await end_of(at(port))
        await answered.wait()
    assert lost.reason == "closed"
    assert answers == [(CLOSE, (1001).to_bytes(2, "big"))]


async def test_what_follows_a_broken_frame_is_not_read():
    async def script(peer: Peer):
        await peer.upgrade(frame(3, b"?"), frame(TEXT, b"later"))
        await peer.flood(frame(TEXT, b"x" * 60_000))

    async with serving(script) as port:
        lost, messages = await end_of(at(port))
    assert (lost.reason, messages) == ("protocol", [])


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_an_oversize_message_is_refused_by_its_head_with_a_word(opcode, encrypted):
    tls, client_tls = both_sides(encrypted=encrypted)
    heard, answered = [], trio.Event()

    async def script(peer: Peer):
        head = frame(opcode, b"x" * (websocket.MAX_MESSAGE_BYTES + 1))[:20]
        await peer.upgrade(frame(TEXT, b"before"), frame(PING, b"?"), head)
        heard.extend([await peer.frame(), await peer.frame()])
        answered.set()
        await peer.until_gone()

    async with serving(script, tls) as port:
        lost, messages = await end_of(at(port, client_tls))
        await answered.wait()
    assert (lost.reason, lost.detail, messages) == (
        "oversize",
        "a message of more than 16777216 bytes",
        ["before"],
    )
    assert heard == [(PONG, b"?"), (CLOSE, b"\x03\xf1a message of more than 16777216 bytes")]


@pytest.mark.parametrize("claimed", [20_000_000, (1 << 63) - 1])
async def test_an_oversize_message_costs_no_memory(claimed):
    """What the heap once grew by it keeps."""

    async def script(peer: Peer):
        await peer.upgrade(b"\x81\x7f" + claimed.to_bytes(8, "big"))
        await peer.flood(b"x" * 262_144)

    tracemalloc.start()
    try:
        assert await reason_from(script) == "oversize"
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


async def test_what_follows_an_oversize_message_is_not_read(monkeypatch):
    monkeypatch.setattr(websocket, "MAX_MESSAGE_BYTES", 65_535)
    heard, answered = [], trio.Event()

    async def script(peer: Peer):
        first, last = frame(TEXT, b"x" * 65_535, last=False), frame(CONTINUATION, b"x")
        await peer.upgrade(first)
        await peer.send(last, frame(PING, b"?"), frame(TEXT, b"later"))
        heard.append(await peer.frame())
        answered.set()
        await peer.until_gone()

    async with serving(script) as port:
        lost, messages = await end_of(at(port))
        await answered.wait()
    assert (lost.reason, messages) == ("oversize", [])
    assert [(opcode, words[:2]) for opcode, words in heard] == [(CLOSE, b"\x03\xf1")]


async def test_fragments_with_pings_between_them_are_put_together():
    pongs = []

    async def script(peer: Peer):
        text = "für äll".encode()
        await peer.upgrade()
        for index in range(len(text)):
            first, last = index == 0, index == len(text) - 1
            piece = frame(TEXT if first else CONTINUATION, text[index : index + 1], last=last)
            for byte in piece:
                await peer.send(bytes([byte]))
            if not last:
                await peer.send(frame(PING, b"%d" % index))
                pongs.append(await peer.frame())
        await peer.send(close_frame(1000))
        await peer.until_gone()

    async with serving(script) as port:
        _, messages = await end_of(at(port))
    assert messages == ["für äll"]
    assert pongs == [(PONG, b"%d" % index) for index in range(8)]


async def test_updates_in_the_segment_of_the_upgrade_are_received():
    # More than one read takes, in no more frames than one may hold.
    updates = [b"update %d" % number + bytes(200) for number in range(websocket.MAX_FRAMES)]
    async with serving(saying(*(frame(TEXT, update) for update in updates), close_frame(1000))) as port:
        _, messages = await end_of(at(port))
    assert messages == [update.decode() for update in updates]


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG])
async def test_more_frames_at_once_than_any_feed_sends_end_the_connection(opcode):
    tiny = frame(opcode, b"")
    async with serving(saying(tiny * (websocket.MAX_FRAMES + 1), close_frame(1000))) as port:
        lost, messages = await end_of(at(port))
    assert (lost.reason, lost.detail) == ("protocol", "more than 1000 frames at once")
    assert len(messages) == (websocket.MAX_FRAMES if opcode in (TEXT, BINARY) else 0)
