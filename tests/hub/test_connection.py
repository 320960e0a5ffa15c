"""A connection to the hub, from the bytes of one read to what it has to say: over a pair of sockets."""

import json
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.socket_pairs import tcp
from tests.support.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    HANDSHAKE,
    PING,
    PONG,
    SEPARATOR,
    TEXT,
    close_frame,
    frame,
    game,
    invocation,
    record,
    update,
)
from watchdog.core.protocol.events import Established, Invalid, UpdateReceived
from watchdog.core.protocol.signalr import (
    ANSWERS_A_MINUTE,
    HANDSHAKE_TIMEOUT_SECONDS,
    KEEP_ALIVE_SECONDS,
    MAX_RECORD_CHARACTERS,
    MAX_RECORDS,
    SERVER_TIMEOUT_SECONDS,
)
from watchdog.hub.channel import MAX_UNSENT_BYTES, Channel
from watchdog.hub.connection import CLOSE_TIMEOUT_SECONDS, FLUSH_SECONDS, SEND_TIMEOUT_SECONDS, HubConnection
from watchdog.hub.tls import Tls
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

CHUNK_BYTES = 32 * 1024
PATIENCE_SECONDS = 60.0

SUBSCRIBE = record({"type": 1, "target": "Subscribe", "arguments": []})
REQUEST = record({"protocol": "json", "version": 1})
PING_RECORD = record({"type": 6})


def text(*records: str) -> bytes:
    """A message of these records."""
    return frame(TEXT, "".join(records).encode())


def an_update(sequence_id: int = 1) -> str:
    return invocation(update(1_000_000.0, sequence_id, game(1_000_000.0, 3)))


class Hub:
    """The hub's end of a connection, a plain socket that waits for what it reads; and the connection."""

    def __init__(self, sock: socket.socket, connection: HubConnection, channel: Channel) -> None:
        self.socket = sock
        self.connection = connection
        self.channel = channel
        self._unread = b""

    def says(self, *data: bytes) -> list[Any]:
        """Sends these bytes; what the connection makes of them, piece by piece."""
        heard: list[Any] = []
        whole = b"".join(data)
        for begin in range(0, len(whole), CHUNK_BYTES):
            self.socket.sendall(whole[begin : begin + CHUNK_BYTES])
            heard += [what for what, _ in self.connection.receive()]
        return heard

    def establishes(self) -> None:
        """Answers the handshake, and reads what the client has said so far."""
        assert self.says(text(HANDSHAKE)) == [Established()]
        assert [self.record(), self.record()] == [json.loads(each[:-1]) for each in (REQUEST, SUBSCRIBE)]

    def record(self) -> Any:
        """The next record of the client, which is alone in its frame."""
        opcode, payload = self.frame()
        assert (opcode, payload[-1:]) == (TEXT, SEPARATOR.encode())
        return json.loads(payload[:-1])

    def frame(self) -> tuple[int, bytes]:
        """The next frame of the client: its opcode and the unmasked payload."""
        opcode, length = self._take(2)
        length &= 0x7F
        if length == 126:
            length = int.from_bytes(self._take(2), "big")
        mask = self._take(4)
        return opcode & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(self._take(length)))

    def reads(self) -> None:
        """Takes what has come off the socket, be it half of a frame."""
        self._unread += self.socket.recv(CHUNK_BYTES)

    def frames(self) -> list[tuple[int, bytes]]:
        """All frames that the client has sent by now."""
        frames = []
        while self._unread or select.select([self.socket], [], [], 0.0)[0]:
            frames.append(self.frame())
        return frames

    def frames_to_the_end(self) -> list[tuple[int, bytes]]:
        """All frames that the client sent before it left."""
        while data := self.socket.recv(CHUNK_BYTES):
            self._unread += data
        frames = []
        while self._unread:
            frames.append(self.frame())
        return frames

    def _take(self, count: int) -> bytes:
        while len(self._unread) < count:
            data = self.socket.recv(CHUNK_BYTES)
            assert data, "the client is gone"
            self._unread += data
        data, self._unread = self._unread[:count], self._unread[count:]
        return data


@contextmanager
def connected(begin: bytes = b"") -> Iterator[Hub]:
    """A hub, and a connection to it whose handshake has not been answered; `begin` came with the upgrade."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(PATIENCE_SECONDS)
    clock = Clock(wall=trio.current_time)
    channel = Channel(trio.SocketStream(trio.socket.from_stdlib_socket(ours)), clock, Stalls(clock))
    connection = HubConnection(channel, begin, SUBSCRIBE, clock=clock)
    try:
        yield Hub(theirs, connection, channel)
    finally:
        channel.close()
        theirs.close()


@contextmanager
def established() -> Iterator[Hub]:
    with connected() as hub:
        hub.establishes()
        yield hub


def lost(heard: list[Any]) -> ConnectionLostError:
    """The loss, which comes once and last."""
    assert [isinstance(what, ConnectionLostError) for what in heard] == [False] * (len(heard) - 1) + [True]
    loss = heard[-1]
    assert isinstance(loss, ConnectionLostError)
    return loss


def assert_over(hub: Hub) -> None:
    """Nothing more comes of a connection that has been reported lost, whatever happens."""
    hub.socket.sendall(text(an_update()))
    assert hub.connection.receive() == []
    assert hub.connection.drained
    assert hub.connection.tick(trio.current_time() + 1_000.0) is None


# --- the handshake


async def test_the_handshake_is_sent_at_once_and_the_subscription_once_it_is_accepted(mock_clock):
    with connected() as hub:
        assert hub.record() == {"protocol": "json", "version": 1}
        assert not hub.connection.established
        assert hub.connection.due == HANDSHAKE_TIMEOUT_SECONDS
        mock_clock.jump(1.0)
        assert hub.says(text(HANDSHAKE)) == [Established()]
        assert hub.connection.established
        assert hub.record()["target"] == "Subscribe"
        assert hub.connection.due == 1.0 + KEEP_ALIVE_SECONDS
        assert hub.frames() == []


async def test_what_came_with_the_upgrade_is_received_first(mock_clock):
    with connected(begin=text(HANDSHAKE) + text(an_update(7))[:10]) as hub:
        (heard, _), *nothing = hub.connection.receive()
        assert (heard, nothing) == (Established(), [])
        (update_received,) = hub.says(text(an_update(7))[10:])
        assert update_received.update.sequence_id == 7


@pytest.mark.parametrize(
    ("answer", "detail"),
    [(record({"error": "No such protocol"}), "No such protocol"), ("<html>" + SEPARATOR, "malformed")],
)
async def test_a_refused_handshake_is_the_end(mock_clock, answer, detail):
    with connected() as hub:
        loss = lost(hub.says(text(answer), text(an_update())))
        assert loss.reason == "handshake"
        assert detail in loss.detail
        assert not hub.connection.established
        assert_over(hub)


async def test_a_handshake_that_is_never_answered_is_the_end_after_15_s(mock_clock):
    with connected() as hub:
        assert hub.connection.tick(HANDSHAKE_TIMEOUT_SECONDS - 0.001) is None
        loss = hub.connection.tick(HANDSHAKE_TIMEOUT_SECONDS)
        assert loss is not None
        assert (loss.reason, loss.detail) == ("handshake", "the hub did not answer the handshake")
        assert_over(hub)


# --- keeping alive


async def test_a_client_pings_when_it_has_said_nothing_for_a_while(mock_clock):
    with established() as hub:
        for _ in range(3):
            due = hub.connection.due
            assert due == trio.current_time() + KEEP_ALIVE_SECONDS
            assert hub.connection.tick(due - 0.001) is None
            assert hub.frames() == []
            mock_clock.jump(KEEP_ALIVE_SECONDS)
            assert hub.says(text(PING_RECORD)) == []
            assert hub.connection.tick(due) is None
            assert hub.record() == {"type": 6}


async def test_a_hub_that_sends_nothing_for_30_s_is_lost(mock_clock):
    with established() as hub:
        mock_clock.jump(KEEP_ALIVE_SECONDS)
        assert hub.connection.tick(trio.current_time()) is None
        # A ping of the WebSocket is none of SignalR: the hub behind it may be long gone.
        assert hub.says(frame(PING, b"?")) == []
        mock_clock.jump(KEEP_ALIVE_SECONDS)
        assert hub.connection.due == SERVER_TIMEOUT_SECONDS
        loss = hub.connection.tick(trio.current_time())
        assert loss is not None
        assert (loss.reason, loss.detail) == ("keepalive", "the hub sent nothing, not even a ping")
        assert_over(hub)


async def test_pings_of_the_websocket_are_answered(mock_clock):
    with established() as hub:
        assert hub.says(frame(PING, b"one"), frame(PING, b"two")) == []
        assert hub.frames() == [(PONG, b"two")]


# --- what it hears


async def test_an_update_has_the_time_at_which_it_was_read(mock_clock):
    with established() as hub:
        mock_clock.jump(2.0)
        hub.socket.sendall(text(an_update(3)))
        ((received, arrival),) = hub.connection.receive()
        assert isinstance(received, UpdateReceived)
        assert (received.update.sequence_id, received.size_bytes) == (3, len(an_update(3)[:-1]))
        assert (arrival.at, arrival.exact) == (2.0, True)
        assert hub.connection.receive() == []


@pytest.mark.parametrize("read_late", [False, True])
async def test_of_several_messages_of_one_read_that_was_late_only_the_last_is_exact(mock_clock, read_late):
    with established() as hub:
        hub.connection.read_late = read_late
        hub.socket.sendall(b"".join(text(an_update(number), an_update(number + 10)) for number in range(3)))
        heard = hub.connection.receive()
    ids = [what.update.sequence_id for what, _ in heard if isinstance(what, UpdateReceived)]
    assert ids == [0, 10, 1, 11, 2, 12]
    earlier = not read_late
    assert [arrival.exact for _, arrival in heard] == [earlier] * 4 + [True] * 2


async def test_a_message_that_was_late_but_alone_is_exact(mock_clock):
    with established() as hub:
        hub.connection.read_late = True
        hub.socket.sendall(text(an_update()) + text(an_update())[:10])
        ((_, arrival),) = hub.connection.receive()
        assert arrival.exact


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (frame(BINARY, HANDSHAKE.encode()), "protocol"),
        (text("{" + SEPARATOR), "json"),
        (text(SEPARATOR), "json"),
        (text(record({})), "protocol"),
        (text(an_update().replace('"sId": 1', '"sId": "one"')), "schema"),
    ],
)
async def test_what_is_merely_wrong_is_invalid_and_the_next_is_read_as_usual(mock_clock, message, reason):
    with established() as hub:
        invalid, update_received = hub.says(message, text(an_update()))
        assert isinstance(invalid, Invalid)
        assert invalid.reason == reason
        assert isinstance(update_received, UpdateReceived)


async def test_what_a_subscriber_need_not_know_says_nothing(mock_clock):
    other = invocation(1, target="SomethingElse")
    with established() as hub:
        assert hub.says(text(PING_RECORD, other), frame(PONG), text(record({"type": 99}))) == []
        assert hub.frames() == []


async def test_an_invocation_that_wants_an_answer_gets_one_and_many_do_not(mock_clock):
    with established() as hub:
        for number in range(ANSWERS_A_MINUTE + 5):
            assert hub.says(text(invocation(1, target="GetStatus", invocationId=f"x{number}"))) == []
        frames = hub.frames()
    assert len(frames) == ANSWERS_A_MINUTE
    assert json.loads(frames[0][1][:-1])["invocationId"] == "x0"


# --- the end


@pytest.mark.parametrize(("allow", "expected"), [(True, True), (False, False), (None, False)])
async def test_a_close_record_is_the_end_and_nothing_behind_it_is_read(mock_clock, allow, expected):
    words = {"type": 7, "error": "restart"} | ({} if allow is None else {"allowReconnect": allow})
    with established() as hub:
        first, *rest = hub.says(text(an_update(1)) + text(record(words), an_update(2)) + text(an_update(3)))
        assert first.update.sequence_id == 1
        loss = lost(rest)
        assert (len(rest), loss.reason, loss.detail) == (1, "server_close", "restart")
        assert loss.allow_reconnect is expected
        assert_over(hub)


@pytest.mark.parametrize("code", [1000, 1011])
async def test_a_close_of_the_websocket_is_the_end_and_is_answered(mock_clock, code):
    with established() as hub:
        heard = hub.says(text(an_update()), close_frame(code, "bye"))
        assert len(heard) == 2
        assert (lost(heard).reason, lost(heard).detail) == ("closed", f"code {code} bye")
        ((opcode, payload),) = hub.frames()
        assert (opcode, payload[:2]) == (CLOSE, code.to_bytes(2, "big"))
        assert_over(hub)


async def test_a_record_that_closes_and_a_frame_that_closes_are_one_end(mock_clock):
    with established() as hub:
        heard = hub.says(text(record({"type": 7, "error": "restart"})), close_frame(1000))
        assert (len(heard), lost(heard).reason) == (1, "server_close")


async def test_an_end_without_a_word_is_the_end(mock_clock):
    with established() as hub:
        hub.socket.sendall(text(an_update()))
        hub.socket.close()
        assert len(hub.connection.receive()) == 1
        ((loss, _),) = hub.connection.receive()
        assert str(loss) == "closed: code 1006"
        assert hub.connection.receive() == []


async def test_a_connection_that_was_given_up_says_nothing_more(mock_clock):
    with established() as hub:
        hub.connection.give_up()
        assert hub.says(text(an_update())) == []
        assert hub.connection.tick(1e9) is None
        assert hub.connection.drained


async def test_a_violation_is_the_end_and_the_hub_hears_of_it(mock_clock):
    with established() as hub:
        heard = hub.says(text(an_update()), frame(CONTINUATION, b"of what?"), text(an_update()))
        assert (len(heard), lost(heard).reason) == (2, "protocol")
        ((opcode, payload),) = hub.frames()
        assert (opcode, payload[:2]) == (CLOSE, (1002).to_bytes(2, "big"))
        assert_over(hub)


async def test_a_record_without_an_end_is_the_end(mock_clock):
    million = text(" " * 1_000_000)
    with established() as hub:
        for _ in range(MAX_RECORD_CHARACTERS // 1_000_000):
            assert hub.says(million) == []
        loss = lost(hub.says(million))
        assert (loss.reason, loss.detail) == ("oversize", "a record without an end")
        assert_over(hub)


async def test_more_records_in_one_message_than_anybody_has_to_say_are_the_end(mock_clock):
    with established() as hub:
        assert len(hub.says(text(*[SEPARATOR] * MAX_RECORDS))) == MAX_RECORDS
        heard = hub.says(text(an_update()), text(*[SEPARATOR] * (MAX_RECORDS + 1)), text(an_update()))
        assert len(heard) == 2
        assert (lost(heard).reason, lost(heard).detail) == (
            "protocol",
            "more than 1000 records in one message",
        )
        assert_over(hub)


async def test_what_is_to_be_answered_behind_a_goodbye_is_not(mock_clock):
    wants_an_answer = text(invocation(1, target="GetStatus", invocationId="x"))
    with established() as hub:
        assert lost(hub.says(wants_an_answer + close_frame(1000))).reason == "closed"
        assert [opcode for opcode, _ in hub.frames()] == [CLOSE]


async def test_a_failure_of_tls_is_why_the_connection_is_lost():
    with tcp() as pair:
        await pair.secure()
        connection = HubConnection(pair.channel, b"", SUBSCRIBE, clock=Clock())
        pair.send(text(HANDSHAKE))
        ((accepted, _),) = connection.receive()
        assert accepted == Established()
        pair.other.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        pair.arrived()
        ((loss, _),) = connection.receive()
        assert str(loss) == "tls: DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
        assert connection.receive() == []


# --- a hub that does not read


def answers_pile_up(hub: Hub) -> None:
    """Pings, and reads none of the answers, until the kernel takes no more of them."""
    while not hub.channel.unsent:
        assert hub.says(frame(PING, b"x" * 125)) == []


async def test_a_hub_that_reads_nothing_is_lost_after_10_s(mock_clock):
    with established() as hub:
        answers_pile_up(hub)
        while trio.current_time() < SEND_TIMEOUT_SECONDS:
            assert hub.connection.due == pytest.approx(trio.current_time() + FLUSH_SECONDS)
            mock_clock.jump(hub.connection.due - trio.current_time())
            loss = hub.connection.tick(trio.current_time())
            assert (loss is None) == (trio.current_time() < SEND_TIMEOUT_SECONDS)
        assert loss is not None
        assert (loss.reason, loss.detail) == ("timeout", "the hub does not read what is sent to it")


async def test_whoever_reads_nothing_gets_no_more_answers(mock_clock):
    with established() as hub:
        answers_pile_up(hub)
        unsent = len(hub.channel.unsent)
        for _ in range(1_000):
            assert hub.says(frame(PING, b"x" * 125)) == []
        assert len(hub.channel.unsent) == unsent


async def test_whoever_reads_nothing_is_still_told_what_is_wrong_with_it(mock_clock):
    with established() as hub:
        answers_pile_up(hub)
        unsent = len(hub.channel.unsent)
        assert lost(hub.says(frame(CONTINUATION, b"of what?"))).reason == "protocol"
        assert len(hub.channel.unsent) > unsent


class Refusing(Tls):
    """Has to refuse something with each read, as TLS 1.2 does with requests for another handshake."""

    def decrypt(self, data: bytes) -> None:
        pass

    def data_to_send(self) -> bytes:
        return b"x" * CHUNK_BYTES


async def test_a_hub_that_makes_tls_answer_and_reads_nothing_is_lost_before_it_costs_memory(mock_clock):
    with established() as hub:
        hub.channel._tls = Refusing(ssl.create_default_context(), "hub.example")
        heard: list[Any] = []
        while not heard:
            heard += hub.says(b"?")
            assert len(hub.channel.unsent) <= MAX_UNSENT_BYTES + CHUNK_BYTES
        assert (lost(heard).reason, lost(heard).detail) == (
            "timeout",
            "the hub does not read what TLS answers",
        )


async def test_a_hub_that_reads_again_in_time_gets_what_it_missed_and_is_not_lost(mock_clock):
    with established() as hub:
        answers_pile_up(hub)
        mock_clock.jump(SEND_TIMEOUT_SECONDS - 1.0)
        assert hub.connection.tick(trio.current_time()) is None
        while hub.channel.unsent:
            hub.reads()
            assert hub.connection.tick(trio.current_time()) is None
        assert {opcode for opcode, _ in hub.frames()} == {PONG}
        assert hub.connection.due == KEEP_ALIVE_SECONDS
        mock_clock.jump(2.0)
        answers_pile_up(hub)
        # The ten seconds begin anew.
        assert hub.connection.tick(trio.current_time()) is None
        assert hub.connection.tick(2.0 * SEND_TIMEOUT_SECONDS) is None


async def test_pinging_a_hub_that_is_gone_is_no_error_and_the_end_is_read(mock_clock):
    with established() as hub:
        hub.socket.close()
        mock_clock.jump(KEEP_ALIVE_SECONDS)
        assert hub.connection.tick(trio.current_time()) is None
        assert hub.channel.unsent == b""
        ((loss, _),) = hub.connection.receive()
        assert str(loss) == "closed: code 1006"


# --- our own end


async def test_we_close_with_a_goodbye_and_wait_for_the_hubs(mock_clock):
    with established() as hub:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hub.connection.aclose)
            await wait_all_tasks_blocked()
            assert hub.frames() == [(CLOSE, (1000).to_bytes(2, "big"))]
            assert hub.connection.fileno() >= 0
            hub.socket.sendall(text(an_update()) + frame(PING, b"?") + close_frame(1000))
        assert hub.connection.fileno() == -1
        assert hub.socket.recv(1) == b""
        assert trio.current_time() == 0.0


@pytest.mark.parametrize("last", [b"", close_frame(1000)[:2]])
async def test_a_hub_that_does_not_answer_our_close_is_left_after_a_second(autojump_clock, last):
    with established() as hub:
        hub.socket.sendall(last)
        await hub.connection.aclose()
        assert hub.connection.fileno() == -1
        assert trio.current_time() == pytest.approx(CLOSE_TIMEOUT_SECONDS, abs=0.01)


async def test_a_hub_that_reads_nothing_is_left_after_a_second(autojump_clock):
    with established() as hub:
        answers_pile_up(hub)
        await hub.connection.aclose()
        assert hub.connection.fileno() == -1
        assert trio.current_time() == pytest.approx(CLOSE_TIMEOUT_SECONDS, abs=0.01)


@pytest.mark.parametrize("end", [close_frame(1000), b"\x83\x00"])
async def test_an_end_that_was_read_already_is_not_waited_for(mock_clock, end):
    with established() as hub:
        lost(hub.says(end))
        await hub.connection.aclose()
        assert [opcode for opcode, _ in hub.frames_to_the_end()] == [CLOSE]


async def test_closing_a_connection_whose_hub_is_gone_ends_at_once(mock_clock):
    with established() as hub:
        hub.socket.close()
        await hub.connection.aclose()
        assert hub.connection.fileno() == -1


async def test_the_socket_is_closed_even_if_saying_goodbye_fails(mock_clock, monkeypatch):
    async def broken() -> bytes:
        raise RuntimeError("a bug of ours")

    with established() as hub:
        monkeypatch.setattr(hub.channel, "receive", broken)
        with pytest.raises(RuntimeError, match="a bug of ours"):
            await hub.connection.aclose()
        assert hub.connection.fileno() == -1


async def test_being_cancelled_still_says_goodbye(mock_clock):
    with established() as hub:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hub.connection.aclose)
                scope.cancel()
                with trio.CancelScope(shield=True):
                    await wait_all_tasks_blocked()
                assert hub.frames() == [(CLOSE, (1000).to_bytes(2, "big"))]
                hub.socket.sendall(close_frame(1000))
        assert hub.connection.fileno() == -1


async def test_more_records_at_once_than_any_feed_sends_are_the_end(mock_clock):
    with established() as hub:
        # No message has too many of its own.
        some = "x" + SEPARATOR
        heard = hub.says(text(some * (MAX_RECORDS - 1)) + text(some * 2) + text(an_update()))
        assert [type(what) for what in heard[:-1]] == [Invalid] * (MAX_RECORDS + 1)
        loss = lost(heard)
        assert (loss.reason, loss.detail) == ("protocol", "more than 1000 records at once that say something")
        assert_over(hub)


async def test_as_many_records_at_once_as_are_allowed_are_read(mock_clock):
    with established() as hub:
        some = "x" + SEPARATOR
        heard = hub.says(text(some * (MAX_RECORDS - 1)) + text(an_update()))
        assert [type(what) for what in heard] == [Invalid] * (MAX_RECORDS - 1) + [UpdateReceived]
