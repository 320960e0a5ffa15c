"""One look at the feed for cron or a human: watch for a while."""

from collections.abc import Sequence

import trio
from msgspec.structs import replace

from watchdog.app import Watchdog
from watchdog.config.schema import Config
from watchdog.core.snapshot import GameSnapshot


def only_game(settings: Config, game_type: int) -> Config | None:
    """The configuration with the games of one type alone; None if it has none."""
    feeds = []
    for feed in settings.feeds:
        games = tuple(game for game in feed.games if game.type == game_type)
        if games:
            feeds.append(replace(feed, games=games))
    return replace(settings, feeds=tuple(feeds)) if feeds else None


async def watch(settings: Config, duration_seconds: float) -> Sequence[GameSnapshot]:
    """Watch for so many seconds and answer what was seen."""
    watchdog = Watchdog(settings)
    async with trio.open_nursery() as nursery:
        await nursery.start(watchdog.run)
        await trio.sleep(duration_seconds)
        games = watchdog.snapshot().games
        nursery.cancel_scope.cancel()
    return games
