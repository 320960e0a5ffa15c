import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.judged import judge
from watchdog.simulator.session import (
    MAX_RECORD_CHARACTERS,
    MAX_SUBSCRIPTIONS,
    Closing,
    HubSession,
    Send,
    Subscribed,
)
from watchdog.simulator.update import invocation

CAPTURES = Path(__file__).parents[1] / "core" / "protocol" / "captures"
HEARTBEAT_SECONDS = 1.0
HANDSHAKE = '{"protocol":"json","version":1}\x1e'
BROKEN = '{"type":7,"error":"Connection closed with an error.","allowReconnect":true}\x1e'
GAMES = (1, 3, 7)


def subscribe(text='{"GameType":3,"PartnerClientId":1,"Count":1}', **more):
    arguments = ["SubOnWholeGamesInfo", text]
    return json.dumps({"type": 1, "target": "Subscribe", "arguments": arguments} | more) + "\x1e"


@pytest.fixture
def session():
    opened = HubSession(GAMES, 0.0)
    assert opened.receive(HANDSHAKE, 0.0) == [Send("{}\x1e")]
    return opened


def capture(name):
    return [json.loads(line) for line in (CAPTURES / f"{name}.jsonl").read_text().splitlines()]


def is_update(line):
    return line.get("data", "").startswith('{"type":1,')


def answers(lines):
    """What the session says to the client of a capture, until the capture ends."""
    session = HubSession(GAMES, 0.0)
    said: list[Any] = []
    inputs = [(line["t"], line["data"]) for line in lines if line["from"] == "client"]
    inputs += [(line["t"], None) for line in lines if is_update(line)]
    end = max(lines[-1]["t"] + HEARTBEAT_SECONDS, 0)
    for at, data in [*sorted(inputs, key=lambda pair: pair[0]), (end, None)]:
        while said[-1:] != [Closing()] and session.next_deadline < at:
            said += session.tick(session.next_deadline)
        if data is None:
            session.sent(at)
        else:
            said += session.receive(data, at)
            session.sent(at)
    return [event for event in said if not isinstance(event, Subscribed)]


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.jsonl")))
def test_the_session_answers_a_captured_client_as_the_captured_server_did(name):
    lines = capture(name)
    expected: list[Any] = []
    for line in lines:
        if line["from"] == "server" and "close" in line and line["clean"]:
            expected.append(Closing())
        elif line["from"] == "server" and "data" in line and not is_update(line):
            expected.append(Send(line["data"]))
    assert answers(lines) == expected


def test_an_update_is_framed_like_the_captured_ones():
    captured = json.loads(next(line for line in capture("subscribe") if is_update(line))["data"][:-1])
    ours = invocation(judge(seconds=20).updates[-1])
    document = json.loads(ours.rstrip("\x1e"))
    assert list(document) == list(captured)
    assert list(document["arguments"][0]) == list(captured["arguments"][0])
    assert list(document["arguments"][0]["wgi"][0]) == list(captured["arguments"][0]["wgi"][0])
    assert ours.startswith('{"type":1,"target":"WholeGamesInfoSubscribe","arguments":[{"wgi":[{"i":')


def test_handshake_and_subscription_may_share_a_frame():
    events = HubSession(GAMES, 0.0).receive(HANDSHAKE + subscribe(), 0.0)
    assert events == [Send("{}\x1e"), Subscribed(3, 1)]


@given(st.lists(st.integers(0, 300)))
def test_a_stream_split_anywhere_means_the_same(cuts):
    stream = HANDSHAKE + subscribe() + '{"type":6}\x1e' + subscribe(invocationId="1") + '{"type":7}\x1e'
    session, events, start = HubSession(GAMES, 0.0), [], 0
    for end in [*sorted(cuts), len(stream)]:
        events += session.receive(stream[start:end], 0.0)
        start = end
    completion = Send('{"type":3,"invocationId":"1","result":null}\x1e')
    assert events == [Send("{}\x1e"), Subscribed(3, 1), completion, Subscribed(3, 1), Closing()]


@pytest.mark.parametrize(
    ("handshake", "error"),
    [
        ("nonsense", "An unexpected error occurred during connection handshake."),
        ("[]", "An unexpected error occurred during connection handshake."),
        ('{"protocol":"json"}', "An unexpected error occurred during connection handshake."),
        (
            '{"protocol":"json","version":2}',
            "The server does not support version 2 of the \\u0027json\\u0027 protocol.",
        ),
        ("x" * (MAX_RECORD_CHARACTERS + 1), "Handshake was canceled."),
    ],
)
def test_a_wrong_handshake_is_refused(handshake, error):
    events = HubSession(GAMES, 0.0).receive(handshake + "\x1e", 0.0)
    assert events == [Send(f'{{"error":"{error}"}}\x1e'), Closing()]


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[" * 10_000,
        "[]",
        "1",
        "{}",
        '{"type":"1"}',
        '{"type":true}',
        '{"type":1}',
        '{"type":1,"target":"Subscribe"}',
        '{"type":1,"target":"Subscribe","arguments":[],"invocationId":1}',
        "x" * (MAX_RECORD_CHARACTERS + 1),
    ],
)
def test_a_client_that_breaks_the_protocol_is_closed(session, text):
    assert session.receive(text + "\x1e" + subscribe(), 1.0) == [Send(BROKEN), Closing()]


def test_a_record_without_an_end_is_not_collected_for_ever(session):
    assert session.receive("x" * MAX_RECORD_CHARACTERS, 1.0) == []
    assert session.receive("x", 1.0) == [Send(BROKEN), Closing()]


@pytest.mark.parametrize("kind", [2, 3, 5, 6, 8, 9, 99, -1, 10**30])
def test_other_messages_are_ignored(session, kind):
    assert session.receive(f'{{"type":{kind}}}\x1e', 1.0) == []


def test_a_goodbye_of_the_client_ends_the_connection(session):
    assert session.receive('{"type":7}\x1e', 1.0) == [Closing()]
    assert session.tick(100.0) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"GameType":2,"PartnerClientId":1,"Count":1}', "There is no such subscription."),
        ('{"GameType":3,"PartnerClientId":-1,"Count":1}', "There is no such subscription."),
        ('{"GameType":3,"PartnerClientId":1,"Count":2}', "There is no such subscription."),
        ('{"GameType":"3","PartnerClientId":1,"Count":1}', "The subscription is not as documented."),
        ('{"GameType":3,"Count":1}', "The subscription is not as documented."),
        ("[]", "The subscription is not as documented."),
    ],
)
def test_a_wrong_subscription_is_answered_where_an_answer_is_asked_for(session, text, why):
    assert session.receive(subscribe(text), 1.0) == []
    (answer,) = session.receive(subscribe(text, invocationId="5"), 1.0)
    failed = "Failed to invoke 'Subscribe' due to an error on the server. HubException: "
    assert json.loads(answer.text[:-1]) == {"type": 3, "invocationId": "5", "error": failed + why}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([1, 2], "Error binding arguments."),
        ([], "Invocation provides 0 argument(s) but target expects 2."),
    ],
)
def test_wrong_arguments_are_answered_where_an_answer_is_asked_for(session, arguments, why):
    (answer,) = session.receive(subscribe(arguments=arguments, invocationId="5"), 1.0)
    assert json.loads(answer.text[:-1])["error"].endswith(f"InvalidDataException: {why}")
    assert session.receive(subscribe(arguments=arguments), 1.0) == []


def test_an_unknown_method_is_answered_only_with_an_id(session):
    assert session.receive('{"type":1,"target":"Nope","arguments":[]}\x1e', 1.0) == []


def test_a_connection_has_only_so_many_subscriptions(session):
    texts = [
        f'{{"GameType":3,"PartnerClientId":{partner},"Count":1}}' for partner in range(MAX_SUBSCRIPTIONS)
    ]
    for text in texts:
        assert len(session.receive(subscribe(text), 1.0)) == 1
    assert session.receive(subscribe(texts[0]), 1.0) == [Subscribed(3, 0)]
    assert session.receive(subscribe('{"GameType":1,"PartnerClientId":1,"Count":1}'), 1.0) == []


def test_pings_are_sent_only_after_fifteen_seconds_without_a_record(session):
    session.sent(10.0)
    assert session.tick(24.9) == []
    assert session.tick(25.0) == [Send('{"type":6}\x1e')]
    assert session.next_deadline == 40.0


def test_a_client_that_never_pings_is_never_timed_out(session):
    for at in range(15, 300, 15):
        assert session.tick(float(at)) == [Send('{"type":6}\x1e')]


def test_a_client_that_pinged_is_timed_out_thirty_seconds_after_its_last_record(session):
    session.receive('{"type":6}\x1e', 5.0)
    session.receive(subscribe(), 8.0)
    session.sent(37.0)
    assert session.tick(37.9) == []
    assert session.tick(38.0) == [Closing()]


def test_nothing_is_due_any_more_once_the_session_is_closed():
    session = HubSession([3], 0.0)
    session.receive("no handshake\x1e", 1.0)

    assert session.next_deadline == math.inf
    assert session.tick(100.0) == []
