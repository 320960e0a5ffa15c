"""What games inherit: `[feeds.games.checks]` from `[feeds.checks]`, that from `[checks]`, and `slo` too."""

from collections.abc import Iterator

from watchdog.config.validation import Mistake, Table, join
from watchdog.core.checks.settings import CheckSettings

_SILENCE_KEYS = ("silence_reconnect_seconds", "interval_seconds", "tolerance_seconds")


def completed(document: Table) -> Table:
    """The document with each game's own name, checks and objective spelled out."""
    feeds = []
    for feed in document["feeds"]:
        of_feed = _inherited(document, feed)
        games = [{"name": str(game["type"]), **game, **_inherited(of_feed, game)} for game in feed["games"]]
        feeds.append({**feed, **of_feed, "games": games})
    return {**document, "feeds": feeds}


def _inherited(outer: Table, inner: Table) -> Table:
    return {table: {**outer.get(table, {}), **inner.get(table, {})} for table in ("checks", "slo")}


def silence_mistakes(document: Table) -> Iterator[Mistake]:
    """The mistakes of tables that set one of the three keys, judged together with what they inherit."""
    of_file = document.get("checks", {})
    yield from _silence_mistake("checks", of_file, {})
    for index, feed in enumerate(document.get("feeds", ())):
        of_feed = feed.get("checks", {})
        yield from _silence_mistake(f"feeds[{index}].checks", of_feed, of_file)
        for number, game in enumerate(feed.get("games", ())):
            place = f"feeds[{index}].games[{number}].checks"
            yield from _silence_mistake(place, game.get("checks", {}), {**of_file, **of_feed})


def _silence_mistake(place: str, own: Table, inherited: Table) -> Iterator[Mistake]:
    key = next((key for key in _SILENCE_KEYS if key in own), None)
    settings = CheckSettings(**{**inherited, **own})
    silence, late = settings.silence_reconnect_seconds, settings.late_after_seconds
    if key is not None and silence <= late:
        promise = f"interval_seconds + tolerance_seconds ({late:g})"
        yield (
            join(place, key),
            f"expected silence_reconnect_seconds ({silence:g}) to be greater than {promise}",
        )
