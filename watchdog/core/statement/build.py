"""The statement of a period, from what one or several watchdogs saw of it."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

from watchdog.core.history import AnomalyRow, GameKey, History, HourlyRollup, Promise, Run, Stay
from watchdog.core.incidents import utc
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.evaluation import total
from watchdog.core.statement.game import Scope, Seen, account
from watchdog.core.statement.records import (
    SCHEMA,
    Evidence,
    GameLine,
    IncidentLine,
    Period,
    RunLine,
    Statement,
    Unobserved,
    WatchdogLine,
)
from watchdog.core.statement.words import method
from watchdog.core.timeline import timeline

AnyRow = TypeVar("AnyRow", Stay, AnomalyRow, HourlyRollup)

_SHORTEST_UNOBSERVED = timedelta(seconds=1)


def statement(
    history: History,
    *,
    began: int,
    ended: int,
    zone: tzinfo,
    timezone: str,
    accounting: Accounting,
    made_at: int,
    made_by: str,
    games: Collection[GameKey] | None = None,
    evidence: Mapping[str, Evidence] | None = None,
) -> Statement:
    """The statement of the period from `began` until `ended`, which is excluded.

    Args:
        history: What all watchdogs saw, `combined`. Rows from before the period give the incidents that began
            there their true start, and those after it their true end.
        began: UTC microseconds, as all times.
        ended: After `began`.
        zone: By whose clock the accounting's windows are meant.
        timezone: Its name.
        accounting: What was agreed.
        made_at: Now.
        made_by: The version of the watchdog that makes the statement.
        games: Which games; None is all that were watched in the period. One that the history doesn't know
            is left out.
        evidence: The recordings of incidents by their ids.

    """
    stays, anomalies = _by_game(history.stays), _by_game(history.anomalies)
    rollups = _by_game(history.rollups)
    promises = _promises(history, ended)
    wanted = _watched(history, promises, began, ended) if games is None else games
    keys = sorted(key for key in set(wanted) if key in promises)
    earliest = min([began, *(stay.began for stay in history.stays)])
    latest = max(history.known_until, ended)
    scope = Scope(
        began=began,
        ended=ended,
        accounting=accounting,
        promised=accounting.promised(zone, earliest, latest),
        planned=accounting.planned(zone, earliest, latest),
        evidence=evidence or {},
        instances={run.id: run.instance for run in history.runs},
    )
    lines: list[GameLine] = []
    incidents: list[IncidentLine] = []
    for key in keys:
        its = stays.get(key, [])
        # What lies before a game's first stay isn't unobserved unless the period includes it.
        line = timeline(history.runs, its, min([began, *(stay.began for stay in its)]), latest)
        seen = Seen(
            key=key,
            promise=promises[key],
            line=line,
            anomalies=anomalies.get(key, []),
            rollups=rollups.get(key, []),
        )
        game, its_incidents = account(seen, scope)
        lines.append(game)
        incidents += its_incidents
    incidents.sort(key=lambda line: (line.start, line.feed, line.game_type))
    return Statement(
        schema=SCHEMA,
        made_at=utc(made_at),
        made_by=made_by,
        period=Period(start=utc(began), end=utc(ended), timezone=timezone),
        known_until=utc(history.known_until),
        accounting=accounting,
        method=method(accounting, timezone, lines),
        total=total(lines, accounting),
        games=tuple(lines),
        incidents=tuple(incidents),
        not_observed=tuple(_unobserved(lines)),
        watchdogs=tuple(_watchdogs(history.runs, began, ended)),
    )


def _by_game(rows: Iterable[AnyRow]) -> dict[GameKey, list[AnyRow]]:
    games: dict[GameKey, list[AnyRow]] = {}
    for row in rows:
        games.setdefault(GameKey(row.feed, row.game_type), []).append(row)
    return games


def _promises(history: History, ended: int) -> dict[GameKey, Promise]:
    """What holds for each game: the last promise before the end of the period, or else the first one."""
    promises: dict[GameKey, Promise] = {}
    for row in sorted(history.promises, key=lambda row: row.since):
        key = GameKey(row.feed, row.game_type)
        if row.since < ended or key not in promises:
            promises[key] = row
    return promises


def _watched(history: History, promises: Collection[GameKey], began: int, ended: int) -> Collection[GameKey]:
    """The games with a stay in the period; all that are known if no watchdog ran in it."""
    until = {run.id: run.until for run in history.runs}
    watched = {
        GameKey(stay.feed, stay.game_type)
        for stay in history.stays
        if stay.began < ended and (until[stay.run] if stay.ended is None else stay.ended) > began
    }
    return watched or promises


def _unobserved(games: Iterable[GameLine]) -> Iterable[Unobserved]:
    """Each span of a second or longer with all games that it is of."""
    spans: dict[tuple[datetime, datetime], list[str]] = {}
    for game in games:
        for span in game.timeline:
            if span.state == "unobserved" and span.end - span.start >= _SHORTEST_UNOBSERVED:
                spans.setdefault((span.start, span.end), []).append(f"{game.feed}/{game.game_type}")
    for (start, end), names in sorted(spans.items()):
        yield Unobserved(start=start, end=end, seconds=(end - start).total_seconds(), games=tuple(names))


def _watchdogs(runs: Iterable[Run], began: int, ended: int) -> Iterable[WatchdogLine]:
    watchdogs: dict[str, list[Run]] = {}
    for run in runs:
        if run.started < ended and run.until > began:
            watchdogs.setdefault(run.instance, []).append(run)
    for instance, its in sorted(watchdogs.items()):
        its.sort(key=lambda run: (run.started, run.id))
        yield WatchdogLine(instance=instance, runs=tuple(map(_run, its)))


def _run(run: Run) -> RunLine:
    return RunLine(
        id=run.id,
        version=run.version,
        host=run.host,
        config_hash=run.config_hash,
        start=utc(run.started),
        end=utc(run.until),
        orderly=run.ended is not None,
    )
