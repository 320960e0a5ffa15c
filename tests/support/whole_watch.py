"""A whole watch on a scripted hub, and the files that it is configured by."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio

from tests.support.fake_hub import TOKEN_VARIABLE, Hub, settings, wall
from watchdog.app import Watchdog
from watchdog.config.schema import Config
from watchdog.core.snapshot import GameSnapshot
from watchdog.runtime.clock import Clock


@asynccontextmanager
async def running(hub: Hub, given: Config | None = None) -> AsyncIterator[Watchdog]:
    watchdog = Watchdog(given or settings(), clock=Clock(wall), random=lambda: 0.0, dial=hub.dial)
    async with trio.open_nursery() as nursery:
        hub.nursery = nursery
        await nursery.start(watchdog.run)
        yield watchdog
        nursery.cancel_scope.cancel()


def the(watchdog: Watchdog, game_type: int = 3, feed: str = "betcore") -> GameSnapshot:
    games = watchdog.snapshot().games
    return next(game for game in games if (game.feed, game.game_type) == (feed, game_type))


def document(
    games: str = "[[feeds.games]]\ntype = 3", url: str = "ws://hub.example/hubs", more: str = ""
) -> str:
    return f"""
{more}
[[feeds]]
name = "betcore"
url = "{url}"
partner_client_id = 7
token = {{ env = "{TOKEN_VARIABLE}" }}
{games}
"""


def wall_at(seconds: float) -> float:
    return wall() - trio.current_time() + seconds


def named(entries: Iterable[Mapping[str, Any]], event: str) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if entry["event"] == event]


def types(*game_types: int) -> str:
    return "".join(f"[[feeds.games]]\ntype = {game_type}\n" for game_type in game_types)
