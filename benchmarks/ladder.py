"""One step of the ladder from a bare socket to the watchdog, as a process measured like a client.

Usage: python -m benchmarks.ladder socket|websocket|connection|decode|monitor PORT CONNECTIONS
"""

import json
import os
import sys
from collections.abc import Awaitable, Callable

import trio
import trio_websocket

from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import UpdateReceived
from watchdog.core.protocol.signalr import Session
from watchdog.core.protocol.updates import UpdateDecoder, subscribe_record
from watchdog.hub.stamped_stream import StampedStream
from watchdog.hub.transport import Endpoint
from watchdog.hub.websocket import open_connection
from watchdog.runtime.clock import Clock

_READ_BYTES = 65_536
_PATIENCE_SECONDS = 30.0
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
    """trio-websocket over a stamping stream, without a deadline and without decoding."""
    stream = StampedStream(await trio.open_tcp_stream("127.0.0.1", port), Clock())
    async with trio.open_nursery() as nursery:
        connection = await trio_websocket.wrap_client_stream(
            nursery,
            stream,  # type: ignore[arg-type]  # any Stream does
            "127.0.0.1",
            "/",
            message_queue_size=1024,
            receive_buffer_size=_READ_BYTES,
        )
        await connection.send_message(_HANDSHAKE)
        await connection.get_message()
        await connection.send_message(subscribe_record(game_type, 1))
        counts.open += 1
        while await connection.get_message():
            counts.received += 1


def received_by(take: Callable[[Session, Monitor, str, Arrival], object]) -> Step:
    """A step over our own connection, with a deadline for each message."""

    async def step(port: int, game_type: int, counts: Counts) -> None:
        clock = Clock()
        session = Session(subscribe_record(game_type, 1), clock.now(), expected=UpdateDecoder().decode)
        monitor = Monitor("betcore", game_type, str(game_type), _SETTINGS, clock.now())
        async with open_connection(Endpoint("127.0.0.1", port, "/"), clock) as connection:
            while not session.established:
                await connection.send(session.data_to_send())
                message = await connection.receive()
                session.receive(message.text or "", message.arrival.at)
            await connection.send(session.data_to_send())
            monitor.connecting(clock.now())
            monitor.subscribed(clock.now())
            counts.open += 1
            with trio.CancelScope() as waiting:
                while True:
                    waiting.deadline = clock.now() + _PATIENCE_SECONDS
                    message = await connection.receive()
                    counts.received += 1
                    arrival = message.arrival
                    take(session, monitor, message.text or "", arrival)

    return step


def nothing(session: Session, monitor: Monitor, text: str, arrival: Arrival) -> None:
    """Only the connection: frames, stamps, a deadline."""


def decode(session: Session, monitor: Monitor, text: str, arrival: Arrival) -> None:
    """Records and the update in them, not judged."""
    del monitor
    session.receive(text, arrival.at)


def judge(session: Session, monitor: Monitor, text: str, arrival: Arrival) -> None:
    """Everything but the subscription's life."""
    for event in session.receive(text, arrival.at):
        if isinstance(event, UpdateReceived):
            monitor.received(event.update, arrival, event.size_bytes)


STEPS: dict[str, Step] = {
    "socket": bare_socket,
    "websocket": websocket,
    "connection": received_by(nothing),
    "decode": received_by(decode),
    "monitor": received_by(judge),
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
    trio.run(main, STEPS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]))
