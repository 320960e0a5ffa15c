"""What a hub should not send, and what it may send in odd ways: counted, and nothing else moves."""

import msgspec
import pytest
import trio

from tests.support.fake_hub import Hub, counted, game, healthy, settings, spent, update, watching
from tests.support.hub_scripts import good_for, then_saying
from tests.support.wire import BINARY, HANDSHAKE, SEPARATOR, frame, record
from watchdog.hub import channel

# One of each: what else is one of them, the matrix and the tests of the protocol tell.
INVALID = [
    ("json", lambda: "[" * 100_000 + SEPARATOR),
    ("schema", lambda: update(-1)),
    ("game_type", lambda: update(2, wgi=[game(3), game(4)])),
    ("protocol", lambda: record({"type": "1"})),
    ("protocol", lambda: frame(BINARY, b"\x00\x01")),
]


def unaffected(seen):
    """What a snapshot says besides its invalid messages and the time that has passed."""
    return msgspec.structs.replace(
        seen,
        invalid_messages={},
        recent_anomalies=(),
        state_since=0.0,
        state_seconds={},
        clock_offset_seconds=None,
    )


@pytest.mark.parametrize(("reason", "message"), INVALID)
async def test_an_invalid_message_is_counted_as_such_and_moves_nothing_else(autojump_clock, reason, message):
    async def script(peer):
        await peer.send(HANDSHAKE)
        await peer.update()
        await trio.sleep(0.1)
        await peer.send(message())
        await peer.updates(100.0)

    async with watching(Hub(script)) as watch:
        await trio.sleep_until(0.05)
        before = watch.game()
        await trio.sleep_until(0.15)
        after = watch.game()
        assert unaffected(after) == unaffected(before)
        assert counted(after.invalid_messages) == {reason: 1}
        await trio.sleep_until(60.3)
        seen = watch.game()
    assert (spent(seen), seen.connection_attempts) == ({"fresh": 60.3}, 1)
    assert (counted(seen.anomalies), counted(seen.disconnects)) == ({}, {})
    assert seen.messages == 121
    assert watch.events().count("message.invalid") == 1


async def test_invalid_messages_do_not_break_a_silence(autojump_clock):
    async def script(peer):
        await peer.send(HANDSHAKE)
        while True:
            await trio.sleep(0.5)
            await peer.send("{" + SEPARATOR)

    async with watching(Hub(script)) as watch:
        await trio.sleep_until(9.9)
        assert spent(watch.game()) == pytest.approx({"fresh": 0.75, "silent": 9.15})
        await trio.sleep_until(20.6)
        seen = watch.game()
        assert spent(seen) == pytest.approx({"fresh": 0.75, "silent": 19.85})
        # The second connection carries as many of its own, but each is counted once.
        assert len(watch.hub.peers) == 3
        assert counted(seen.invalid_messages) == {"json": 41}


LARGEST = 16 * 1024 * 1024


def one_message(peer):
    return peer.send(" " * (LARGEST + 1))


async def many_messages(peer):
    """A record that never ends."""
    for _ in range(17):
        await peer.send(" " * 1024 * 1024)


@pytest.mark.parametrize("send", [one_message, many_messages])
async def test_a_message_of_more_than_16_mib_ends_the_connection_and_counts_once(autojump_clock, send):
    async with watching(Hub(good_for(2.0, send), healthy)) as watch:
        await trio.sleep_until(5.1)
        seen = watch.game()
    assert watch.losses()[0] == ("connection.lost", "oversize")
    assert counted(seen.invalid_messages) == {"oversize": 1}
    assert counted(seen.disconnects) == {"oversize": 1}
    assert spent(seen) == pytest.approx({"fresh": 4.85, "disconnected": 0.25})


async def test_a_flood_is_counted_to_the_last_update_and_leaves_the_other_game_alone(autojump_clock):
    async def script(peer):
        await peer.send(HANDSHAKE)
        game_type = await peer.subscribed()
        if game_type == 4:
            for number in range(1, 10_001):
                await trio.sleep_until(1.0 + number / 10_000)
                await peer.send(update(number, 4))
        else:
            for number in range(1, 100):
                await trio.sleep_until(number * 0.5)
                await peer.send(update(number, 3))

    async with watching(Hub(script), settings((3, 4))) as watch:
        await trio.sleep_until(2.05)
        flooded, other = watch.game(4), watch.game(3)
    assert (flooded.messages, flooded.sequence_id, flooded.state) == (10_000, 10_000, "fresh")
    assert sum(flooded.intervals.counts) == 9_999
    assert counted(flooded.anomalies) == {}
    assert (other.messages, spent(other)) == (4, {"fresh": 2.05})
    assert len(flooded.recent_anomalies) == 0


async def test_frames_split_at_every_byte_are_the_same_frames(autojump_clock, monkeypatch):
    buffer = memoryview(bytearray(1))
    monkeypatch.setattr(channel, "READ_BYTES", len(buffer))
    monkeypatch.setattr(channel, "_BUFFER", buffer)
    monkeypatch.setattr(channel, "_BUFFERS", [buffer])
    async with watching(Hub()) as watch:
        await trio.sleep_until(2.1)
        assert (watch.game().messages, spent(watch.game())) == (4, {"fresh": 2.1})


async def test_an_invocation_that_wants_an_answer_gets_one_and_others_get_none(autojump_clock):
    script = then_saying(
        record({"type": 1, "invocationId": "x1", "target": "GetStatus", "arguments": []}),
        record({"type": 1, "target": "SomethingElse", "arguments": [1]}),
    )
    async with watching(Hub(script)) as watch:
        await trio.sleep_until(0.3)
        seen = watch.game()
    (answer,) = watch.hub.peers[0].records[2:]
    assert (answer["type"], answer["invocationId"]) == (3, "x1")
    assert answer["error"]
    assert (seen.messages, counted(seen.invalid_messages)) == (1, {})


@pytest.mark.parametrize("record", ["", "{}", '{"type":6}', "["])
async def test_a_message_of_more_records_than_anybody_has_to_say_ends_the_connection(autojump_clock, record):
    async def floods(peer):
        await peer.send(HANDSHAKE)
        await peer.update()
        await peer.send((record + SEPARATOR) * 1_001)

    async with watching(Hub(floods, healthy)) as watch:
        await trio.sleep_until(1.0)
        seen = watch.game()
    assert watch.losses()[0] == ("connection.lost", "protocol")
    assert counted(seen.invalid_messages) == {"protocol": 1}
    assert seen.connection_attempts == 2


async def test_a_thousand_records_in_one_message_are_read(autojump_clock):
    async def catches_up(peer):
        await peer.send(HANDSHAKE)
        await peer.send("".join(update(number) for number in range(1, 1_001)))
        await peer.updates(100.0)

    async with watching(Hub(catches_up)) as watch:
        await trio.sleep_until(0.3)
        seen = watch.game()
    assert (seen.messages, seen.sequence_id, counted(seen.disconnects)) == (1_000, 1_000, {})
