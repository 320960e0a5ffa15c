"""Subscribes with pysignalr and prints each update as one line of JSON.

Usage: pysignalr_client.py URL TOKEN GAME_TYPE UPDATES direct|negotiate
"""

import asyncio
import json
import os
import sys
from typing import Any

from pysignalr.client import SignalRClient
from pysignalr.transport.websocket import WebsocketTransport


async def watch(url: str, token: str, game_type: int, updates: int, way: str) -> None:
    """Print as many updates as wanted."""
    wish = json.dumps({"GameType": game_type, "PartnerClientId": 1, "Count": 1})
    arguments: list[Any] = ["SubOnWholeGamesInfo", wish]
    received: asyncio.Queue[Any] = asyncio.Queue()
    # Its own factory of tokens comes too late for the negotiation.
    headers = {"Authorization": f"Bearer {token}"}
    client = SignalRClient(url, headers=headers)
    if way == "direct":
        # Only its transport has the option.
        client._transport = WebsocketTransport(
            url.replace("http", "ws", 1),
            client._protocol,
            client._on_message,
            headers=headers,
            skip_negotiation=True,
        )

    async def on_update(arguments: list[Any]) -> None:
        received.put_nowait(arguments[0])

    async def subscribe() -> None:
        await client.send("Subscribe", arguments)

    client.on("WholeGamesInfoSubscribe", on_update)
    client.on_open(subscribe)
    running = asyncio.create_task(client.run())
    for _ in range(updates):
        getting = asyncio.create_task(received.get())
        await asyncio.wait({getting, running}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        sys.stdout.write(json.dumps(await getting) + "\n")
    sys.stdout.flush()
    os._exit(0)  # it reconnects without an end, and complains when it is cancelled


def main() -> None:
    """Watch as the command line says."""
    url, token, game_type, updates, way = sys.argv[1:]
    asyncio.run(watch(url, token, int(game_type), int(updates), way))


main()
