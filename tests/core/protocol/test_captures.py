"""Sessions with a real ASP.NET Core SignalR server, as it framed and worded them."""

import json
from pathlib import Path

import pytest

from watchdog.core.protocol.events import Closed, Established, HandshakeRefused, Invalid, Invocation
from watchdog.core.protocol.signalr import Session
from watchdog.core.protocol.updates import decode_update, is_update, subscribe_record

CAPTURES = Path(__file__).with_name("captures")


def from_server(name):
    lines = (CAPTURES / f"{name}.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [(r["t"], r["data"]) for r in records if r["from"] == "server" and "data" in r]


def from_client(name):
    lines = (CAPTURES / f"{name}.jsonl").read_text().splitlines()
    return "".join(r["data"] for r in map(json.loads, lines) if r["from"] == "client")


def understood(name):
    session = Session(subscribe_record(3, 1), 0.0)
    return [event for at, data in from_server(name) for event in session.receive(data, at)]


@pytest.mark.parametrize("name", ["subscribe", "server-shutdown", "two-records-in-one-frame"])
def test_every_update_of_a_capture_is_decoded_and_in_sequence(name):
    greeting, *invocations = understood(name)

    assert greeting == Established()
    assert all(isinstance(event, Invocation) and is_update(event.target) for event in invocations)
    ids = [decode_update(event.arguments).sequence_id for event in invocations]
    assert len(ids) >= 5
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_the_subscription_says_what_the_captured_client_said():
    handshake, recorded = from_client("subscribe").split("\x1e")[:2]
    session = Session(subscribe_record(3, 1), 0.0)
    assert json.loads(session.data_to_send().removesuffix("\x1e")) == json.loads(handshake)
    session.receive("{}\x1e", 0.2)

    ours, theirs = json.loads(session.data_to_send().removesuffix("\x1e")), json.loads(recorded)
    assert json.loads(ours["arguments"].pop()) == json.loads(theirs["arguments"].pop())
    assert ours == theirs


def test_pings_of_an_idle_hub_say_nothing():
    assert understood("idle-with-pings") == [Established()]
    assert understood("one-ping-then-silence") == [Established()]


def test_a_completion_for_a_method_that_is_unknown_says_nothing():
    assert understood("unknown-method") == [Established()]


def test_a_hub_that_closes_with_an_error_may_allow_to_reconnect():
    assert understood("bad-json") == [
        Established(),
        Closed("Connection closed with an error.", allow_reconnect=True),
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("wrong-protocol", "The protocol 'nope' is not supported."),
        ("no-handshake", "Handshake was canceled."),
    ],
)
def test_a_refused_handshake_says_why(name, error):
    assert understood(name) == [HandshakeRefused(error)]


def test_no_capture_holds_anything_invalid():
    for path in CAPTURES.glob("*.jsonl"):
        assert not any(isinstance(event, Invalid) for event in understood(path.stem)), path.name
