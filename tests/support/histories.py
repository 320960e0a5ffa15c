"""Histories as the archive would read them, from a few words: seconds since a base, states in their order."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from watchdog.core.history import (
    HOUR,
    SECOND,
    AnomalyRow,
    Buckets,
    GameKey,
    History,
    HourlyRollup,
    Promise,
    Run,
    Stay,
    combined,
)
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.build import statement
from watchdog.core.statement.records import GameLine, Statement

BASE = datetime(2026, 11, 2, tzinfo=UTC)
"""A Monday, on the hour."""

KEY = GameKey("betcore", 3)

Step = Any
"""When a stay begins, its state, its causes."""


def at(seconds: float, base: datetime = BASE) -> int:
    return round(base.timestamp()) * SECOND + round(seconds * SECOND)


def watched(
    steps: Any,
    until: float,
    *,
    instance: str = "eu-1",
    run: str | None = None,
    started: float | None = None,
    orderly: bool = True,
    anomalies: Iterable[tuple[Any, ...]] = (),
    rollups: Iterable[HourlyRollup] = (),
    objective: float = 0.999,
    base: datetime = BASE,
) -> History:
    """One run of a watchdog; without a game's type the steps are those of game 3 of the feed `betcore`."""
    games: Mapping[int, Sequence[Step]] = steps if isinstance(steps, Mapping) else {3: steps}
    name = run or f"{instance}-run"
    first = min((its[0][0] for its in games.values() if its), default=0.0) if started is None else started
    stays = []
    for game_type, its in games.items():
        ends: list[float | None] = [step[0] for step in its[1:]]
        for step, ended in zip(its, [*ends, until if orderly else None], strict=True):
            stays.append(
                Stay(
                    run=name,
                    feed="betcore",
                    game_type=game_type,
                    state=step[1],
                    began=at(step[0], base),
                    ended=None if ended is None else at(ended, base),
                    because=step[2] if len(step) == 3 else (),
                )
            )
    return History(
        runs=(
            Run(
                id=name,
                instance=instance,
                version="1.2.3",
                host=f"{instance}.example",
                config_hash="c0ffee",
                started=at(first, base),
                last_alive=at(until, base),
                ended=at(until, base) if orderly else None,
            ),
        ),
        promises=tuple(
            Promise(
                run=name,
                feed="betcore",
                game_type=game_type,
                game=f"Game {game_type}",
                since=at(first, base),
                interval=SECOND // 2,
                late_after=SECOND * 3 // 4,
                objective=objective,
            )
            for game_type in games
        ),
        stays=tuple(stays),
        anomalies=tuple(
            AnomalyRow(
                run=name, feed="betcore", game_type=3, at=at(row[0], base), event=row[1], detail=row[2]
            )
            for row in ((*row, "{}")[:3] for row in anomalies)
        ),
        rollups=tuple(rollups),
    )


def rollup(
    hour: float,
    updates: int,
    *,
    late: int = 0,
    missed: int = 0,
    run: str = "eu-1-run",
    intervals: Buckets | None = None,
    latencies: Buckets | None = None,
    base: datetime = BASE,
) -> HourlyRollup:
    return HourlyRollup(
        run=run,
        feed="betcore",
        game_type=3,
        began=at(0, base) + round(hour * HOUR),
        updates=updates,
        late=late,
        missed=missed,
        intervals=intervals or Buckets((0.5, 1.0), (updates, 0, 0)),
        latencies=latencies or Buckets((0.1, 1.0), (updates, 0, 0)),
    )


def stated(
    *histories: History,
    start: float,
    end: float,
    zone: tzinfo = UTC,
    base: datetime = BASE,
    timezone: str = "UTC",
    evidence: Any = None,
    games: Any = None,
    **accounting: Any,
) -> Statement:
    """The statement of a period in seconds since the base."""
    return statement(
        combined(histories),
        began=at(start, base),
        ended=at(end, base),
        zone=zone,
        timezone=timezone,
        accounting=Accounting(**accounting),
        made_at=at(end, base),
        made_by="1.2.3",
        evidence=evidence,
        games=games,
    )


def only(document: Statement) -> GameLine:
    [game] = document.games
    return game
