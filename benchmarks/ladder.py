"""One step of the ladder from a bare socket to the watchdog, as a process measured like a client.

Usage: python -m benchmarks.ladder socket|websocket|reader|monitor PORT CONNECTIONS
"""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

import trio
import trio_websocket

from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import Established, UpdateReceived
from watchdog.core.protocol.updates import subscribe_record
from watchdog.hub.connection import Heard, HubConnection
from watchdog.hub.opening import open_channel
from watchdog.hub.reader import Reader
from watchdog.hub.transport import Endpoint
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls
from watchdog.runtime.waker import LoopWaker

_READ_BYTES = 65_536
_SETTINGS = CheckSettings()
_HANDSHAKE = '{"protocol":"json","version":1}\x1e'


class Counts:
    """What all connections together have seen."""

    def __init__(self) -> None:
        self.open = 0
        self.received = 0


Step = Callable[[int, int, Counts], Awaitable[None]]


async def bare_socket(port: int, game_type: int, counts: Counts) -> None:
    """Wait for readability, read, count: no WebSocket, no decoding."""
    with trio.socket.socket() as sock:
        await sock.connect(("127.0.0.1", port))
        lines = (
            b"GET / HTTP/1.1",
            b"Upgrade: websocket",
            b"WebSocket: Upgrade",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )
        await sock.send(b"\r\n".join((*lines, b"", b"")))
        await sock.recv(_READ_BYTES)
        await sock.send(_masked(_HANDSHAKE) + _masked(subscribe_record(game_type, 1)))
        await sock.recv(_READ_BYTES)
        counts.open += 1
        while await sock.recv(_READ_BYTES):
            counts.received += 1


def _masked(text: str) -> bytes:
    payload = text.encode()
    length = len(payload)
    head = bytes([0x81, 0x80 | length]) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")  # noqa: PLR2004 - RFC 6455
    return head + bytes(4) + payload


async def websocket(port: int, game_type: int, counts: Counts) -> None:
    """trio-websocket with its own task and channel, without a deadline and without decoding."""
    async with trio_websocket.open_websocket(
        "127.0.0.1", port, "/", use_ssl=False, message_queue_size=1024, receive_buffer_size=_READ_BYTES
    ) as connection:
        await connection.send_message(_HANDSHAKE)
        await connection.get_message()
        await connection.send_message(subscribe_record(game_type, 1))
        counts.open += 1
        while await connection.get_message():
            counts.received += 1


Take = Callable[[Monitor, UpdateReceived, Arrival], object]


def read_by(take: Take) -> Step:
    """A step with the one reader: bytes, stamps, frames, records and updates, and what is made of those."""
    clock = Clock()
    stalls = Stalls(clock)
    reader: list[Reader] = []

    async def step(port: int, game_type: int, counts: Counts) -> None:
        if not reader:
            reader.append(Reader(clock, stalls))
            trio.lowlevel.spawn_system_task(reader[0].run)
        monitor = Monitor("betcore", game_type, str(game_type), _SETTINGS, clock.now())
        channel, begin = await open_channel(Endpoint("127.0.0.1", port, "/"), clock, stalls)
        connection = HubConnection(channel, begin, subscribe_record(game_type, 1), clock=clock)

        def hear(heard: Sequence[tuple[Heard, Arrival]]) -> None:
            for what, arrival in heard:
                if isinstance(what, UpdateReceived):
                    counts.received += 1
                    take(monitor, what, arrival)
                elif isinstance(what, Established):
                    counts.open += 1
                    monitor.connecting(arrival.at)
                    monitor.subscribed(arrival.at)

        await reader[0].hold(connection, hear, _SETTINGS.tolerance_seconds)

    return step


def nothing(monitor: Monitor, received: UpdateReceived, arrival: Arrival) -> None:
    """Updates that nobody judges."""


def judge(monitor: Monitor, received: UpdateReceived, arrival: Arrival) -> None:
    """Everything but the subscription's life."""
    monitor.received(received.update, arrival, received.size_bytes)


STEPS: dict[str, Step] = {
    "socket": bare_socket,
    "websocket": websocket,
    "reader": read_by(nothing),
    "monitor": read_by(judge),
}


async def main(step: Step, port: int, connections: int) -> None:
    """Run until stdin ends."""
    counts = Counts()
    async with trio.open_nursery() as nursery:
        for game_type in range(1, connections + 1):
            nursery.start_soon(step, port, game_type, counts)
        async with trio.lowlevel.FdStream(os.dup(0)) as stdin:
            while await stdin.receive_some():
                sys.stdout.write(json.dumps({"open": counts.open, "received": counts.received}) + "\n")
                sys.stdout.flush()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, STEPS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]), clock=LoopWaker())
