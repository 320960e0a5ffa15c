"""A whole watch on a scripted hub, and the files that it is configured by."""

from contextlib import asynccontextmanager

import trio

from tests.support.fake_hub import TOKEN_VARIABLE, settings, wall
from watchdog.app import Watchdog
from watchdog.runtime.clock import Clock


@asynccontextmanager
async def running(hub, given=None):
    watchdog = Watchdog(given or settings(), clock=Clock(wall), random=lambda: 0.0, dial=hub.dial)
    async with trio.open_nursery() as nursery:
        hub.nursery = nursery
        await nursery.start(watchdog.run)
        yield watchdog
        nursery.cancel_scope.cancel()


def the(watchdog, game_type=3, feed="betcore"):
    games = watchdog.snapshot().games
    return next(game for game in games if (game.feed, game.game_type) == (feed, game_type))


def document(games="[[feeds.games]]\ntype = 3", url="ws://hub.example/hubs", more=""):
    return f"""
{more}
[[feeds]]
name = "betcore"
url = "{url}"
partner_client_id = 7
token = {{ env = "{TOKEN_VARIABLE}" }}
{games}
"""


def wall_at(seconds):
    return wall() - trio.current_time() + seconds


def named(entries, event):
    return [entry for entry in entries if entry["event"] == event]


def types(*game_types):
    return "".join(f"[[feeds.games]]\ntype = {game_type}\n" for game_type in game_types)
