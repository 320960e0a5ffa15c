"""A scripted hub on memory streams: real WebSocket, real SignalR records, no network and no real time."""

import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio_websocket
from msgspec import Struct

from watchdog.config import load as config
from watchdog.config.schema import Config
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.snapshot import GameSnapshot
from watchdog.hub.supervisor import FeedSupervisor
from watchdog.hub.transport import ConnectionLostError, Endpoint
from watchdog.runtime.clock import Clock

BASE = datetime(2025, 6, 19, 15, 57, tzinfo=UTC).timestamp()
"""What the wall clock shows when Trio's clock shows 0, in UNIX seconds."""

TOKEN, TOKEN_VARIABLE = "a-token-of-the-tests", "BETCORE_TEST_TOKEN"
SEPARATOR = "\x1e"
LOOK = 0.001
"""How long the watchdog looks once more, after a deadline, for what had arrived before it."""


def wall() -> float:
    return BASE + trio.current_time()


def moment(seconds: float) -> str:
    """The instant at which Trio's clock shows so many seconds, as .NET writes it."""
    return datetime.fromtimestamp(BASE + seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def record(document: dict[str, Any]) -> str:
    return json.dumps(document) + SEPARATOR


HANDSHAKE = "{}" + SEPARATOR
PING = record({"type": 6})


def game(game_type: int = 3, **changes: Any) -> dict[str, Any]:
    """An active game whose betting is closed, and which has time until the end of the test."""
    return {
        "i": 100,
        "t": game_type,
        "ge": "PB650351",
        "lrId": 99,
        "s": 2,
        "ps": 2,
        "cr": 1,
        "sdt": moment(-10.0),
        "fdt": moment(10_000.0),
    } | changes


def update(sequence_id: int, game_type: int = 3, **changes: Any) -> str:
    """One update as the hub sends it, with a game as above unless `wgi` says otherwise."""
    argument = {
        "wgi": [game(game_type)],
        "tst": moment(trio.current_time()),
        "bt": 0,
        "im": False,
        "sId": sequence_id,
    } | changes
    return record({"type": 1, "target": "WholeGamesInfoSubscribe", "arguments": [argument]})


class Peer:
    """The hub's end of one connection."""

    def __init__(self, hub: "Hub", websocket: trio_websocket.WebSocketConnection, stream: trio.abc.Stream):
        self.hub = hub
        self.websocket = websocket
        self.stream = stream
        self.records: list[dict[str, Any]] = []
        """What the client has sent."""
        self.ended = trio.Event()
        self.reading = trio.CancelScope()
        self._subscribed = trio.Event()

    async def subscribed(self) -> int:
        """Wait for the subscription; answer the game type."""
        await self._subscribed.wait()
        return self.subscriptions[0]

    @property
    def subscriptions(self) -> list[int]:
        """The game types subscribed to."""
        arguments = (each["arguments"] for each in self.records if each.get("target") == "Subscribe")
        return [json.loads(document)["GameType"] for _, document in arguments]

    async def send(self, text: str | bytes) -> None:
        await self.websocket.send_message(text)

    async def update(self, game_type: int = 3, sequence_id: int | None = None, **changes: Any) -> None:
        """One update with the game's next `sId` unless told another."""
        ids = self.hub.sequence_ids
        ids[game_type] = ids[game_type] + 1 if sequence_id is None else sequence_id
        await self.send(update(ids[game_type], game_type, **changes))

    async def updates(self, until: float, **changes: Any) -> None:
        """An update every 500 ms from now on, the last one not after `until`."""
        begin, number = trio.current_time(), 1
        while begin + number * 0.5 <= until:
            await trio.sleep_until(begin + number * 0.5)
            await self.update(**changes)
            number += 1

    async def drop(self) -> None:
        """End the connection without a word."""
        await self.stream.aclose()

    async def read(self) -> None:
        with self.reading, suppress(trio_websocket.ConnectionClosed):
            while True:
                message = await self.websocket.get_message()
                self.records += [json.loads(each) for each in message.split(SEPARATOR)[:-1]]
                if not self._subscribed.is_set() and self.subscriptions:
                    self._subscribed.set()
        self.ended.set()


Script: TypeAlias = Callable[[Peer], Awaitable[None]] | int | ConnectionLostError
"""A conversation, the HTTP status of a refused upgrade, or why there is no connection at all."""


async def healthy(peer: Peer) -> None:
    """Updates every 500 ms, as promised."""
    await peer.send(HANDSHAKE)
    game_type = await peer.subscribed()
    await peer.updates(math.inf, game_type=game_type)


class Hub:
    """Follows one script for each connection, in their order; the last one serves all further ones."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts) or [healthy]
        self.nursery: trio.Nursery | None = None
        self.sequence_ids: Counter[int] = Counter()
        """The last `sId` of each game type."""
        self.dialled_at: list[float] = []
        self.tokens: list[str] = []
        self.peers: list[Peer] = []

    async def dial(self, endpoint: Endpoint) -> trio.abc.Stream:
        self.dialled_at.append(trio.current_time())
        self.tokens += parse_qs(urlsplit(endpoint.resource).query)["access_token"]
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if isinstance(script, ConnectionLostError):
            raise ConnectionLostError(script.reason, script.detail)
        client, server = trio.testing.memory_stream_pair()
        assert self.nursery is not None
        self.nursery.start_soon(self._serve, server, script)
        return client

    async def _serve(self, stream: trio.abc.Stream, script: Callable[[Peer], Awaitable[None]] | int) -> None:
        with suppress(trio_websocket.ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            async with trio.open_nursery() as nursery:
                request = await trio_websocket.wrap_server_stream(nursery, stream)
                if isinstance(script, int):
                    await request.reject(script)
                    return
                peer = Peer(self, await request.accept(), stream)
                self.peers.append(peer)
                nursery.start_soon(peer.read)
                with suppress(trio_websocket.ConnectionClosed, trio.ClosedResourceError):
                    await script(peer)
                await peer.ended.wait()


class Watching:
    """A feed that is being watched, and what was found."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.feed: FeedSupervisor
        self.found: list[Found] = []

    def report(self, monitor: Monitor, findings: Sequence[Finding]) -> None:
        self.found += [Found(trio.current_time(), monitor.game_type, finding) for finding in findings]

    def report_feed(self, feed: str, findings: Sequence[Finding]) -> None:
        self.found += [Found(trio.current_time(), None, finding) for finding in findings]

    def game(self, game_type: int = 3) -> GameSnapshot:
        """The game as it is now."""
        monitor = next(each for each in self.feed.monitors if each.game_type == game_type)
        return monitor.snapshot(trio.current_time(), wall())

    def events(self, game_type: int | None = 3) -> list[str]:
        return [each.finding.event for each in self.found if each.game_type == game_type]

    def states(self, game_type: int = 3) -> list[tuple[float, str]]:
        """The states entered, with the instant at which that was said."""
        return [
            (round(each.at, 6), str(each.finding.detail["new"]))
            for each in self.found
            if each.game_type == game_type and each.finding.event == "feed.state_changed"
        ]

    def losses(self, game_type: int = 3) -> list[tuple[str, str]]:
        """The ends of connections and of attempts: event and reason."""
        return [
            (each.finding.event, str(each.finding.detail["reason"]))
            for each in self.found
            if each.game_type == game_type
            and each.finding.event.startswith("connection.")
            and "reason" in each.finding.detail
        ]


class Found(Struct, frozen=True):
    """A finding, when it was told, and the game it is about; None for the feed."""

    at: float
    game_type: int | None
    finding: Finding


def spent(game: GameSnapshot) -> dict[str, float]:
    """The seconds of the states that have any."""
    return {state: round(seconds, 6) for state, seconds in game.state_seconds.items() if seconds}


def counted(counts: dict[Any, int]) -> dict[Any, int]:
    return {key: count for key, count in counts.items() if count}


def settings(
    games: Sequence[int | dict[str, Any]] = (3,), *, checks: Any = None, reconnect: Any = None, **feed: Any
) -> Config:
    """A configuration of one feed whose token stands in the environment; a game is its type or its table."""
    return config.parse(
        {
            "checks": checks or {},
            "reconnect": reconnect or {},
            "feeds": [
                {
                    "name": "betcore",
                    "url": "ws://hub.example/hubs",
                    "partner_client_id": 7,
                    "token": {"env": TOKEN_VARIABLE},
                    "games": [each if isinstance(each, dict) else {"type": each} for each in games],
                }
                | feed
            ],
        },
        Path("watchdog.toml"),
    )


@asynccontextmanager
async def watching(
    hub: Hub,
    given: Config | None = None,
    *,
    random: Callable[[], float] = lambda: 0.0,
    client: Any = None,
) -> AsyncIterator[Watching]:
    """Watch the first feed of the configuration; with a `random` of 0 each wait is `initial_seconds`.

    HTTP requests go to `client`, if one is given.
    """
    given = given or settings()
    watch = Watching(hub)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN_VARIABLE, TOKEN)
        async with trio.open_nursery() as nursery:
            hub.nursery = nursery
            watch.feed = FeedSupervisor(
                given.feeds[0],
                given.reconnect,
                clock=Clock(wall),
                report=watch.report,
                report_feed=watch.report_feed,
                random=random,
                dial=hub.dial,
                client=client,
            )
            watch.feed.prepare()
            nursery.start_soon(watch.feed.run)
            yield watch
            nursery.cancel_scope.cancel()
