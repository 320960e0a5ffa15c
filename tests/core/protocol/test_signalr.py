import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.protocol.sessions import PING, SUBSCRIBE, UPDATE, established, kinds, plain
from watchdog.core.protocol import signalr
from watchdog.core.protocol.events import Closed, Invalid, Invocation, RecordTooLong
from watchdog.core.protocol.reasons import DISCONNECT_REASONS, INVALID_REASONS
from watchdog.core.protocol.records import MessageType, encode_record
from watchdog.core.protocol.signalr import (
    ANSWERS_A_MINUTE,
    KEEP_ALIVE_SECONDS,
    PROTOCOL_TIMEOUTS,
    SERVER_TIMEOUT_SECONDS,
    Session,
    Timeouts,
)


def test_the_types_of_the_protocol_have_their_documented_numbers():
    assert {kind.name: kind.value for kind in MessageType} == {
        "INVOCATION": 1,
        "STREAM_ITEM": 2,
        "COMPLETION": 3,
        "STREAM_INVOCATION": 4,
        "CANCEL_INVOCATION": 5,
        "PING": 6,
        "CLOSE": 7,
        "ACK": 8,
        "SEQUENCE": 9,
    }


@pytest.mark.parametrize(
    "message",
    [
        {"type": 2, "invocationId": "1", "item": {"x": 1}},
        {"type": 3, "invocationId": "1", "result": [1]},
        {"type": 3, "invocationId": "1", "error": "no such method"},
        {"type": 4, "invocationId": "1", "target": "Stream", "arguments": []},
        {"type": 5, "invocationId": "1"},
        {"type": 6},
        {"type": 8, "sequenceId": 12},
        {"type": 9, "sequenceId": 12},
        {"type": 0},
        {"type": 10, "body": None},
        {"type": -1},
        {"type": 2**40, "arguments": {}},
    ],
)
def test_a_type_that_says_nothing_to_a_subscriber_is_passed_over(message):
    session = established()

    assert session.receive(encode_record(message), 1.0) == []
    assert session.data_to_send() == ""


def test_an_invocation_hands_over_its_arguments_as_they_came():
    (invocation,) = established().receive('{"arguments": [ {"a":1.50} ],"type":1,"target":"T"}\x1e', 1.0)

    assert (invocation.target, bytes(invocation.arguments)) == ("T", b'[ {"a":1.50} ]')
    assert invocation.invocation_id is None


@pytest.mark.parametrize("text", ["abc", "żółć", "😀"])
def test_the_size_of_an_invocation_is_in_bytes(text):
    record = f'{{"type":1,"target":"T","arguments":["{text}"]}}'

    (invocation,) = established().receive(record + "\x1e", 1.0)

    assert invocation.size_bytes == len(record.encode())


@pytest.mark.parametrize(
    "properties", [{"headers": {"a": "b"}}, {"streamIds": []}, {"new": {"deep": [None]}}]
)
def test_an_unknown_property_of_an_invocation_is_ignored(properties):
    message = properties | {"type": 1, "target": "T", "arguments": []}

    assert kinds(established().receive(encode_record(message), 1.0)) == [Invocation]


def test_an_invocation_without_an_id_is_never_answered():
    session = established()
    session.receive(UPDATE, 1.0)

    assert session.data_to_send() == ""


def test_an_invocation_with_an_id_is_answered_by_a_completion_with_an_error():
    session = established()

    (invocation,) = session.receive('{"type":1,"invocationId":"9","target":"Ask","arguments":[]}\x1e', 1.0)

    assert invocation.invocation_id == "9"
    answer = json.loads(session.data_to_send().removesuffix("\x1e"))
    assert (answer["type"], answer["invocationId"]) == (3, "9")
    assert answer["error"]


def test_a_hub_that_asks_without_end_gets_a_few_answers_a_minute():
    session, ask = established(), '{"type":1,"invocationId":"9","target":"Ask","arguments":[]}\x1e'

    events = session.receive(ask * 500, 1.0)
    answers = session.data_to_send().count("\x1e")
    session.receive(ask, 59.9)
    later = session.data_to_send()
    session.receive(ask, 60.1)

    assert kinds(events) == [Invocation] * 500
    assert (answers, later) == (ANSWERS_A_MINUTE, "")
    assert session.data_to_send().count("\x1e") == 1


@pytest.mark.parametrize(("characters", "answers"), [(256, 1), (257, 0)])
def test_an_invocation_with_an_endless_id_is_not_answered(characters, answers):
    session = established()

    session.receive(
        encode_record({"type": 1, "invocationId": "i" * characters, "target": "T", "arguments": []}), 1.0
    )

    assert session.data_to_send().count("\x1e") == answers


@pytest.mark.parametrize("message", [{"type": 1}, {"type": 1, "target": "T"}, {"type": 1, "arguments": []}])
def test_an_invocation_needs_a_target_and_arguments(message):
    (invalid,) = established().receive(encode_record(message), 1.0)

    assert (type(invalid), invalid.reason) == (Invalid, "protocol")


@pytest.mark.parametrize(
    ("text", "error", "allow_reconnect"),
    [
        ('{"type":7}', None, False),
        ('{"type":7,"allowReconnect":true}', None, True),
        ('{"type":7,"allowReconnect":false}', None, False),
        ('{"type":7,"allowReconnect":null}', None, False),
        ('{"type":7,"error":"down"}', "down", False),
        ('{"allowReconnect":true,"error":"down","type":7}', "down", True),
    ],
)
def test_a_close_tells_its_error_and_whether_to_come_again(text, error, allow_reconnect):
    assert established().receive(text + "\x1e", 1.0) == [Closed(error, allow_reconnect)]


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"type":6}{"type":6}', '{"type":NaN}', "[" * 100_000])
def test_a_record_that_is_no_json_is_invalid_and_the_session_goes_on(text):
    session = established()

    (invalid, *rest) = session.receive(text + "\x1e" + UPDATE, 1.0)

    assert (type(invalid), invalid.reason) == (Invalid, "json")
    assert kinds(rest) == [Invocation]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        '{"type":"1"}',
        '{"type":null}',
        '{"type":1.5}',
        '{"type":true}',
        '{"type":1,"target":5,"arguments":[]}',
        '{"type":1,"target":"T","invocationId":5,"arguments":[]}',
        '{"type":7,"allowReconnect":"yes"}',
    ],
)
def test_json_that_is_no_message_is_a_breach_of_the_protocol_and_the_session_goes_on(text):
    session = established()

    (invalid, *rest) = session.receive(text + "\x1e" + UPDATE, 1.0)

    assert (type(invalid), invalid.reason) == (Invalid, "protocol")
    assert kinds(rest) == [Invocation]


def test_deep_nesting_is_survived():
    deep = "[" * 100_000 + "]" * 100_000

    (invalid,) = established().receive(f'{{"type":1,"target":"T","arguments":{deep}}}\x1e', 1.0)

    assert invalid.reason == "json"


def test_half_a_record_waits_for_its_end():
    session = established()

    assert session.receive(UPDATE[:20], 1.0) == []
    assert session.receive(UPDATE[20:-1], 1.1) == []
    assert kinds(session.receive(UPDATE[-1], 1.2)) == [Invocation]


def test_a_record_after_a_split_one_is_whole_again():
    session = established()
    session.receive(UPDATE[:20], 1.0)
    session.receive(UPDATE[20:], 1.0)

    assert kinds(session.receive(UPDATE, 1.5)) == [Invocation]


def test_an_empty_frame_says_nothing():
    assert established().receive("", 1.0) == []


@given(st.data())
def test_split_anywhere_the_text_gives_the_same_records(data):
    pieces = [
        "{}\x1e",
        PING,
        UPDATE,
        "\x1e",
        "garbage\x1e",
        '{"type":7}\x1e',
        '{"type":1,"target":"ż","arguments":[0]}\x1e',
    ]
    text = "{}\x1e" + "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=6)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    whole, split = Session(SUBSCRIBE, 0.0), Session(SUBSCRIBE, 0.0)

    at_once = whole.receive(text, 1.0)
    in_pieces = [
        event
        for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)
        for event in split.receive(text[begin:end], 1.0)
    ]

    assert plain(in_pieces) == plain(at_once)
    assert split.data_to_send() == whole.data_to_send()


@given(st.lists(st.text(st.characters() | st.sampled_from('\x1e{}":16')), max_size=5), st.booleans())
def test_no_text_ever_makes_the_session_raise(texts, greeted):
    session = established() if greeted else Session(SUBSCRIBE, 0.0)
    for text in texts:
        session.receive(text, 1.0)


def test_text_that_is_no_unicode_is_no_json():
    (invalid,) = established().receive("\ud800\x1e", 1.0)

    assert invalid.reason == "json"


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(signalr, "MAX_RECORD_CHARACTERS", 100)


def record_of(size):
    start, end = '{"type":6,"x":"', '"}'
    return start + "x" * (size - len(start) - len(end)) + end


def test_the_longest_record_has_sixteen_mebi_characters():
    assert signalr.MAX_RECORD_CHARACTERS == 16 * 1024 * 1024


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("pieces", [1, 2, 3, 101])
def test_a_record_longer_than_the_limit_is_oversize_however_it_comes(pieces):
    session = established()
    text = record_of(101) + "\x1e"
    step = -(-len(text) // pieces)

    happened = [
        e for start in range(0, len(text), step) for e in session.receive(text[start : start + step], 1.0)
    ]

    assert RecordTooLong() in happened


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("pieces", [1, 2, 101])
def test_a_record_as_long_as_the_limit_is_taken(pieces):
    session = established()
    text = record_of(100) + "\x1e"
    step = -(-len(text) // pieces)

    assert [
        e for start in range(0, len(text), step) for e in session.receive(text[start : start + step], 1.0)
    ] == []


@pytest.mark.usefixtures("small_limit")
def test_a_record_that_never_ends_is_not_kept():
    session = established()

    assert session.receive("x" * 101, 1.0) == [RecordTooLong()]
    assert kinds(session.receive(UPDATE, 2.0)) == [Invocation]


def test_the_reasons_are_those_of_the_interface():
    assert INVALID_REASONS == ("json", "schema", "game_type", "protocol", "oversize")
    assert set(DISCONNECT_REASONS) == {
        *("dns", "refused", "tls", "timeout", "unauthorized", "rejected", "handshake", "server_close"),
        *("closed", "keepalive", "silence", "oversize", "protocol", "shutdown"),
    }


def test_an_unknown_type_may_use_the_known_properties_otherwise():
    assert established().receive('{"type":99,"target":5,"arguments":false}\x1e', 1.0) == []


@pytest.mark.parametrize("record", ['{"type":1,"target":5,"arguments":[]}', '{"type":"6"}'])
def test_a_known_type_with_a_property_of_another_type_breaks_the_protocol(record):
    (event,) = established().receive(record + "\x1e", 1.0)

    assert event.reason == "protocol"


# --- the times of a connection


def test_the_times_are_the_protocols_unless_others_are_given():
    session = established_with(PROTOCOL_TIMEOUTS)
    assert session.next_deadline == KEEP_ALIVE_SECONDS
    assert session.tick(29.9)
    assert not session.tick(SERVER_TIMEOUT_SECONDS)


def test_pings_go_out_as_often_as_told():
    session = established_with(Timeouts(4.0, 9.0))
    assert session.tick(3.9)
    assert session.data_to_send() == ""
    assert session.tick(4.0)
    assert session.data_to_send() == PING
    assert session.next_deadline == 8.0


def test_a_hub_may_be_silent_for_as_long_as_told():
    session = established_with(Timeouts(100.0, 9.0))
    assert session.next_deadline == 9.0
    assert session.tick(8.9)
    assert not session.tick(9.0)


def test_pings_of_many_games_are_spread_over_a_fifteenth_of_the_time_between_them():
    assert Timeouts(30.0, 9.0).spread(0.0) == Timeouts(30.0, 9.0)
    assert Timeouts(30.0, 9.0).spread(0.75) == Timeouts(28.5, 9.0)


def established_with(timeouts):
    session = Session(SUBSCRIBE, 0.0, timeouts=timeouts)
    session.receive("{}\x1e", 0.0)
    session.data_to_send()
    return session
