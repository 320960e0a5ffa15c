"""The status page: what broke, since when, and who is responsible."""

from collections.abc import Mapping
from importlib.resources import files

from watchdog.readers.templating import templates
from watchdog.readers.web.phrases import clock, percent, span
from watchdog.readers.web.status import GameStatus, Status

COLUMNS: Mapping[str, str] = {
    "state": "State",
    "game": "Game",
    "since": "Since (UTC)",
    "whose": "Whose, why",
    "anomaly": "Last anomaly",
    "update": "Last update",
    "timer": "Timer",
    "round": "Round",
    "sequence": "Sequence",
    "freshness": "Fresh",
    "attempts": "Attempts",
}
"""The cells of a row and their headings."""

_PAGES = templates("watchdog.readers.web", clock=clock, percent=percent, span=span)


def asset(name: str) -> bytes:
    """One of the static files of the pages."""
    return files("watchdog.readers.web").joinpath("static", name).read_bytes()


def page(status: Status) -> str:
    """The whole page as HTML, the games in the worst trouble first."""
    games = [(feed, game) for feed in status.feeds for game in feed.games]
    games.sort(key=lambda entry: (entry[1].severity, _steady(entry[1])))
    return _PAGES.get_template("page.html").render(status=status, games=games, columns=COLUMNS)


def _steady(game: GameStatus) -> float:
    """What is in the same trouble longest comes first; what is fresh keeps its place."""
    return 0.0 if game.state == "fresh" else -game.for_seconds
