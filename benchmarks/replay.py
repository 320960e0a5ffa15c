"""Pass updates through the pure core, or through a real connection, under a counter of instructions.

Usage: python -m benchmarks.replay yardstick|core|path UPDATES
"""

import hashlib
import re
import sys
import time
from base64 import b64encode

import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from benchmarks.core import Replay
from benchmarks.recording import records
from benchmarks.yardstick import Yardstick
from watchdog.core.backoff import Backoff
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.records import RECORD_SEPARATOR
from watchdog.hub.channel import Channel
from watchdog.hub.opening import open_channel
from watchdog.hub.reader import BEAT_SECONDS, Reader
from watchdog.hub.subscription import Subscription
from watchdog.hub.transport import Endpoint
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls
from watchdog.runtime.waker import Turn

MOST = 1_000
"""So many records are always made, so that making them is no part of the difference between two runs."""

_STEP_SECONDS = 0.001
_READ_BYTES = 65_536
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"Sec-WebSocket-Key: *(\S+)", re.IGNORECASE)
_UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


class Keeper:
    """A token that is always good."""

    token: str | None = "none"  # noqa: S105 - made up
    pending = False

    def __init__(self) -> None:
        self.changed = trio.Event()

    def accepted(self, token: str) -> None:
        """The hub accepted it."""

    def rejected(self, token: str) -> None:
        """The hub refused it."""


def yardstick(count: int) -> None:
    """`json.loads` and `.labels()`."""
    measure = Yardstick(CollectorRegistry())
    for record in records(MOST)[:count]:
        measure.take(record)


def core(count: int) -> None:
    """Session, decoding, checks, state."""
    replay = Replay()
    for record in records(MOST)[:count]:
        replay.take(record)


class Bell:
    """A waker that has the reader take its turns when it is told to."""

    def __init__(self) -> None:
        self.ring: Turn

    async def run(self, turn: Turn) -> None:
        """Let turns be taken."""
        self.ring = turn
        self.ring()
        await trio.sleep_forever()

    def hasten(self, at: float) -> None:
        """Take no turn by itself."""


def path(count: int) -> None:
    """Everything from the socket on, an update a beat; in virtual time, so that no beat comes by itself."""
    trio.run(_path, count, clock=MockClock())


async def _path(count: int) -> None:
    clock, settings, bell = Clock(), CheckSettings(interval_seconds=30.0), Bell()
    frames = [_frame(text) for text in records(MOST, begin=time.time(), step_seconds=_STEP_SECONDS)]
    monitor = Monitor("betcore", 3, "Poker", settings, clock.now())
    reader = Reader(clock, Stalls(clock), waker=bell)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    endpoint = Endpoint("127.0.0.1", listener.socket.getsockname()[1], "/")

    async def connect(token: str) -> tuple[Channel, bytes]:
        del token
        return await open_channel(endpoint, clock, reader.stalls)

    subscription = Subscription(
        monitor,
        settings,
        1,
        keeper=Keeper(),
        connect=connect,
        reader=reader,
        backoff=Backoff(0.25, 30.0),
        report=lambda *_: None,
        random=lambda: 0.0,
    )
    mock = trio.lowlevel.current_clock()
    assert isinstance(mock, MockClock)  # noqa: S101 - given to `trio.run` above
    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(reader.run)
        nursery.start_soon(subscription.run)
        async with await listener.accept() as stream:
            await _subscribed(stream, monitor)
            for number, frame in enumerate(frames[:count]):
                await stream.send_all(frame)
                while monitor.sequence_id != number:
                    mock.jump(BEAT_SECONDS)
                    bell.ring()
                    await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()


async def _subscribed(stream: trio.SocketStream, monitor: Monitor) -> None:
    request = bytes(await stream.receive_some(_READ_BYTES))
    key = _KEY.search(request)
    assert key is not None  # noqa: S101 - it is our own client that asks
    accept = b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest())
    await stream.send_all(_UPGRADED + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    await stream.receive_some(_READ_BYTES)
    await stream.send_all(_frame("{}" + RECORD_SEPARATOR))
    while not monitor.connected:
        await trio.lowlevel.checkpoint()


def _frame(text: str) -> bytes:
    payload = text.encode()
    size = len(payload)
    head = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")  # noqa: PLR2004 - RFC 6455
    return b"\x81" + head + payload


WAYS = {"yardstick": yardstick, "core": core, "path": path}

if __name__ == "__main__":
    WAYS[sys.argv[1]](int(sys.argv[2]))
