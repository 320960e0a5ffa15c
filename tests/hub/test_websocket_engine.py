"""A WebSocket without its socket: what bytes do in each state, however they are cut."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame
from watchdog.core.protocol.websocket import TRANSITIONS, Action, Event, State
from watchdog.hub import websocket as module
from watchdog.hub.websocket import MAX_MESSAGE_BYTES, Message, WebSocket

NORMAL, PROTOCOL_ERROR, INVALID_DATA, TOO_BIG = 1000, 1002, 1007, 1009
TOO_BIG_WORDS = b"a message of more than 16777216 bytes"


def head(opcode: int, length: int, *, last: bool = True) -> bytes:
    """The head of a frame, announcing a payload of 64 bits' length."""
    return bytes([(0x80 if last else 0) | opcode, 127]) + length.to_bytes(8, "big")


def frames_sent(data: bytes) -> list[tuple[int, bytes]]:
    """The frames that a client has written: opcode and unmasked payload. All of them are short."""
    frames = []
    while data:
        opcode, length = data[0] & 0x0F, data[1] & 0x7F
        mask, payload, data = data[2:6], data[6 : 6 + length], data[6 + length :]
        frames.append((opcode, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))))
    return frames


def sent(websocket: WebSocket) -> list[tuple[int, bytes]]:
    return frames_sent(websocket.data_to_send())


def goodbye(code: int, words: bytes = b"") -> tuple[int, bytes]:
    return CLOSE, code.to_bytes(2, "big") + words


# --- the table


class Recorded(dict[tuple[State, Event], tuple[State, Action]]):
    """The table of transitions, which notes what it was asked for."""

    def __init__(self, table: Mapping[tuple[State, Event], tuple[State, Action]]) -> None:
        super().__init__(table)
        self.asked: list[tuple[State, Event]] = []

    def __getitem__(self, key: tuple[State, Event]) -> tuple[State, Action]:
        self.asked.append(key)
        return super().__getitem__(key)


BYTES: Mapping[Event, list[bytes]] = {
    "message": [
        frame(TEXT, b"hello"),
        frame(TEXT, b"x" * 70_000),
        frame(BINARY, b"\0"),
        frame(TEXT, b"hel", last=False) + frame(CONTINUATION, b"lo"),
    ],
    "ping": [frame(PING, b"?")],
    "pong": [frame(PONG, b"?")],
    "close": [close_frame(1001), frame(CLOSE)],
    "violation": [frame(TEXT, b"masked", mask=b"abcd"), frame(3), frame(TEXT, b"\xff")],
    "oversize": [head(TEXT, MAX_MESSAGE_BYTES + 1)],
    "end": [b""],
}
"""What the hub sends to make each event."""

ROWS = [
    pytest.param(state, event, data, id=f"{state}-{event}-{number}")
    for state, event in TRANSITIONS
    for number, data in enumerate(BYTES.get(event, [b""]))
]


def in_state(state: State) -> WebSocket:
    websocket = WebSocket()
    if state != "open":
        websocket.close()
    if state == "closed":
        websocket.receive(close_frame(1000))
    websocket.data_to_send()
    assert websocket.state == state
    return websocket


@pytest.mark.parametrize(("state", "event", "data"), ROWS)
def test_what_the_table_says_is_what_happens(monkeypatch, state, event, data):
    websocket, table = in_state(state), Recorded(TRANSITIONS)
    monkeypatch.setattr(module, "TRANSITIONS", table)
    messages: list[Message] = []
    if event == "leave":
        websocket.close()
    else:
        messages = websocket.receive(data)

    after, action = TRANSITIONS[state, event]
    assert table.asked == [(state, event)]
    assert websocket.state == after
    assert len(messages) == (action == "deliver")
    assert [opcode for opcode, _ in sent(websocket)] == {
        "answer_ping": [PONG],
        "answer_close": [CLOSE],
        "send_close": [CLOSE],
    }.get(action, [])
    assert (websocket.lost is not None) == (state == "open" and after == "closed")


# --- messages


def test_messages_of_every_kind_come_in_the_order_in_which_they_were_sent():
    websocket = WebSocket()
    pieces = [frame(TEXT, b"in ", last=False), frame(CONTINUATION, b"three ", last=False)]
    assert websocket.receive(
        frame(TEXT, b"1")
        + b"".join(pieces)
        + frame(CONTINUATION, b"pieces")
        + frame(TEXT, b"3")
        + frame(PING, b"?")
        + frame(BINARY, b"4")
        + frame(TEXT, b"x" * 70_000)
        + frame(TEXT, b"")
    ) == ["1", "in three pieces", "3", b"4", "x" * 70_000, ""]
    assert sent(websocket) == [(PONG, b"?")]
    assert (websocket.state, websocket.lost) == ("open", None)


def test_a_message_in_pieces_is_one_message_of_its_kind():
    websocket = WebSocket()
    text = "für äll".encode()
    for index in range(len(text) - 1):
        piece = frame(CONTINUATION if index else TEXT, text[index : index + 1], last=False)
        assert websocket.receive(piece + frame(PING, b"%d" % index)) == []
        assert sent(websocket) == [(PONG, b"%d" % index)]
    assert websocket.receive(frame(CONTINUATION, text[-1:])) == ["für äll"]
    assert websocket.receive(frame(BINARY, b"\xff", last=False)) == []
    assert websocket.receive(frame(CONTINUATION, b"\xfe")) == [b"\xff\xfe"]


def test_of_pings_that_pile_up_only_the_last_is_answered():
    websocket = WebSocket()
    assert websocket.receive(b"".join(frame(PING, b"%d" % number) for number in range(500))) == []
    assert sent(websocket) == [(PONG, b"499")]
    assert websocket.data_to_send() == b""


def test_a_message_of_the_largest_size_is_received():
    websocket = WebSocket()
    assert websocket.receive(frame(TEXT, b"x" * MAX_MESSAGE_BYTES)) == ["x" * MAX_MESSAGE_BYTES]


def test_what_we_say_is_a_masked_text():
    websocket = WebSocket()
    data = websocket.send("ü漢🎲\x1e")
    assert data[1] & 0x80
    assert frames_sent(data) == [(TEXT, "ü漢🎲\x1e".encode())]


# --- the end


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 3000, 4000, 4999])
@pytest.mark.parametrize("words", ["", "Bye, ünd all"])
def test_a_close_is_answered_with_its_code_and_its_words_are_kept(code, words):
    websocket = WebSocket()
    assert websocket.receive(frame(TEXT, b"last") + close_frame(code, words) + frame(TEXT, b"later")) == [
        "last"
    ]
    assert websocket.lost is not None
    assert (websocket.lost.reason, websocket.lost.detail) == ("closed", f"code {code} {words}".strip())
    assert sent(websocket)[0] in (goodbye(code), goodbye(code, words.encode()))


def test_a_close_without_a_code_is_answered():
    websocket = WebSocket()
    websocket.receive(frame(CLOSE))
    assert websocket.lost is not None
    assert (websocket.lost.reason, websocket.lost.detail) == ("closed", "code 1005")
    assert sent(websocket) == [(CLOSE, b"")]


@pytest.mark.parametrize("before", [b"", frame(TEXT, b"half of it")[:6], frame(TEXT, b"half", last=False)])
def test_an_end_without_a_close_is_a_close_all_the_same(before):
    websocket = WebSocket()
    assert before == b"" or websocket.receive(before) == []
    assert websocket.receive(b"") == []
    assert websocket.lost is not None
    assert (websocket.lost.reason, websocket.lost.detail) == ("closed", "code 1006")
    assert sent(websocket) == []


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        pytest.param(frame(TEXT, b"\xff\xfe"), INVALID_DATA, id="invalid UTF-8"),
        pytest.param(frame(TEXT, b"\xed\xa0\x80"), INVALID_DATA, id="a surrogate in UTF-8"),
        pytest.param(frame(TEXT, b"\xc3"), INVALID_DATA, id="UTF-8 that breaks off"),
        pytest.param(
            frame(TEXT, b"ok", last=False) + frame(CONTINUATION, b"\xff"), INVALID_DATA, id="UTF-8, later"
        ),
        pytest.param(frame(TEXT, b"\xff", last=False), INVALID_DATA, id="UTF-8 in the middle of a message"),
        pytest.param(frame(CLOSE, b"\x03\xe8\xff"), INVALID_DATA, id="invalid UTF-8 in a close"),
        pytest.param(frame(TEXT, b"masked", mask=b"abcd"), PROTOCOL_ERROR, id="masked"),
        pytest.param(frame(3, b"?"), PROTOCOL_ERROR, id="reserved data opcode"),
        pytest.param(frame(11, b"?"), PROTOCOL_ERROR, id="reserved control opcode"),
        pytest.param(frame(CONTINUATION, b"of what?"), PROTOCOL_ERROR, id="continuation of nothing"),
        pytest.param(frame(TEXT, b"a", last=False) + frame(TEXT, b"b"), PROTOCOL_ERROR, id="text in a text"),
        pytest.param(frame(PING, b"x" * 126), PROTOCOL_ERROR, id="long ping"),
        pytest.param(frame(PING, b"x", last=False), PROTOCOL_ERROR, id="fragmented ping"),
        pytest.param(b"\xc1\x01x", PROTOCOL_ERROR, id="reserved bit, as if compressed"),
        pytest.param(b"\x81\x7e\x00\x01x", PROTOCOL_ERROR, id="length in more bytes than needed"),
        pytest.param(head(TEXT, (1 << 64) - 1), PROTOCOL_ERROR, id="negative length"),
        pytest.param(frame(CLOSE, b"\x03"), PROTOCOL_ERROR, id="half a close code"),
        pytest.param(close_frame(1005), PROTOCOL_ERROR, id="reserved close code"),
        pytest.param(close_frame(999), PROTOCOL_ERROR, id="close code that does not exist"),
    ],
)
def test_a_violation_is_named_to_the_hub_and_nothing_that_follows_is_read(broken, code):
    websocket = WebSocket()
    assert websocket.receive(frame(TEXT, b"before") + broken + frame(TEXT, b"later") * 2) == ["before"]
    assert websocket.lost is not None
    assert websocket.lost.reason == "protocol"
    assert websocket.lost.detail.startswith(f"code {code}")
    ((opcode, payload),) = sent(websocket)
    assert (opcode, payload[:2]) == goodbye(code)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("length", [MAX_MESSAGE_BYTES + 1, (1 << 63) - 1])
def test_an_oversize_message_is_refused_by_its_head(opcode, length):
    websocket = WebSocket()
    assert websocket.receive(frame(TEXT, b"before") + frame(PING, b"?") + head(opcode, length)) == ["before"]
    assert websocket.lost is not None
    assert (websocket.lost.reason, websocket.lost.detail) == ("oversize", TOO_BIG_WORDS.decode())
    assert sent(websocket) == [(PONG, b"?"), goodbye(TOO_BIG, TOO_BIG_WORDS)]


def test_the_pieces_of_a_message_are_oversize_together():
    websocket = WebSocket()
    assert websocket.receive(frame(TEXT, b"x" * 1_000_000, last=False)) == []
    for _ in range(15):
        websocket.receive(frame(CONTINUATION, b"x" * 1_000_000, last=False))
    assert websocket.state == "open"
    websocket.receive(head(CONTINUATION, 777_217))
    assert websocket.lost is not None
    assert websocket.lost.reason == "oversize"


def test_our_own_close_is_said_once_and_no_loss():
    websocket = WebSocket()
    websocket.close()
    websocket.close()
    assert sent(websocket) == [goodbye(NORMAL)]
    late = frame(TEXT, b"late") + frame(PING, b"?") + frame(PONG) + frame(TEXT, b"x" * 70_000) + frame(BINARY)
    assert websocket.receive(late) == []
    assert websocket.state == "closing"
    assert websocket.receive(close_frame(1000)) == []
    websocket.close()
    assert (websocket.state, websocket.lost, sent(websocket)) == ("closed", None, [])


# --- any bytes, any split

_PAYLOADS = st.one_of(st.text(max_size=8).map(str.encode), st.binary(max_size=8), st.just(b"x" * 130))
_ANY_FRAME = st.builds(
    frame,
    st.sampled_from([TEXT, TEXT, BINARY, CONTINUATION, CONTINUATION, PING, PONG, CLOSE, 3, 11]),
    _PAYLOADS,
    last=st.booleans(),
    mask=st.sampled_from([b"", b"", b"", b"", b"", b"abcd"]),
)
_GOOD_FRAME = st.builds(frame, st.sampled_from([TEXT, TEXT, PING, PONG]), st.text(max_size=8).map(str.encode))
_PIECES = st.builds(
    lambda opcode, pieces, last: (
        frame(opcode, pieces[0], last=False)
        + b"".join(frame(CONTINUATION, piece, last=False) for piece in pieces[1:])
        + frame(CONTINUATION, last)
    ),
    st.sampled_from([TEXT, BINARY]),
    st.lists(_PAYLOADS, min_size=1, max_size=3),
    _PAYLOADS,
)
_CLOSES = st.builds(close_frame, st.integers(990, 1020), st.text(max_size=8))
_HEADS = st.builds(
    head,
    st.sampled_from([TEXT, BINARY, CONTINUATION]),
    st.sampled_from([70_000, 1 << 40, (1 << 64) - 1]),
    last=st.booleans(),
)
STREAMS = st.lists(
    st.one_of(_GOOD_FRAME, _GOOD_FRAME, _PIECES, _ANY_FRAME, _CLOSES, _HEADS, st.binary(max_size=6)),
    max_size=12,
).map(b"".join)
CUTS = st.lists(st.integers(0, 200), max_size=20)

Outcome = tuple[list[Message], State, str, list[tuple[int, bytes]]]


def outcome(pieces: Iterator[bytes], begin: Callable[[WebSocket], None]) -> Outcome:
    """The messages, how it ended, and with which goodbye of ours; the end of the stream comes last.

    Of how it ended only reason and code: the words of the engine name the place in the bytes it was given.
    """
    websocket = WebSocket()
    begin(websocket)
    messages: list[Message] = []
    written = websocket.data_to_send()
    for piece in pieces:
        if piece and websocket.state != "closed":
            messages += websocket.receive(piece)
            written += websocket.data_to_send()
    if websocket.state != "closed":
        messages += websocket.receive(b"")
    lost = "" if websocket.lost is None else " ".join(str(websocket.lost).split()[:3])
    frames = frames_sent(written + websocket.data_to_send())
    return (
        messages,
        websocket.state,
        lost,
        [(CLOSE, words[:2]) for opcode, words in frames if opcode == CLOSE],
    )


@pytest.mark.parametrize("begin", [lambda _: None, WebSocket.close], ids=["open", "closing"])
@given(data=STREAMS, cuts=CUTS)
def test_however_the_bytes_are_cut_they_say_the_same(begin, data, cuts):
    bounds = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    whole = outcome(iter([data]), begin)
    assert outcome((data[a:b] for a, b in pairwise(bounds)), begin) == whole
    assert outcome((bytes([byte]) for byte in data), begin) == whole
    assert whole[1] == "closed"
    assert len(whole[3]) <= 1


@pytest.mark.parametrize("more", [b"", frame(TEXT, b"too late"), close_frame(1000), b"\xff\xff"])
def test_nothing_is_read_of_a_websocket_that_is_closed(more):
    websocket = WebSocket()
    websocket.receive(close_frame(1001, "bye"))
    lost = websocket.lost
    assert websocket.data_to_send()

    assert websocket.receive(more) == []
    assert (websocket.state, websocket.lost, websocket.data_to_send()) == ("closed", lost, b"")
