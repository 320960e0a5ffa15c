"""The protocol session and the decoder on anything a hub may send: no surprise, no hang, nothing kept."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.protocol.sessions import PING, SUBSCRIBE, UPDATE, established, plain
from tests.fuzz.documents import HOSTILE, LONG, mutated_arguments
from tests.support.steps import steps
from watchdog.core.protocol import signalr
from watchdog.core.protocol.events import Invalid, Invocation, RecordTooLong, TooManyRecords
from watchdog.core.protocol.signalr import MAX_RECORDS, Session
from watchdog.core.protocol.updates import Update, UpdateError, decode_update

TEXTS = st.text(st.characters(), max_size=200)  # lone surrogates included
RECORDS = st.one_of(
    st.sampled_from([PING, UPDATE, "{}\x1e", "\x1e", "\ufeff{}\x1e"]),
    st.sampled_from(['{"type":7}\x1e', '{"type":99,"target":0}\x1e']),
    TEXTS,
    mutated_arguments().map(
        lambda text: f'{{"type":1,"target":"WholeGamesInfoSubscribe","arguments":{text}}}\x1e'
    ),
    st.sampled_from(HOSTILE).map(lambda text: f'{{"type":1,"target":{text},"arguments":[{text}]}}\x1e'),
    st.sampled_from(HOSTILE).map(lambda text: f'{{"type":{text},"target":"t","arguments":[]}}\x1e'),
    st.sampled_from(HOSTILE).map(
        lambda text: f'{{"type":1,"target":"t","arguments":[],"invocationId":{text}}}\x1e'
    ),
)


@given(st.lists(RECORDS, max_size=5).map("".join), st.lists(st.integers(0, 300), max_size=6), st.booleans())
def test_any_text_gives_the_same_events_and_answers_wherever_it_is_split(text, cuts, shaken):
    whole, pieces = (established() if shaken else Session(SUBSCRIBE, 0.0) for _ in range(2))

    events = whole.receive(text, 1.0)
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    split = [event for a, b in pairwise(edges) for event in pieces.receive(text[a:b], 1.0)]

    assert plain(split) == plain(events)
    answer = whole.data_to_send()
    assert pieces.data_to_send() == answer
    answer.encode()
    for event in events:
        if isinstance(event, Invocation):
            decoded_or_refused(event.arguments)


@given(mutated_arguments())
def test_any_mutation_of_the_example_is_decoded_or_refused_with_a_reason(text):
    decoded_or_refused(text)


@given(st.one_of(st.binary(max_size=300), TEXTS))
@example(b"\xef\xbb\xbf[]")
@example(b"[" * 100_000)
@example("\ud800")
def test_anything_at_all_is_refused_by_the_decoder_with_a_reason(data):
    assert not isinstance(decoded_or_refused(data), Update)


@pytest.mark.parametrize(
    "record",
    ["\x1e", "{}\x1e", "[\x1e", PING, '{"type":"1"}\x1e', '{"type":1}\x1e', '{"type":1,"arguments":\x1e'],
)
def test_a_full_frame_of_as_many_records_as_are_read_is_no_hang(record):
    data = (record[:-1].ljust(LONG // MAX_RECORDS - 1) + "\x1e") * MAX_RECORDS

    assert established().receive(data, 1.0) != [TooManyRecords()]
    steps(lambda: established().receive(data, 1.0))


def test_an_empty_record_is_refused_without_a_look_by_the_decoder(monkeypatch):
    session = established()
    monkeypatch.setattr(signalr, "_decode_message", None)

    assert session.receive("\x1e\x1e", 1.0) == [Invalid("json", "an empty record")] * 2


@pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) > 1000], ids=lambda text: text[:8])
def test_a_long_hostile_value_is_no_hang(text):
    parameters = f'[{{"wgi":[{{"e":[{{"t":1,"c":1,"b":true,"sn":"","p":[{text}]}}]}}]}}]'

    steps(lambda: decoded_or_refused(parameters))
    steps(lambda: decoded_or_refused(f'[{{"sId":{text}}}]'))


def test_a_record_that_never_ends_is_given_up_at_the_limit_and_not_kept(monkeypatch):
    monkeypatch.setattr(signalr, "MAX_RECORD_CHARACTERS", LONG)
    session = established()
    piece = "a" * 1000
    tracemalloc.start()
    try:
        events = [event for _ in range(1000) for event in session.receive(piece, 1.0)]
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert events == [RecordTooLong()] * (1000 // (LONG // len(piece) + 1))
    assert kept < 8 * LONG


def decoded_or_refused(data):
    try:
        return decode_update(data)
    except UpdateError as error:
        refused = error
    assert refused.reason in ("json", "schema")
    str(refused).encode()
    return refused
