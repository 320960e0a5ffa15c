"""How a session begins, stays alive and is given up."""

import pytest

from tests.core.protocol.sessions import PING, SUBSCRIBE, UPDATE, established, kinds
from watchdog.core.protocol.events import Closed, Established, HandshakeRefused, Invocation
from watchdog.core.protocol.signalr import Session


def test_the_first_record_of_the_client_asks_for_the_json_protocol():
    session = Session(SUBSCRIBE, 0.0)

    assert session.data_to_send() == '{"protocol":"json","version":1}\x1e'
    assert not session.established


def test_what_was_handed_out_to_send_is_forgotten():
    session = Session(SUBSCRIBE, 0.0)
    session.data_to_send()

    assert session.data_to_send() == ""


def test_the_subscription_waits_for_the_hub_to_accept():
    session = Session(SUBSCRIBE, 0.0)
    session.data_to_send()

    assert session.receive("{}\x1e", 0.1) == [Established()]

    assert session.established
    assert session.data_to_send() == SUBSCRIBE


@pytest.mark.parametrize(
    "answer",
    ["{}", '{"error":null}', '{ "minorVersion": 1 }', '{"connectionId":"x","error":null}', PING[:-1]],
)
def test_the_hub_accepts_with_an_empty_object_or_a_ping(answer):
    session = Session(SUBSCRIBE, 0.0)

    assert session.receive(answer + "\x1e", 0.1) == [Established()]
    assert session.established


def test_acceptance_a_ping_and_an_update_may_share_one_frame():
    session = Session(SUBSCRIBE, 0.0)

    assert kinds(session.receive("{}\x1e" + PING + UPDATE, 0.1)) == [Established, Invocation]


def test_a_ping_and_an_update_may_share_one_frame_without_any_acceptance():
    session = Session(SUBSCRIBE, 0.0)

    assert kinds(session.receive(PING + UPDATE, 0.1)) == [Established, Invocation]


def test_a_hub_without_an_acceptance_may_begin_with_an_update():
    session = Session(SUBSCRIBE, 0.0)

    assert kinds(session.receive(UPDATE, 0.1)) == [Established, Invocation]


def test_a_hub_without_an_acceptance_may_begin_with_a_goodbye():
    session = Session(SUBSCRIBE, 0.0)

    answer = '{"type":7,"error":"full","allowReconnect":true}\x1e'

    assert session.receive(answer, 0.1) == [Established(), Closed("full", allow_reconnect=True)]


def test_an_error_refuses_the_handshake():
    session = Session(SUBSCRIBE, 0.0)

    assert session.receive('{"error":"Handshake was canceled."}\x1e', 0.1) == [
        HandshakeRefused("Handshake was canceled.")
    ]
    assert not session.established


@pytest.mark.parametrize(
    "garbage",
    ["", "no", "[]", "1", "null", '"{}"', "{", '{"error":1}', '{"type":"6"}', "<html>", "[" * 100_000],
)
def test_garbage_refuses_the_handshake(garbage):
    session = Session(SUBSCRIBE, 0.0)
    session.data_to_send()

    assert kinds(session.receive(garbage + "\x1e", 0.1)) == [HandshakeRefused]
    assert not session.established
    assert session.data_to_send() == ""


def test_the_handshake_may_take_fifteen_seconds_and_not_longer():
    session = Session(SUBSCRIBE, 100.0)

    assert session.next_deadline == 115.0
    assert session.tick(114.999)
    assert not session.tick(115.0)


def test_a_handshake_that_comes_in_drips_gets_no_longer_time():
    session = Session(SUBSCRIBE, 0.0)
    session.receive("{", 14.0)

    assert not session.tick(15.0)


def test_a_ping_is_sent_when_nothing_was_for_fifteen_seconds():
    session = established(100.0)

    assert session.next_deadline == 115.0
    assert session.tick(114.999)
    assert session.data_to_send() == ""
    assert session.tick(115.0)
    assert session.data_to_send() == PING
    assert session.next_deadline == 130.0


def test_an_answer_sent_postpones_the_next_ping():
    session = established()
    session.receive('{"type":1,"invocationId":"9","target":"Ask","arguments":[]}\x1e', 10.0)

    assert session.next_deadline == 25.0


def test_a_ping_of_the_hub_is_not_answered():
    session = established()

    assert session.receive(PING, 1.0) == []
    assert session.data_to_send() == ""


def test_a_hub_that_says_nothing_for_thirty_seconds_is_given_up():
    session = established()
    session.tick(15.0)

    assert session.tick(29.999)
    assert session.next_deadline == 30.0
    assert not session.tick(30.0)


def test_a_ping_of_the_hub_keeps_it_believed_alive():
    session = established()
    session.receive(PING, 20.0)

    assert session.tick(49.999)
    assert not session.tick(50.0)


def test_text_without_a_whole_record_does_not_keep_the_hub_believed_alive():
    session = established()
    session.tick(15.0)
    for second in range(16, 30):
        session.receive("{", float(second))

    assert not session.tick(30.0)
