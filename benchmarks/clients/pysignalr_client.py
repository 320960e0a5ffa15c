"""Subscribe N times with pysignalr, decode and count; answer each line on stdin with the count.

Usage: pysignalr_client.py URL CONNECTIONS
"""

# ruff: noqa: INP001 (a script with its own environment)

import asyncio
import json
import ssl
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from pysignalr.client import SignalRClient

AT_ONCE = 50


class Counts:
    """What all connections together have seen."""

    def __init__(self) -> None:
        self.open = 0
        self.received = 0

    async def update(self, arguments: list[Any]) -> None:
        """An update came."""
        self.received += arguments[0]["sId"] >= 0

    def tell(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer each line of stdin, and end with it."""
        if sys.stdin.readline():
            sys.stdout.write(json.dumps({"open": self.open, "received": self.received}) + "\n")
            sys.stdout.flush()
        else:
            loop.stop()


def subscribing(
    client: SignalRClient, game_type: int, counts: Counts, turn: asyncio.Semaphore
) -> Callable[[], Awaitable[None]]:
    """What to do once a connection is open; its reader must not wait for that."""
    wish = json.dumps({"GameType": game_type, "PartnerClientId": 1, "Count": 1})
    arguments: list[Any] = ["SubOnWholeGamesInfo", wish]

    async def subscribe() -> None:
        await client.send("Subscribe", arguments)
        counts.open += 1
        turn.release()

    return subscribe


async def start(url: str, connections: int, counts: Counts) -> list[asyncio.Task[None]]:
    """Open one connection after another, a limited number at once."""
    turn, tasks = asyncio.Semaphore(AT_ONCE), []
    # One for all: without it, each connection makes its own.
    context = ssl.create_default_context() if url.startswith("https:") else None
    for game_type in range(1, connections + 1):
        await turn.acquire()
        client = SignalRClient(url, access_token_factory=lambda: "none", ssl=context)
        client.on("WholeGamesInfoSubscribe", counts.update)
        client.on_open(subscribing(client, game_type, counts, turn))
        tasks.append(asyncio.create_task(client.run()))
    return tasks


def main() -> None:
    """Run until stdin ends."""
    url, connections = sys.argv[1], int(sys.argv[2])
    counts, loop = Counts(), asyncio.new_event_loop()
    loop.add_reader(sys.stdin.fileno(), counts.tell, loop)
    starting = loop.create_task(start(url, connections, counts))
    loop.run_forever()
    starting.cancel()
    sys.stdout.flush()
    sys.stderr.close()  # without a word about the tasks that are left


main()
