"""One look at the feed for cron or a human: watch for a while and judge each game."""

from collections.abc import Sequence
from pathlib import Path

import trio
from msgspec.structs import replace

from watchdog.app import Watchdog, warn_of_environment
from watchdog.config.load import load
from watchdog.config.schema import Config
from watchdog.config.validation import ConfigError
from watchdog.core.snapshot import GameSnapshot
from watchdog.readers.verdict import as_json, as_text, exit_code, verdict_of
from watchdog.runtime import log


def start(path: Path, *, game_type: int | None, duration_seconds: float, json: bool) -> tuple[str, int]:
    """The verdicts on the games of the file, or on those of one type, and the exit code of the worst.

    Raises:
        ConfigError: the file can't be used, or none of its games has the type.

    """
    settings = load(path)
    log.configure(settings.log.format, "warning")
    warn_of_environment()
    watched = settings if game_type is None else only_game(settings, game_type)
    if watched is None:
        raise ConfigError(f"{path}: feeds[].games[].type: no game has the type {game_type}")
    verdicts = [verdict_of(game) for game in trio.run(watch, watched, duration_seconds)]
    return as_json(verdicts) if json else as_text(verdicts), exit_code(verdicts)


def only_game(settings: Config, game_type: int) -> Config | None:
    """The configuration with the games of one type alone; None if it has none."""
    feeds = []
    for feed in settings.feeds:
        games = tuple(game for game in feed.games if game.type == game_type)
        if games:
            feeds.append(replace(feed, games=games))
    return replace(settings, feeds=tuple(feeds)) if feeds else None


async def watch(settings: Config, duration_seconds: float) -> Sequence[GameSnapshot]:
    """What is known of each game after so many seconds of watching."""
    # One look is no part of the history, whose file a running watchdog writes.
    watchdog = Watchdog(replace(settings, history=None))
    async with trio.open_nursery() as nursery:
        await nursery.start(watchdog.run)
        await trio.sleep(duration_seconds)
        games = watchdog.snapshot().games
        nursery.cancel_scope.cancel()
    return games
