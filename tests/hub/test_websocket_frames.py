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


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 3000, 4000, 4999])
async def test_a_close_of_the_hub_is_closed(code):
    async with serving(saying(close_frame(code))) as port:
        lost, _ = await end_of(at(port))
    assert (lost.reason, lost.detail) == ("closed", f"code {code}")


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1009, 1011, 4000])
async def test_the_words_of_a_close_are_kept(code):
    async with serving(saying(close_frame(code, "Bye, ünd all"))) as port:
        lost, _ = await end_of(at(port))
    assert (lost.reason, lost.detail) == ("closed", f"code {code} Bye, ünd all")


async def test_a_close_without_a_code_is_closed():
    assert await reason_from(saying(frame(CLOSE))) == "closed"


async def test_our_answer_to_a_close_repeats_its_code():
    answers = []

    async def script(peer: Peer):
        await peer.upgrade(close_frame(1001))
        answers.append(await peer.frame())

    assert await reason_from(script) == "closed"
    assert answers == [(CLOSE, (1001).to_bytes(2, "big"))]


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_a_connection_that_breaks_without_a_goodbye_is_closed(then):
    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"last words"))
        assert await peer.frame() == (TEXT, b"I heard")
        await (peer.reset() if then == "reset" else peer.stream.aclose())

    assert await reason_from(script, say="I heard") == "closed"


async def test_a_connection_that_ends_within_a_frame_is_closed():
    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"whole"), frame(TEXT, b"half of it")[:6])

    async with serving(script) as port:
        lost, messages = await end_of(at(port))
    assert (lost.reason, messages) == ("closed", ["whole"])


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(frame(TEXT, b"\xff\xfe"), id="invalid UTF-8"),
        pytest.param(frame(TEXT, b"\xed\xa0\x80"), id="a surrogate in UTF-8"),
        pytest.param(frame(TEXT, b"\xc3"), id="UTF-8 that breaks off"),
        pytest.param(frame(TEXT, b"ok", last=False) + frame(CONTINUATION, b"\xff"), id="UTF-8, later"),
        pytest.param(frame(TEXT, b"masked", mask=b"abcd"), id="masked"),
        pytest.param(frame(3, b"?"), id="reserved data opcode"),
        pytest.param(frame(11, b"?"), id="reserved control opcode"),
        pytest.param(frame(CONTINUATION, b"of what?"), id="continuation of nothing"),
        pytest.param(frame(TEXT, b"a", last=False) + frame(TEXT, b"b"), id="text within a text"),
        pytest.param(frame(PING, b"x" * 126), id="long ping"),
        pytest.param(frame(PING, b"x", last=False), id="fragmented ping"),
        pytest.param(b"\xc1\x01x", id="reserved bit, as if compressed"),
        pytest.param(b"\x81\x7e\x00\x01x", id="length in more bytes than needed"),
        pytest.param(b"\x81\x7f" + b"\xff" * 8, id="negative length"),
        pytest.param(frame(CLOSE, b"\x03"), id="half a close code"),
        pytest.param(close_frame(1005), id="reserved close code"),
        pytest.param(close_frame(999), id="close code that does not exist"),
        pytest.param(frame(CLOSE, b"\x03\xe8\xff"), id="invalid UTF-8 in a close"),
    ],
)
async def test_what_no_websocket_may_say_is_against_the_protocol(frames):
    async with serving(saying(frame(TEXT, b"before"), frames)) as port:
        lost, messages = await end_of(at(port))
    assert (lost.reason, messages) == ("protocol", ["before"])


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


async def test_a_message_of_endless_fragments_is_oversize(monkeypatch):
    monkeypatch.setattr(module, "MAX_MESSAGE_BYTES", 100_000)

    async def script(peer: Peer):
        await peer.upgrade(frame(TEXT, b"x", last=False))
        await peer.flood(frame(CONTINUATION, b"x" * 1000, last=False) * 10)

    assert await reason_from(script) == "oversize"


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


async def test_pongs_that_nobody_asked_for_are_ignored():
    async with serving(saying(frame(PONG, b"?"), frame(TEXT, b"hello"), close_frame(1000))) as port:
        _, messages = await end_of(at(port))
    assert messages == ["hello"]


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
