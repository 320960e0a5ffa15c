"""A game's timeline as a drawing: where bars and ticks stand, for the template to write as SVG."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo

from msgspec import Struct

from watchdog.core.ledger import State
from watchdog.core.statement.records import Period, TroubleSpan

WIDTH = 1000
"""Columns of the drawing; a span shorter than one of them fills it, so that everything shows."""

_SHOWN_FIRST: tuple[State, ...] = (
    *("silent", "frozen", "disconnected", "unauthorized", "maintenance", "unobserved"),
)
"""Of several states in one column the first of these is drawn."""

_MOST_TICKS = 9
_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180))
_DAY_STEPS = (1, 2, 5, 7, 14, 30, 60, 90, 180, 365)


class Bar(Struct, frozen=True):
    """Adjoining columns in one state."""

    x: int
    width: int
    state: State


class Tick(Struct, frozen=True):
    """A time on the axis; `anchor` keeps its text inside the drawing."""

    x: float
    text: str
    anchor: str


def bars(spans: Iterable[TroubleSpan], period: Period) -> list[Bar]:
    """What wasn't fresh, at most one bar a column."""
    columns: list[int | None] = [None] * WIDTH
    length = period.end - period.start
    for span in spans:
        first = (span.start - period.start) * WIDTH // length
        last = -((period.start - span.end) * WIDTH // length)
        rank = _SHOWN_FIRST.index(span.state)
        for column in range(max(first, 0), min(max(last, first + 1), WIDTH)):
            known = columns[column]
            columns[column] = rank if known is None else min(rank, known)
    return list(_joined(columns))


def ticks(period: Period, zone: tzinfo) -> list[Tick]:
    """Round times by the clock of the time zone, as many as fit."""
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    length = period.end - period.start
    step = next((step for step in _STEPS if length / step <= _MOST_TICKS), None)
    moments = _days(start, end) if step is None else _times(start, end, step)
    return [
        _tick(moment, f"{moment.day} {moment:%b}" if step is None else f"{moment:%H:%M}", period)
        for moment in moments
    ]


def _tick(moment: datetime, text: str, period: Period) -> Tick:
    x = round((moment - period.start) / (period.end - period.start) * WIDTH, 1)
    anchor = "start" if x < WIDTH / 20 else "end" if x > WIDTH * 19 / 20 else "middle"
    return Tick(x, text, anchor)


def _times(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + -((midnight - start) // step) * step
    while moment <= end:
        yield moment
        moment += step


def _days(start: datetime, end: datetime) -> Iterator[datetime]:
    step = next((days for days in _DAY_STEPS if (end - start).days / days <= _MOST_TICKS), _DAY_STEPS[-1])
    moment = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if moment < start:
        moment += timedelta(days=1)
    while moment <= end:
        yield moment
        moment += timedelta(days=step)


def _joined(columns: Iterable[int | None]) -> Iterator[Bar]:
    began, state = 0, None
    for column, rank in enumerate([*columns, None]):
        if rank != state:
            if state is not None:
                yield Bar(began, column - began, _SHOWN_FIRST[state])
            began, state = column, rank
