"""An open WebSocket on which the hub sends whatever it can."""

import tracemalloc

import pytest
import trio

from tests.support.raw_server import Peer, at, both_sides, end_of, reason_from, saying, serving
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame
from watchdog.hub import websocket as module
from watchdog.hub.transport import ConnectionLostError
from watchdog.hub.websocket import open_connection
from watchdog.runtime.clock import Clock


@pytest.mark.parametrize("code", [1000, 1009, 4000])
async def test_the_words_of_a_close_are_kept(code):
    async with serving(saying(close_frame(code, "Bye, ünd all"))) as port:
        lost, _ = await end_of(at(port))
    assert (lost.reason, lost.detail) == ("closed", f"code {code} Bye, ünd all")


async def test_our_answer_to_a_close_repeats_its_code():
    answers = []

    async def script(peer: Peer):
        await peer.upgrade(close_frame(1001))
        answers.append(await peer.frame())

    assert await reason_from(script) == "closed"
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
    heard = []

    async def script(peer: Peer):
        head = frame(opcode, b"x" * (module.MAX_MESSAGE_BYTES + 1))[:20]
        await peer.upgrade(frame(TEXT, b"before"), frame(PING, b"?"), head)
        heard.extend([await peer.frame(), await peer.frame()])
        await peer.until_gone()

    async with serving(script, tls) as port:
        lost, messages = await end_of(at(port, client_tls))
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
    monkeypatch.setattr(module, "MAX_MESSAGE_BYTES", 65_535)
    heard = []

    async def script(peer: Peer):
        first, last = frame(TEXT, b"x" * 65_535, last=False), frame(CONTINUATION, b"x")
        await peer.upgrade(first)
        await peer.send(last, frame(PING, b"?"), frame(TEXT, b"later"))
        heard.append(await peer.frame())
        await peer.until_gone()

    async with serving(script) as port:
        lost, messages = await end_of(at(port))
    assert (lost.reason, messages) == ("oversize", [])
    assert heard == [(CLOSE, b"\x03\xf1a message of more than 65535 bytes")]


async def test_a_message_of_the_largest_size_is_received():
    size = module.MAX_MESSAGE_BYTES
    async with serving(saying(frame(TEXT, b"x" * size), close_frame(1000))) as port:
        lost, messages = await end_of(at(port))
    assert lost.reason == "closed"
    assert [len(message or "") for message in messages] == [size]


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


async def test_a_binary_message_has_no_text():
    async with serving(saying(frame(BINARY, b"\x00\x01"), frame(TEXT, b""), close_frame(1000))) as port:
        _, messages = await end_of(at(port))
    assert messages == [None, ""]


async def test_updates_in_the_segment_of_the_upgrade_are_received():
    updates = [b"update %d" % number for number in range(2000)]
    async with serving(saying(*(frame(TEXT, update) for update in updates), close_frame(1000))) as port:
        _, messages = await end_of(at(port))
    assert messages == [update.decode() for update in updates]


async def test_a_hub_that_never_reads_is_a_timeout(monkeypatch):
    monkeypatch.setattr(module, "SEND_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_SECONDS", 0.1)
    release = trio.Event()

    async def script(peer: Peer):
        await peer.upgrade()
        await release.wait()

    async with serving(script) as port:
        lost, _ = await end_of(at(port), say="x" * 16_000_000)
        release.set()
    assert lost.reason == "timeout"


@pytest.mark.parametrize("farewell", [close_frame(1001), None])
async def test_sending_on_a_lost_connection_says_so(farewell):
    async def script(peer: Peer):
        await peer.upgrade(*([farewell] if farewell else []))
        if farewell is None:
            await peer.reset()
        else:
            await peer.until_gone()

    async with serving(script) as port, open_connection(at(port), Clock()) as connection:
        with pytest.raises(ConnectionLostError) as lost:
            await connection.receive()
        assert lost.value.reason == "closed"
        with pytest.raises(ConnectionLostError) as lost:
            await connection.send("anybody there?")
        assert lost.value.reason == "closed"


async def test_text_of_any_alphabet_goes_over_the_wire():
    heard = []

    async def script(peer: Peer):
        await peer.upgrade()
        heard.append(await peer.frame())
        await peer.send(close_frame(1000))
        await peer.until_gone()

    assert await reason_from(script, say="ü漢🎲\x1e") == "closed"
    assert heard == [(TEXT, "ü漢🎲\x1e".encode())]
