"""Subscribes with signalrcore and prints each update as one line of JSON.

Usage: signalrcore_client.py URL TOKEN GAME_TYPE UPDATES direct|negotiate|by-default

By default it takes the version of the negotiation, 0, for that of the protocol. Hubs before .NET 8 refuse it.
"""

import json
import logging
import os
import queue
import sys
from typing import Any

from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.protocol.json_hub_protocol import JsonHubProtocol

PATIENCE_SECONDS = 30.0


def main() -> None:
    """Print as many updates as wanted."""
    url, token, game_type, updates, way = sys.argv[1:]
    options = {"skip_negotiation": way != "negotiate", "access_token_factory": lambda: token}
    received: queue.Queue[Any] = queue.Queue()
    builder = HubConnectionBuilder().with_url(
        url if way == "negotiate" else url.replace("http", "ws", 1), options
    )
    if way != "by-default":
        builder.with_hub_protocol(JsonHubProtocol(version=1))
    connection = builder.configure_logging(logging.ERROR).build()
    wish = json.dumps({"GameType": int(game_type), "PartnerClientId": 1, "Count": 1})
    connection.on("WholeGamesInfoSubscribe", lambda arguments: received.put(arguments[0]))
    connection.on_open(lambda: connection.send("Subscribe", ["SubOnWholeGamesInfo", wish]))
    connection.on_error(lambda error: received.put(None))
    connection.on_close(lambda: received.put(None))
    connection.start()
    for _ in range(int(updates)):
        update = received.get(timeout=PATIENCE_SECONDS)
        if update is None:
            sys.exit("the connection was refused or closed")
        sys.stdout.write(json.dumps(update) + "\n")
    sys.stdout.flush()
    os._exit(0)  # its threads would keep the process alive


main()
