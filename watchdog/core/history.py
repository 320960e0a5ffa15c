"""What outlives the process: the rows that the archive writes and that statements are made of.

All times are UTC in whole microseconds since 1970. A run takes them from the monotonic clock and the wall
time at its start, so no stay is negative. When the wall clock is stepped, the stay ends, the next one begins
at the new time, and a `ClockStep` says by how much: time jumped over is in no stay, and time that the clock
went through twice is in two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from msgspec import Struct, structs

from watchdog.core.ledger import State

SECOND = 1_000_000
"""Microseconds."""

HOUR = 3_600 * SECOND


class GameKey(NamedTuple):
    """Which game of which feed."""

    feed: str
    game_type: int


class Run(Struct, frozen=True, kw_only=True, gc=False):
    """One life of a watchdog, from its start to its end or its last sign of life.

    `id` is the run's own and `instance` its history's: all runs that were written into one file share it.
    `ended` is None for one that goes on, and for one that was killed.
    """

    id: str
    instance: str
    version: str
    host: str
    config_hash: str
    started: int
    last_alive: int
    ended: int | None = None

    @property
    def until(self) -> int:
        """Until when the run is known to have watched."""
        return self.last_alive if self.ended is None else self.ended


class Promise(Struct, frozen=True, kw_only=True, gc=False):
    """What a run took as promised for a game, from `since` on; a reload that changes it makes another one.

    `interval` and `late_after` are microseconds, `objective` is the share of fresh time, 0 to 1.
    """

    run: str
    feed: str
    game_type: int
    game: str
    since: int
    interval: int
    late_after: int
    objective: float


class Stay(Struct, frozen=True, kw_only=True, gc=False):
    """One stay of a game in a state, `ended` excluded; `ended` is None while it goes on.

    A stay that goes on ends with what is known of its run. `because` has the causes as the log names them:
    `betting_timer.frozen` of a frozen game, the reason of the last disconnect (`dns`) of a disconnected one.
    """

    run: str
    feed: str
    game_type: int
    state: State
    began: int
    ended: int | None = None
    because: tuple[str, ...] = ()


class AnomalyRow(Struct, frozen=True, kw_only=True, gc=False):
    """One anomaly, or an invalid message (`message.invalid`), outside maintenance.

    `event` is the dotted name of the log event, `detail` its particulars as a JSON object.
    """

    run: str
    feed: str
    game_type: int
    at: int
    event: str
    detail: str = "{}"


class Disconnect(Struct, frozen=True, kw_only=True, gc=False):
    """A connection that ended or an attempt that failed; `detail` is in words, without a secret."""

    run: str
    feed: str
    game_type: int
    at: int
    reason: str
    detail: str = ""


class Rotation(Struct, frozen=True, kw_only=True, gc=False):
    """A second connection that took over (`ok`), or was to and failed."""

    run: str
    feed: str
    game_type: int
    at: int
    outcome: str


class Buckets(Struct, frozen=True, gc=False):
    """A histogram: its inclusive, ascending upper bounds in seconds, the count of each and of the rest."""

    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = (0,)


class HourlyRollup(Struct, frozen=True, kw_only=True, gc=False):
    """What a run counted of one game within one UTC hour.

    `began` is the start of the hour, or the instant within it at which the run began to watch the game. The
    row of the present hour is written again and again, until the hour is over. `updates` are those received,
    `late` those later than interval + tolerance, `missed` those lost in gaps.
    """

    run: str
    feed: str
    game_type: int
    began: int
    updates: int
    late: int
    missed: int
    intervals: Buckets
    latencies: Buckets


class ClockStep(Struct, frozen=True, kw_only=True, gc=False):
    """The wall clock was set by `by` microseconds, negative when set back; `at` is the time before it."""

    run: str
    at: int
    by: int


AnyRow = TypeVar("AnyRow", Promise, Stay, AnomalyRow, Disconnect, Rotation, HourlyRollup, ClockStep)


class History(Struct, frozen=True, kw_only=True):
    """What one source holds: the runs of one or more watchdogs, and their rows in any order.

    A game is `unobserved` whenever no run has a stay of it: before the first run, between two, after the
    last sign of life, and while the game was not configured.
    """

    runs: tuple[Run, ...] = ()
    promises: tuple[Promise, ...] = ()
    stays: tuple[Stay, ...] = ()
    anomalies: tuple[AnomalyRow, ...] = ()
    disconnects: tuple[Disconnect, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    rollups: tuple[HourlyRollup, ...] = ()
    clock_steps: tuple[ClockStep, ...] = ()

    @property
    def known_until(self) -> int:
        """The last instant of which anything is known; 0 without a run."""
        return max((run.until for run in self.runs), default=0)

    def known_by(self, at: int, ends: Mapping[str, int]) -> "History":
        """What was known at an instant, and of each run in `ends` up to there.

        The roll-ups of that hour are the exception: they have grown since.
        """
        until = {run.id: min(run.until, ends.get(run.id, at)) for run in self.runs if run.started < at}
        return structs.replace(
            self,
            runs=tuple(_cut_off(run, until[run.id]) for run in self.runs if run.id in until),
            promises=tuple(row for row in self.promises if row.since < until.get(row.run, 0)),
            stays=tuple(
                _cut_off_stay(row, until[row.run]) for row in self.stays if row.began < until.get(row.run, 0)
            ),
            anomalies=tuple(row for row in self.anomalies if row.at <= until.get(row.run, 0)),
            rollups=tuple(row for row in self.rollups if row.run in until),
        )


def _cut_off(run: Run, at: int) -> Run:
    return run if run.until <= at else structs.replace(run, last_alive=at, ended=None)


def _cut_off_stay(stay: Stay, at: int) -> Stay:
    return structs.replace(stay, ended=None) if stay.ended is not None and stay.ended > at else stay


def combined(sources: Sequence[History]) -> History:
    """All sources as one; a run that several of them hold is taken from the one that knows it longest.

    So a copy of a file, or a file beside the address of the watchdog that writes it, counts nothing twice.
    """
    until: dict[str, int] = {}
    holder: dict[str, int] = {}
    for index, source in enumerate(sources):
        for run in source.runs:
            if run.until > until.get(run.id, -1):
                until[run.id], holder[run.id] = run.until, index
    parts = [
        (source, {run for run, held_by in holder.items() if held_by == index})
        for index, source in enumerate(sources)
    ]
    return History(
        runs=tuple(run for source, held in parts for run in source.runs if run.id in held),
        promises=tuple(row for source, held in parts for row in _of(source.promises, held)),
        stays=tuple(row for source, held in parts for row in _of(source.stays, held)),
        anomalies=tuple(row for source, held in parts for row in _of(source.anomalies, held)),
        disconnects=tuple(row for source, held in parts for row in _of(source.disconnects, held)),
        rotations=tuple(row for source, held in parts for row in _of(source.rotations, held)),
        rollups=tuple(row for source, held in parts for row in _of(source.rollups, held)),
        clock_steps=tuple(row for source, held in parts for row in _of(source.clock_steps, held)),
    )


def _of(rows: Iterable[AnyRow], runs: set[str]) -> Iterator[AnyRow]:
    return (row for row in rows if row.run in runs)
