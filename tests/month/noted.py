"""The history of one game of the month: what the archive's journal makes of its findings."""

from collections.abc import Iterable

from tests.support.builders import GAME_TYPE, wall
from watchdog.archive.journal import Journal
from watchdog.archive.schema import Row
from watchdog.core.findings import Finding
from watchdog.core.history import SECOND, HourlyRollup
from watchdog.core.incidents import IncidentEvent, IncidentTracker
from watchdog.core.monitor import Monitor

RUN = "month"
BEGAN = round(wall(0.0) * SECOND)
"""UTC microseconds of the month's first instant."""

HOUR_SECONDS = 3_600.0


def utc(seconds: float) -> int:
    """The UTC microseconds of a time of the programme."""
    return BEGAN + round(seconds * SECOND)


def hour_of(seconds: float) -> int:
    """The hour of UNIX time in which a time of the programme lies."""
    return int(wall(seconds) // HOUR_SECONDS)


class Noted:
    """Keeps a journal of one monitor and the rows that come of it."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._rows: list[Row] = []
        self._told: list[IncidentEvent] = []
        self._journal = Journal(RUN, 0.0, wall(0.0), put=self._rows.append, on_incident=self._told.append)
        self._journal.watch(monitor.snapshot(0.0, wall(0.0)), 0.0, IncidentTracker(monitor.feed, GAME_TYPE))
        self._last = 0.0
        self._hour_ends = _next_hour(0.0)

    def take(self, findings: Iterable[Finding]) -> None:
        """Write down what was found."""
        for finding in findings:
            self._journal.report(self._monitor.feed, GAME_TYPE, finding)

    def until(self, at: float) -> None:
        """Time goes on; what is counted at the end of an hour is what came in it."""
        while self._hour_ends <= at:
            game = self._monitor.snapshot(self._last, wall(self._last))
            self._journal.count(game, self._hour_ends)
            self._hour_ends = _next_hour(self._hour_ends)
        self._last = at

    def end(self, at: float) -> list[Row]:
        """End the watch; returns the rows, of those that replace one another only the last."""
        self._journal.unwatch(self._monitor.snapshot(at, wall(at)), at)
        last = {_key(number, row): row for number, row in enumerate(self._rows)}
        return list(last.values())


def _key(number: int, row: Row) -> object:
    return (row.began,) if isinstance(row, HourlyRollup) else number


def _next_hour(at: float) -> float:
    """The first full hour of the day after an instant."""
    return at + HOUR_SECONDS - wall(at) % HOUR_SECONDS
