"""A simulator on a free port, and a plain WebSocket client for it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from watchdog.simulator.app import serve
from watchdog.simulator.settings import Address, SimulatorSettings
from watchdog.simulator.tokens import issue_token

GENEROUS_SECONDS = 60.0

Simulated = Callable[..., AbstractAsyncContextManager[Address]]


@pytest.fixture
def simulated() -> Simulated:
    """Runs a simulator with the given settings while the block lasts."""

    @asynccontextmanager
    async def run(**settings: Any) -> AsyncIterator[Address]:
        with trio.fail_after(GENEROUS_SECONDS):
            async with trio.open_nursery() as nursery:
                yield await nursery.start(serve, SimulatorSettings(**settings))
                nursery.cancel_scope.cancel()

    return run


class Client:
    """Speaks the hub protocol without any help, so that it sees what is really sent."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self.socket = socket
        self._records: list[str] = []

    async def send(self, *records: object) -> None:
        await self.socket.send_message("".join(json.dumps(record) + "\x1e" for record in records))

    async def record(self) -> dict[str, Any]:
        while not self._records:
            self._records = str(await self.socket.get_message()).split("\x1e")[:-1]
        return json.loads(self._records.pop(0))

    async def update(self) -> dict[str, Any]:
        while True:
            message = await self.record()
            if message.get("type") == 1:
                return message["arguments"][0]


def subscription(game: int, partner: int = 1) -> dict[str, Any]:
    document = json.dumps({"GameType": game, "PartnerClientId": partner, "Count": 1})
    return {"arguments": ["SubOnWholeGamesInfo", document], "target": "Subscribe", "type": 1}


@asynccontextmanager
async def connected(address: Address, *, game: int = 3, partner: int = 1) -> AsyncIterator[Client]:
    """A client that has shaken hands and subscribed, all in its first frame."""
    url = f"{address.ws_url}?access_token={issue_token()}"
    # With the library's queue of one message, closing hangs behind what was not read.
    async with open_websocket_url(url, message_queue_size=1024) as socket:
        client = Client(socket)
        await client.send({"protocol": "json", "version": 1}, subscription(game, partner))
        try:
            assert await client.record() == {}
            yield client
        finally:
            # trio-websocket leaves the stream open when the peer hung up without a goodbye.
            await socket._stream.aclose()
