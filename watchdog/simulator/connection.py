"""One client of the hub: what it sends goes to its session, what it gets waits in a bounded outbox."""

import math
from collections.abc import Collection
from functools import partial
from typing import Protocol

import trio

from watchdog.simulator.session import Closing, HubSession, Send, Subscribed
from watchdog.simulator.websocket import WebSocket

OUTBOX_RECORDS = 64
"""A client that is this many records behind is dropped: half a minute of one game."""

LARGE_RECORD_CHARACTERS = 2**20
PATIENCE_SECONDS = 2.0
"""How long the broadcast waits for a large record to get through."""


class Audience(Protocol):
    """Something that takes the subscriptions of connections."""

    def subscribe(self, connection: "Connection", wish: Subscribed) -> None:
        """Send it the updates that it wishes for from now on."""

    def leave(self, connection: "Connection") -> None:
        """Send it no more updates."""


class Connection:
    """A connection whose WebSocket was accepted."""

    def __init__(self, web_socket: WebSocket, games: Collection[int]) -> None:
        self._web_socket = web_socket
        self._session = HubSession(games, trio.current_time())
        self._large_since = -math.inf
        self._outbox, self._queue = trio.open_memory_channel[str | None](OUTBOX_RECORDS)

    @property
    def swallowing(self) -> bool:
        """Whether a large record is on its way: a client that hangs up on it would lose what is behind it."""
        return trio.current_time() - self._large_since < PATIENCE_SECONDS

    def post(self, record: str) -> None:
        """Send a record in its turn; break the connection if the client doesn't keep up."""
        self._put(record)

    def finish(self, record: str | None) -> None:
        """Send a last record and close in order; without one the connection just breaks."""
        if record is None:
            self._web_socket.abort()
        else:
            self._put(record)
            self._put(None)

    async def run(self, audience: Audience) -> None:
        """Serve the client until either side ends it."""
        try:
            async with trio.open_nursery() as nursery:
                for task in (self._write, self._keep_alive):
                    nursery.start_soon(task)
                await self._web_socket.read(partial(self._take, audience))
                nursery.cancel_scope.cancel()
        finally:
            audience.leave(self)

    def _put(self, item: str | None) -> None:
        try:
            self._outbox.send_nowait(item)
        except trio.WouldBlock:
            self._web_socket.abort()

    def _take(self, audience: Audience, text: str) -> None:
        for event in self._session.receive(text, trio.current_time()):
            match event:
                case Send():
                    self.post(event.text)
                case Subscribed():
                    audience.subscribe(self, event)
                case Closing():
                    self._put(None)

    async def _write(self) -> None:
        async for item in self._queue:
            if item is None:
                await self._web_socket.close()
                return
            if len(item) >= LARGE_RECORD_CHARACTERS:
                self._large_since = trio.current_time()
            await self._web_socket.send(item)
            self._large_since = -math.inf
            self._session.sent(trio.current_time())

    async def _keep_alive(self) -> None:
        while True:
            await trio.sleep_until(self._session.next_deadline)
            for event in self._session.tick(trio.current_time()):
                self._put(event.text if isinstance(event, Send) else None)
