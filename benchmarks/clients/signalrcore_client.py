"""Subscribe N times with signalrcore, decode and count; answer each line on stdin with the count.

Usage: signalrcore_client.py URL CONNECTIONS
"""

# ruff: noqa: INP001 (a script with its own environment)

import json
import os
import sys
import threading
from typing import Any

from signalrcore.hub_connection_builder import HubConnectionBuilder

PATIENCE_SECONDS = 30.0


class Counts:
    """What all connections together have seen; each connection has a thread."""

    def __init__(self) -> None:
        self.open = 0
        self.received = 0
        self._lock = threading.Lock()

    def update(self, arguments: list[Any]) -> None:
        """An update came."""
        with self._lock:
            self.received += arguments[0]["sId"] >= 0


def subscribe(url: str, game_type: int, counts: Counts) -> None:
    """Open one connection and subscribe."""
    opened = threading.Event()
    connection = (
        HubConnectionBuilder().with_url(f"{url}?access_token=none", {"skip_negotiation": True}).build()
    )
    connection.on("WholeGamesInfoSubscribe", counts.update)
    connection.on_open(opened.set)
    connection.start()
    if not opened.wait(PATIENCE_SECONDS):
        raise TimeoutError(f"connection {game_type} was not opened")
    wish = json.dumps({"GameType": game_type, "PartnerClientId": 1, "Count": 1})
    connection.send("Subscribe", ["SubOnWholeGamesInfo", wish])
    counts.open += 1


def main() -> None:
    """Run until stdin ends."""
    url, connections = sys.argv[1], int(sys.argv[2])
    counts = Counts()
    for game_type in range(1, connections + 1):
        subscribe(url, game_type, counts)
    for _ in sys.stdin:
        sys.stdout.write(json.dumps({"open": counts.open, "received": counts.received}) + "\n")
        sys.stdout.flush()
    os._exit(0)  # its threads would keep the process alive


main()
