"""A scripted hub on pairs of sockets: the raw server's conversation, with no network and in no real time."""

import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
from msgspec import Struct

from tests.support import raw_server, wire
from tests.support.wire import HANDSHAKE, answer, close_frame, instant, invocation, record
from watchdog.config import load as config
from watchdog.config.schema import Config
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.snapshot import GameSnapshot
from watchdog.hub.reader import Reader
from watchdog.hub.supervisor import FeedSupervisor
from watchdog.hub.transport import ConnectionLostError, Endpoint
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls

BASE = datetime(2025, 6, 19, 15, 57, tzinfo=UTC).timestamp()
"""What the wall clock shows when Trio's clock shows 0, in UNIX seconds."""

TOKEN, TOKEN_VARIABLE = "a-token-of-the-tests", "BETCORE_TEST_TOKEN"
PING = record({"type": 6})
LOOK = 0.001
"""How long the watchdog looks once more, after a deadline, for what had arrived before it."""


def wall() -> float:
    return BASE + trio.current_time()


def moment(seconds: float) -> str:
    """The instant at which Trio's clock shows so many seconds, as .NET writes it."""
    return instant(BASE + seconds)


def game(game_type: int = 3, **changes: Any) -> dict[str, Any]:
    """A game to which nothing can be objected until the end of the test."""
    return wire.game(BASE, game_type, **changes)


def update(sequence_id: int, game_type: int = 3, **changes: Any) -> str:
    """One update as the hub sends it, with a game as above unless `wgi` says otherwise."""
    return invocation(wire.update(wall(), sequence_id, game(game_type), **changes))


class Peer(raw_server.Peer):
    """The hub's end of one connection, which keeps what the client says and counts what it publishes."""

    def __init__(self, hub: "Hub", stream: trio.abc.Stream) -> None:
        super().__init__(stream)
        self.hub = hub
        self.ended = trio.Event()
        self.reading = trio.CancelScope()

    async def subscribed(self) -> int:
        """Wait for the subscription; answer the game type."""
        await self.heard(target="Subscribe")
        return self.subscriptions[0]

    @property
    def subscriptions(self) -> list[int]:
        """The game types subscribed to."""
        arguments = (each["arguments"] for each in self.records if each.get("target") == "Subscribe")
        return [json.loads(document)["GameType"] for _, document in arguments]

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

    async def close(self, code: int) -> None:
        """End the connection with a goodbye."""
        await self.send(close_frame(code))
        await self.ended.wait()

    async def read(self) -> None:
        """Listen until the client says goodbye or is gone, and hang up."""
        with self.reading:
            await self.listen()
        self.ended.set()
        if not self.reading.cancelled_caught:
            await self.drop()


Script = Callable[[Peer], Awaitable[None]] | int | ConnectionLostError
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

    async def dial(self, endpoint: Endpoint) -> trio.SocketStream:
        self.dialled_at.append(trio.current_time())
        self.tokens += parse_qs(urlsplit(endpoint.resource).query)["access_token"]
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if isinstance(script, ConnectionLostError):
            wait = script.retry_after_seconds
            raise ConnectionLostError(script.reason, script.detail, retry_after_seconds=wait)
        client, server = trio.socket.socketpair()
        assert self.nursery is not None
        self.nursery.start_soon(self._serve, Peer(self, trio.SocketStream(server)), script)
        return trio.SocketStream(client)

    async def _serve(self, peer: Peer, script: Callable[[Peer], Awaitable[None]] | int) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async with peer.stream:
                if isinstance(script, int):
                    await peer.request()
                    await peer.send(answer(script))
                    await peer.until_gone()
                    return
                await peer.upgrade()
                self.peers.append(peer)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(peer.read)
                    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                        await script(peer)


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
            clock = Clock(wall)
            # Nothing stalls on virtual time, so the reader need not look for it.
            reader = Reader(clock, Stalls(clock), beat_seconds=math.inf)
            nursery.start_soon(reader.run)
            watch.feed = FeedSupervisor(
                given.feeds[0],
                given.reconnect,
                reader=reader,
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
