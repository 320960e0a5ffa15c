"""The statement as a document: `betcore-statement/1`, as JSON has it and as every other format shows it.

Seconds are numbers with up to six decimals, made of whole microseconds. Times are UTC, and a span's `end` is
excluded from it. None is null: not known, not promised, or not over.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from watchdog.core.ledger import Party, State
from watchdog.core.statement.accounting import Accounting

SCHEMA: Literal["betcore-statement/1"] = "betcore-statement/1"

Whose = Literal["provider", "path_or_provider", "path", "partner", "ours", "agreed"]
WHOSE: tuple[Whose, ...] = get_args(Whose)
Moment = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[float, Meta(ge=0.0, le=1e12)]
Count = Annotated[int, Meta(ge=0)]
Ratio = Annotated[float, Meta(ge=0.0, le=1.0)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the document."""


class Period(Record, frozen=True):
    """From when until when; by the clock of which time zone local times are meant and shown."""

    start: Moment
    end: Moment
    timezone: str


class RunLine(Record, frozen=True):
    """One run of a watchdog; `end` is its last sign of life where it came to no orderly end."""

    id: str
    version: str
    host: str
    config_hash: str
    start: Moment
    end: Moment
    orderly: bool


class WatchdogLine(Record, frozen=True):
    """A watchdog that saw something of the period: whatever wrote into one history."""

    instance: str
    runs: tuple[RunLine, ...]


class Quantiles(Record, frozen=True):
    """Estimated within the bucket of a histogram; None without a measurement."""

    p50_seconds: Seconds | None
    p99_seconds: Seconds | None


class Updates(Record, frozen=True):
    """Updates counted in the hours that begin within the period, and how far apart and how late they came.

    Of several watchdogs the one that received most on time counts, hour by hour.
    """

    received: Count
    late: Count
    missed: Count
    interval: Quantiles
    latency: Quantiles


class TroubleSpan(Record, frozen=True):
    """A span of the period in which a game was not fresh."""

    state: State
    start: Moment
    end: Moment


class GameLine(Record, frozen=True):
    """One game: what was promised, what was lost, and whether the objective was met.

    `promised_seconds` is the time in which the promise holds, and `by_state` divides it up.
    `accountable_seconds` is what is left of it without what the accounting excludes. `by_party` has the time
    in trouble or maintenance, and as `path` the time in which one watchdog was cut off while another one
    received the game: that is not lost. `freshness` is by the basis of the accounting, as a share and in per
    cent, both to 4 decimals. Whether it met the objective is decided before it is rounded. `budget_used` is
    the lost part of what may be lost.
    """

    feed: str
    game_type: int
    game: str
    interval_seconds: Annotated[float, Meta(ge=0.001, le=86_400.0)]
    late_after_seconds: Seconds
    objective: Ratio
    promised_seconds: Seconds
    accountable_seconds: Seconds
    lost_seconds: Seconds
    by_state: dict[State, Seconds]
    maintenance_not_agreed_seconds: Seconds
    by_party: dict[Whose, Seconds]
    path_seconds: dict[str, Seconds]
    updates: Updates
    freshness: Ratio | None
    freshness_percent: Annotated[float, Meta(ge=0.0, le=100.0)] | None
    met: bool | None
    budget_seconds: Seconds
    budget_used: Seconds | None
    credit_percent: Seconds | None
    timeline: tuple[TroubleSpan, ...]


class AnomalyLine(Record, frozen=True):
    """The anomalies of one sort in an incident; `detail` has the particulars of the first."""

    event: str
    count: Count
    first: Moment
    last: Moment
    detail: dict[str, Any]


class Evidence(Record, frozen=True):
    """The recording of an incident."""

    file: str
    sha256: Sha256


class IncidentLine(Record, frozen=True):
    """One incident; `start` and `end` may lie outside the period, all seconds lie inside.

    `seconds` are those of each state, promised or not. `lost_seconds` are what counts of them: none of an
    incident that is `ignored` because all of it is shorter than the accounting says.
    """

    id: str
    feed: str
    game_type: int
    game: str
    start: Moment
    end: Moment | None
    seconds: dict[State, Seconds]
    lost_seconds: Seconds
    ignored: bool
    whose: Party
    cause: str
    anomalies: tuple[AnomalyLine, ...]
    evidence: Evidence | None


class Unobserved(Record, frozen=True):
    """A span of a second or longer in which no watchdog saw the games, each written `feed/game_type`."""

    start: Moment
    end: Moment
    seconds: Seconds
    games: tuple[str, ...]


class Total(Record, frozen=True):
    """All games together; freshness is by the basis of the accounting."""

    games: Count
    met: Count
    missed: Count
    promised_seconds: Seconds
    accountable_seconds: Seconds
    lost_seconds: Seconds
    freshness: Ratio | None
    freshness_percent: Annotated[float, Meta(ge=0.0, le=100.0)] | None


class Statement(Record, frozen=True):
    """The SLA statement of a period.

    `known_until` is the last instant that the histories knew of when it was made.
    """

    schema: Literal["betcore-statement/1"]
    made_at: Moment
    made_by: str
    period: Period
    known_until: Moment
    accounting: Accounting
    method: tuple[str, ...]
    total: Total
    games: tuple[GameLine, ...]
    incidents: tuple[IncidentLine, ...]
    not_observed: tuple[Unobserved, ...]
    watchdogs: tuple[WatchdogLine, ...]
