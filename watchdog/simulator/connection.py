"""One client's WebSocket: reads into the session, writes from a bounded outbox, never waits for others."""

import math
from collections.abc import Callable, Collection
from typing import Protocol

import trio
from starlette.types import Message
from starlette.websockets import WebSocket

from watchdog.simulator.session import Closing, HubSession, Send, Subscribed

OUTBOX_RECORDS = 64
"""A client that is this many records behind is dropped: half a minute of one game."""

LARGE_RECORD_CHARACTERS = 2**20
PATIENCE_SECONDS = 2.0
"""How long the broadcast waits for a large record to get through."""

Aborts = Callable[[], None]


class Audience(Protocol):
    """Where a connection goes with its subscriptions."""

    def subscribe(self, connection: "Connection", wish: Subscribed) -> None:
        """Sends it the updates it wishes for from now on."""

    def leave(self, connection: "Connection") -> None:
        """Sends it no more updates."""


class Connection:
    """A connection that was accepted; `abort` breaks its socket at once, without a goodbye."""

    def __init__(self, socket: WebSocket, abort: Aborts, games: Collection[int]) -> None:
        self._socket = socket
        self._abort = abort
        self._session = HubSession(games, trio.current_time())
        self._large_since = -math.inf
        self._outbox, self._queue = trio.open_memory_channel[str | None](OUTBOX_RECORDS)

    @property
    def swallowing(self) -> bool:
        """Whether a large record is on its way: a client that hangs up on it would lose what is behind it."""
        return trio.current_time() - self._large_since < PATIENCE_SECONDS

    def post(self, record: str) -> None:
        """Sends a record, in its turn; breaks the connection if the client doesn't keep up."""
        self._put(record)

    def finish(self, record: str | None) -> None:
        """Sends a last record and closes in order; without one the socket just breaks."""
        if record is None:
            self._abort()
        else:
            self._put(record)
            self._put(None)

    async def run(self, audience: Audience) -> None:
        """Serves the client until either side ends it."""
        try:
            async with trio.open_nursery() as nursery:
                for task in (self._write, self._keep_alive):
                    nursery.start_soon(task)
                await self._read(audience)
                nursery.cancel_scope.cancel()
        finally:
            audience.leave(self)

    def _put(self, item: str | None) -> None:
        try:
            self._outbox.send_nowait(item)
        except trio.WouldBlock:
            self._abort()

    async def _read(self, audience: Audience) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            for event in self._session.receive(_text(message), trio.current_time()):
                match event:
                    case Send(text):
                        self.post(text)
                    case Subscribed():
                        audience.subscribe(self, event)
                    case Closing():
                        self._put(None)

    async def _write(self) -> None:
        async for item in self._queue:
            if item is None:
                await self._socket.send({"type": "websocket.close", "code": 1000})
                return
            if len(item) >= LARGE_RECORD_CHARACTERS:
                self._large_since = trio.current_time()
            await self._socket.send({"type": "websocket.send", "text": item})
            self._large_since = -math.inf
            self._session.sent(trio.current_time())

    async def _keep_alive(self) -> None:
        while True:
            await trio.sleep_until(self._session.next_deadline)
            for event in self._session.tick(trio.current_time()):
                self._put(event.text if isinstance(event, Send) else None)


def _text(message: Message) -> str:
    text: str | None = message.get("text")
    # ASP.NET Core takes the bytes of a binary frame for what a text frame would have said.
    return text if text is not None else bytes(message["bytes"]).decode("utf-8", "replace")
