"""The status page: what broke, since when and whose it is, rendered once; its script keeps it current."""

from collections.abc import Mapping
from html import escape
from importlib.resources import files

from watchdog.readers.web.phrases import span
from watchdog.readers.web.status import FeedStatus, GameStatus, Status

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
"""The cells of a row and their headings; each cell has a main text and one below it."""

_Cells = Mapping[str, tuple[str, str]]

_DOCUMENT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/page.css">
<script type="module" src="static/page.js"></script>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
<p id="alarm" role="alert" hidden></p>
<header>
<h1 id="verdict" data-state="{worst}">{verdict}</h1>
<ul id="tokens">{tokens}</ul>
<ul id="notes">{notes}</ul>
</header>
<main>
<table>
<thead><tr>{headings}</tr></thead>
<tbody id="games">{rows}</tbody>
</table>
</main>
<footer>betcore-watchdog {version} · as of <span id="as-of">{as_of}</span> UTC ·
<a href="metrics">metrics</a> · <a href="api/v1/status">status as JSON</a></footer>
<template id="row">{template}</template>
</body>
</html>
"""


def asset(name: str) -> bytes:
    """One of the page's static files."""
    return files("watchdog.readers.web").joinpath("static", name).read_bytes()


def page(status: Status) -> str:
    """The whole page as HTML."""
    games = [(feed, game) for feed in status.feeds for game in feed.games]
    games.sort(key=lambda entry: (entry[1].severity, _steady(entry[1])))
    worst = games[0][1].state if games else "fresh"
    return _DOCUMENT.format(
        title=escape(status.verdict),
        worst=worst,
        verdict=escape(status.verdict),
        tokens="".join(_token(feed) for feed in status.feeds),
        notes="".join(f"<li>{escape(note)}</li>" for note in status.notes),
        headings="".join(f'<th scope="col">{heading}</th>' for heading in COLUMNS.values()),
        rows="".join(_row(game.state, _cells(feed.name, game, status.taken_at)) for feed, game in games),
        version=escape(status.version),
        as_of=clock(status.taken_at, status.taken_at),
        template=_row("", {}),
    )


def clock(moment: str | None, now: str | None) -> str:
    """The time of day of an ISO moment; with month and day if it isn't today's."""
    if moment is None:
        return "-"
    day, _, time = moment.partition("T")
    today = now is not None and now.startswith(day)
    return time[:8] if today else f"{day[5:]} {time[:8]}"


def _steady(game: GameStatus) -> float:
    """What is in the same trouble longest comes first; what is fresh keeps its place."""
    return 0.0 if game.state == "fresh" else -game.for_seconds


def _token(feed: FeedStatus) -> str:
    if feed.token is None:
        return ""
    ok = str(feed.token.valid).lower()
    return f'<li data-ok="{ok}">{escape(feed.name)}: token {escape(feed.token.words)}</li>'


def _cells(feed: str, game: GameStatus, now: str | None) -> _Cells:
    timer = game.betting_timer_seconds
    age = game.last_message_age_seconds
    return {
        "state": (game.state, ""),
        "game": (game.game, f"{feed} · type {game.game_type}"),
        "since": (clock(game.since, now), f"for {span(game.for_seconds)}"),
        "whose": ("" if game.state == "fresh" else game.whose, game.why),
        "anomaly": _last_anomaly(game, now),
        "update": ("none yet" if age is None else f"{span(age)} ago", ""),
        "timer": ("-" if timer is None else f"{timer:.1f} s", "stale" if game.betting_timer_stale else ""),
        "round": (game.round.state or "-", _text(game.round.id)),
        "sequence": (_text(game.sequence_id) or "-", f"{game.missed} missed" if game.missed else ""),
        "freshness": (_percent(game.freshness), ""),
        "attempts": (str(game.connection_attempts), ""),
    }


def _last_anomaly(game: GameStatus, now: str | None) -> tuple[str, str]:
    if not game.last_anomalies:
        return "", ""
    last = game.last_anomalies[0]
    at = last["at"]
    return f"{clock(at if isinstance(at, str) else None, now)} {last['words']}", str(last["particulars"])


def _percent(share: float | None) -> str:
    """Rounded down, so that only what is whole says 100."""
    return "-" if share is None else f"{int(share * 10_000) / 100:.2f} %"


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _row(state: str, cells: _Cells) -> str:
    return f'<tr data-state="{state}">{"".join(_cell(name, cells) for name in COLUMNS)}</tr>'


def _cell(name: str, cells: _Cells) -> str:
    tag, scope = ("th", ' scope="row"') if name == "game" else ("td", "")
    main, below = cells.get(name, ("", ""))
    heading = f'class="{name}" data-heading="{COLUMNS[name]}"'
    return f"<{tag}{scope} {heading}><b>{escape(main)}</b><small>{escape(below)}</small></{tag}>"
