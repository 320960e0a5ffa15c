"""Frames off the wire: what is taken as a plain message, and what is left to the engine; the states."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.library import Library, alone, shared
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame
from watchdog.core.protocol.websocket import TRANSITIONS, Action, Event, FrameReader, Passthrough, State

STATES, EVENTS, ACTIONS = (get_args(kind) for kind in (State, Event, Action))
LIMIT = 70_000
OVERSIZE = Passthrough(b"", "oversize")


def made_of(*chunks: bytes) -> list[str | Passthrough]:
    """All that comes of some chunks, one fed after the other."""
    frames, pieces = FrameReader(LIMIT), []
    for chunk in chunks:
        frames.feed(chunk)
        while (piece := frames.next()) is not None:
            pieces.append(piece)
            if piece == OVERSIZE:
                return pieces
    return pieces


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 2_400, 65_535])
def test_a_text_in_one_frame_is_plain(size):
    assert made_of(frame(TEXT, b"x" * size)) == ["x" * size]


def test_text_is_decoded():
    assert made_of(frame(TEXT, "für 漢 🎲".encode())) == ["für 漢 🎲"]


def test_many_frames_may_come_at_once_and_a_frame_byte_by_byte():
    texts = ["", "a", "b" * 300, "c"]
    data = b"".join(frame(TEXT, text.encode()) for text in texts)
    assert made_of(data) == texts
    assert made_of(*(data[at : at + 1] for at in range(len(data)))) == texts


@pytest.mark.parametrize("size", [126, 2_400, 65_535])
def test_one_plain_message_alone_is_had_in_one_step(size):
    frames = FrameReader(LIMIT)
    assert frames.whole_text(frame(TEXT, b"x" * size)) == "x" * size
    assert frames.next() is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(frame(TEXT, b"x" * 125), id="a short message"),
        pytest.param(frame(TEXT, b"x" * 65_536), id="a long message"),
        pytest.param(frame(TEXT, b"x" * 200)[:-1], id="part of a message"),
        pytest.param(frame(TEXT, b"x" * 200) * 2, id="two messages"),
        pytest.param(frame(BINARY, b"x" * 200), id="a binary message"),
        pytest.param(frame(TEXT, b"\xff" * 200), id="invalid UTF-8"),
        pytest.param(b"\x81\x7e\x00\x01x", id="length in more bytes than needed"),
    ],
)
def test_anything_else_is_not_taken_in_by_that_step(data):
    frames = FrameReader(LIMIT)
    assert frames.whole_text(data) is None
    assert frames.rest() == b""


def test_amid_a_message_no_text_is_had_in_one_step():
    for begun in (frame(TEXT, b"x" * 300)[:9], frame(TEXT, b"x", last=False), frame(BINARY, b"x" * 300)[:9]):
        frames = FrameReader(LIMIT)
        frames.feed(begun)
        frames.next()
        assert frames.whole_text(frame(TEXT, b"x" * 200)) is None


def test_what_nothing_was_made_of_can_be_had_and_is_forgotten():
    frames = FrameReader(LIMIT)
    frames.feed(frame(TEXT, b"a") + frame(TEXT, b"b")[:2])
    assert (frames.next(), frames.next()) == ("a", None)
    assert (frames.rest(), frames.rest()) == (frame(TEXT, b"b")[:2], b"")


@pytest.mark.parametrize(
    "given_frame",
    [
        frame(PING),
        frame(PONG, b"x" * 125),
        frame(BINARY, b"x"),
        frame(TEXT, b"x" * 65_536),
        frame(TEXT, b"x", last=False),
        frame(CONTINUATION, b"x"),
    ],
)
def test_other_frames_are_the_engine_s_as_they_came(given_frame):
    assert made_of(given_frame) == [Passthrough(given_frame, "frames")]
    # Within its head, the length included, and byte by byte.
    for chunks in (
        [given_frame[:3], given_frame[3:]],
        [given_frame[at : at + 1] for at in range(len(given_frame))],
    ):
        pieces = [piece for piece in made_of(*chunks) if isinstance(piece, Passthrough)]
        assert b"".join(piece.data for piece in pieces) == given_frame
        assert {piece.then for piece in pieces} == {"frames"}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\xc1\x01x", id="reserved bit"),
        pytest.param(frame(3, b"?"), id="reserved data opcode"),
        pytest.param(frame(11, b"?"), id="reserved control opcode"),
        pytest.param(frame(TEXT, b"masked", mask=b"abcd"), id="masked"),
        pytest.param(frame(TEXT, b"\xff\xfe"), id="invalid UTF-8"),
        pytest.param(b"\x81\x7e\x00\x01x", id="length in more bytes than needed"),
        pytest.param(close_frame(1000), id="a close"),
    ],
)
def test_what_ends_the_connection_goes_to_the_engine_with_all_that_follows(broken):
    after = frame(TEXT, b"after")
    assert made_of(frame(TEXT, b"before") + broken + after) == ["before", Passthrough(broken + after, "end")]


def test_within_a_message_in_several_frames_no_text_is_plain():
    opened, inner, last = frame(TEXT, b"a", last=False), frame(TEXT, b"b"), frame(CONTINUATION, b"c")
    assert made_of(opened + inner) == [Passthrough(opened, "frames"), Passthrough(inner, "frames")]
    assert made_of(opened + frame(PING) + last + frame(TEXT, b"d")) == [
        Passthrough(opened, "frames"),
        Passthrough(frame(PING), "frames"),
        Passthrough(last, "frames"),
        "d",
    ]


def head_of(opcode: int, size: int, *, last: bool = True) -> bytes:
    """What comes first of a frame of that size, of more than 65,535 bytes."""
    return bytes((0x80 * last | opcode, 127)) + size.to_bytes(8, "big")


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_is_oversize_as_soon_as_its_head_says_so(opcode):
    assert made_of(frame(TEXT, b"before") + head_of(opcode, LIMIT + 1)) == ["before", OVERSIZE]
    assert made_of(head_of(opcode, LIMIT + 1)[:9]) == []
    assert made_of(head_of(opcode, LIMIT)) == [Passthrough(head_of(opcode, LIMIT), "frames")]


def test_the_fragments_of_a_message_count_together():
    first, ping, more = (
        frame(TEXT, b"x" * (LIMIT - 10), last=False),
        frame(PING),
        frame(CONTINUATION, b"x" * 10),
    )
    assert made_of(first + ping + more)[-1] == Passthrough(more, "frames")
    assert made_of(first + ping + b"\x80\x0b")[-1] == OVERSIZE
    # The next message begins anew.
    assert OVERSIZE not in made_of(first + more + first + more)


@pytest.mark.parametrize(
    "forbidden",
    [
        pytest.param(head_of(TEXT, 1 << 63), id="a negative length"),
        pytest.param(head_of(CONTINUATION, LIMIT + 1), id="a continuation of nothing"),
        pytest.param(head_of(PING, LIMIT + 1), id="a long ping"),
    ],
)
def test_what_is_forbidden_at_any_size_is_the_engine_s(forbidden):
    assert made_of(forbidden) == [Passthrough(forbidden, "frames")]


def test_a_text_within_a_text_is_the_engine_s_at_any_size():
    opened, within = frame(TEXT, b"a", last=False), head_of(TEXT, LIMIT + 1)
    assert made_of(opened + within) == [Passthrough(opened, "frames"), Passthrough(within, "frames")]


_SIZES = st.sampled_from([0, 1, 200, 30_000, 65_535, 65_536, LIMIT, LIMIT + 1])


@given(st.lists(st.lists(_SIZES, min_size=1, max_size=4), max_size=4), st.integers(2_000, LIMIT))
def test_messages_are_taken_up_to_the_first_one_that_is_oversize(messages, step):
    data = b"".join(
        frame(CONTINUATION if at else TEXT, b"x" * size, last=at == len(sizes) - 1)
        for sizes in messages
        for at, size in enumerate(sizes)
    )
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    library = Library()
    for piece in made_of(*chunks):
        if isinstance(piece, str):
            library.messages.append(piece)
        else:
            library.feed(piece.data)
    taken = library.messages
    fitting = [sum(sizes) <= LIMIT for sizes in messages]
    assert len(taken) == (len(fitting) if all(fitting) else fitting.index(False))
    assert (OVERSIZE in made_of(*chunks)) == (not all(fitting))


_PAYLOADS = st.one_of(st.text(max_size=8).map(str.encode), st.binary(max_size=8), st.just(b"x" * 130))
_GOOD = st.builds(frame, st.sampled_from([TEXT, TEXT, TEXT, BINARY, PING, PONG]), _PAYLOADS)
_ANY = st.builds(
    frame,
    st.sampled_from([TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE, 3, 11]),
    _PAYLOADS,
    last=st.booleans(),
    mask=st.sampled_from([b"", b"", b"", b"", b"abcd"]),
)
_HUGE = st.builds(
    head_of, st.sampled_from([TEXT, BINARY, CONTINUATION]), st.just(1 << 40), last=st.booleans()
)
_STREAMS = st.lists(st.one_of(_GOOD, _GOOD, _ANY, _HUGE, st.binary(max_size=6)), max_size=12).map(b"".join)


@given(_STREAMS, st.lists(st.integers(0, 200), max_size=20))
def test_both_ways_together_give_what_the_library_alone_gives(data, cuts):
    bounds = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    assert shared(data[begin:end] for begin, end in pairwise(bounds)) == alone(data)


# --- the states


def test_every_event_has_a_meaning_until_the_connection_is_closed():
    assert set(TRANSITIONS) == {
        *((state, event) for state in STATES if state != "closed" for event in EVENTS),
        ("closed", "leave"),
    }


def test_nothing_opens_a_connection_again():
    for (before, _), (after, _) in TRANSITIONS.items():
        assert STATES.index(after) >= STATES.index(before)


def test_a_message_only_counts_while_the_connection_is_open():
    delivers = {place for place, (_, action) in TRANSITIONS.items() if action == "deliver"}
    assert delivers == {("open", "message")}


def test_we_say_goodbye_once():
    for (state, event), (after, action) in TRANSITIONS.items():
        if action in ("send_close", "answer_close"):
            assert state == "open", event
            assert after in ("closing", "closed")
    assert {action for _, action in TRANSITIONS.values()} == set(ACTIONS)
