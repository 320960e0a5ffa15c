"""A statement as one HTML file for a lawyer and an engineer: printable, without a script, loading nothing."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from watchdog.core.causes import particulars
from watchdog.core.ledger import STATES, State
from watchdog.core.statement.figures import microseconds
from watchdog.core.statement.records import WHOSE, IncidentLine, Statement, Whose
from watchdog.core.statement.words import duration
from watchdog.readers.report.timeline import WIDTH, bars, ticks
from watchdog.readers.templating import templates

COLOURS: Mapping[State, str] = {
    "silent": "#b3001b",
    "frozen": "#d97706",
    "disconnected": "#7a1fa2",
    "unauthorized": "#8a6d00",
    "maintenance": "#2f6fb7",
    "unobserved": "#9aa0a8",
    "fresh": "#cfe8df",
}

_PARTIES: Mapping[Whose, str] = {
    "provider": "provider",
    "path_or_provider": "path or provider",
    "path": "one watchdog's path",
    "partner": "partner",
    "ours": "watchdog",
    "agreed": "agreed",
}


def as_html(statement: Statement, zone: tzinfo) -> str:
    """The statement with its times by the clock of `zone`, which is its own time zone."""
    lost: list[IncidentLine] = []
    unobserved: list[IncidentLine] = []
    for line in statement.incidents:
        (unobserved if _only_unobserved(line) else lost).append(line)
    return _PAGES.get_template("statement.html").render(
        statement=statement,
        zone=zone,
        verdict=verdict(statement),
        states=STATES,
        parties={party: _PARTIES[party] for party in WHOSE},
        colours=COLOURS,
        incidents=lost,
        unobserved_incidents=len(unobserved),
        bars={(game.feed, game.game_type): bars(game.timeline, statement.period) for game in statement.games},
        ticks=ticks(statement.period, zone),
        width=WIDTH,
    )


def verdict(statement: Statement) -> str:
    """The whole statement in one sentence."""
    total = statement.total
    judged = total.met + total.missed
    if not judged:
        return "Nothing was accountable in this period"
    if not total.missed:
        return "The game met its objective" if judged == 1 else f"All {judged} games met their objective"
    missed = [game.game for game in statement.games if game.met is False]
    if judged == 1:
        return f"{missed[0]} missed its objective"
    return f"{total.missed} of {judged} games missed their objective"


def _only_unobserved(line: IncidentLine) -> bool:
    """Whether nothing is known of it but that nobody watched."""
    return not line.lost_seconds and not line.anomalies and set(line.seconds) <= {"unobserved"}


def _at(moment: datetime | None, zone: tzinfo) -> str:
    """To the millisecond, rounded down, by the clock of the time zone."""
    return "goes on" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def _minute(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    exact = local.second or local.microsecond
    return f"{local.day} {local:%B %Y %H:%M:%S}" if exact else f"{local.day} {local:%B %Y %H:%M}"


def _offset(moment: datetime, zone: tzinfo) -> str:
    """The offset of the time zone from UTC at a moment."""
    return f"{moment.astimezone(zone):%z}"


def _span(seconds: float) -> str:
    return duration(microseconds(seconds)) if seconds else "0 s"


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds to the millisecond, which line up in a table: `716:50:44.071`."""
    minutes, milliseconds = divmod((microseconds(seconds) + 500) // 1000, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}" if seconds else "0"


def _percent(value: float | None) -> str:
    return "not accountable" if value is None else f"{value:.4f} %"


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:,.10g}{unit}".replace(",", " ")


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:,.0f} ms".replace(",", " ")


def _length(line: IncidentLine) -> str:
    if line.end is None:
        return ""
    return _clock((line.end - line.start).total_seconds()) if line.end > line.start else "none"


_PAGES = templates(
    "watchdog.readers.report",
    at=_at,
    minute=_minute,
    offset=_offset,
    clock=_clock,
    span=_span,
    percent=_percent,
    number=_number,
    milliseconds=_milliseconds,
    length=_length,
    particulars=particulars,
)
