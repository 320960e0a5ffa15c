"""An open WebSocket as a test likes it: received from and sent to one message after another."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from msgspec import Struct

from watchdog.core.arrival import Arrival
from watchdog.hub.channel import Channel
from watchdog.hub.connection import close
from watchdog.hub.opening import open_channel
from watchdog.hub.transport import Dial, Endpoint
from watchdog.hub.websocket import WebSocket
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls


class Message(Struct, frozen=True):
    """A message and when it arrived; None as text stands for a binary one."""

    text: str | None
    arrival: Arrival


class Opened:
    """A channel and the WebSocket on it."""

    def __init__(self, channel: Channel, begin: bytes) -> None:
        self.channel = channel
        self.websocket = WebSocket()
        self._messages: deque[Message] = deque()
        if begin:
            self._take(begin)

    async def receive(self) -> Message:
        """The next message. Raises ConnectionLostError once there are no more."""
        while not self._messages:
            if (lost := self.channel.failure or self.websocket.lost) is not None:
                raise lost
            self._take(await self.channel.receive())
        await trio.lowlevel.checkpoint()
        return self._messages.popleft()

    async def send(self, text: str) -> None:
        await self.channel.send(self.websocket.send(text))

    def _take(self, data: bytes) -> None:
        for message in self.websocket.receive(data):
            text = message if isinstance(message, str) else None
            self._messages.append(Message(text, self.channel.arrival))
        self.channel.write(self.websocket.data_to_send())


@asynccontextmanager
async def open_connection(
    endpoint: Endpoint, clock: Clock, dial: Dial | None = None, stalls: Stalls | None = None
) -> AsyncIterator[Opened]:
    """Connect, and close on leaving, as a subscription does."""
    channel, begin = await open_channel(endpoint, clock, stalls or Stalls(clock), dial)
    opened = Opened(channel, begin)
    try:
        yield opened
    finally:
        await close(opened.websocket, channel)
