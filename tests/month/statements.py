"""The histories of the month's watchdogs as files, and the statements over them against the programme."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from tests.month.noted import BEGAN, RUN, utc
from tests.month.truth import (
    DAY,
    SECOND,
    Cut,
    Expected,
    Piece,
    Second,
    Terms,
    daily,
    expected,
    line_of,
    seen_by_both,
)
from tests.month.watch import Outcome
from tests.support.builders import GAME_TYPE
from watchdog.archive.database import Database
from watchdog.archive.reading import Period, read
from watchdog.archive.schema import Row
from watchdog.core.history import History, Run, Stay, combined
from watchdog.core.ledger import State
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.build import statement
from watchdog.core.statement.records import GameLine, Statement
from watchdog.core.statement.verification import verify

_ROWS_A_COMMIT = 5_000
_EVER = 2**62
_HOUR = 3_600 * SECOND
_ZONE = "Europe/Kyiv"
_EXCLUDED: tuple[State, ...] = ("maintenance", "unauthorized", "unobserved")


class Compared(Struct, frozen=True):
    """What came of it; `differences` says in words where a statement and the programme differ.

    `seconds` is how long the longest statement took to read and to make.
    """

    rows: int
    file_bytes: int
    statements: int
    incidents: int
    path_seconds: float
    seconds: float
    differences: list[str]


class Agreed(Struct, frozen=True):
    """An accounting, and the same by hand."""

    accounting: Accounting
    terms: Terms


def compare(outcomes: Sequence[Outcome], folder: Path) -> Compared:
    """Write the histories into a folder, make the statements, and compare them with the programme."""
    alone, beside = folder / "alone.db", folder / "beside.db"
    end = min(utc(outcome.seconds) for outcome in outcomes) // _HOUR * _HOUR
    second = second_watchdog(BEGAN, end)
    _write(alone, [_run(RUN, BEGAN, max(utc(outcome.seconds) for outcome in outcomes), ended=True)], outcomes)
    _write_second(beside, read(alone, Period(0, _EVER)), second)
    period = (BEGAN, end)
    # Also a part of it, so that there is something before and after.
    part = (BEGAN + (end - BEGAN) // 3, BEGAN + (end - BEGAN) // 3 * 2)
    differences: list[str] = []
    incidents = statements = 0
    longest = path = 0.0
    for files in ([alone], [alone, beside]):
        lines = [line_of(outcome) for outcome in outcomes]
        cuts: list[list[Cut]] = [[] for _ in lines]
        if len(files) > 1:
            both = [seen_by_both(line, second) for line in lines]
            lines, cuts = [line for line, _ in both], [path for _, path in both]
        for name, agreed in accountings(period).items():
            for span in (period, part):
                begun = time.process_time()
                history = combined([read(file, Period(0, _EVER)) for file in files])
                made = _statement(history, span, agreed.accounting)
                longest = max(longest, time.process_time() - begun)
                which = f"{len(files)} watchdogs, {name}, {'all' if span == period else 'a part'}"
                found = list(_differences(made, outcomes, lines, cuts, span, agreed))
                found += map(str, verify(made, history, zone=ZoneInfo(_ZONE), version="tests"))
                differences += (f"{which}: {difference}" for difference in found)
                statements, incidents = statements + 1, max(incidents, len(made.incidents))
                path = max(path, sum(sum(game.path_seconds.values()) for game in made.games))
    return Compared(
        rows=sum(len(outcome.rows) for outcome in outcomes),
        file_bytes=alone.stat().st_size,
        statements=statements,
        incidents=incidents,
        path_seconds=path,
        seconds=longest,
        differences=differences,
    )


def accountings(period: Cut) -> dict[str, Agreed]:
    """Four accountings, and by hand what each of them leaves of the period."""
    always = ((0, _EVER),)
    evening = ("mon-sun 18:00-22:00",)
    maintained = ("mon-sun 19:30-20:30",)
    # The clock of Kyiv is three hours ahead in summer.
    hours = daily(*period, 15 * _HOUR, 19 * _HOUR)
    planned = daily(*period, 16 * _HOUR + _HOUR // 2, 17 * _HOUR + _HOUR // 2)
    return {
        "the defaults": Agreed(Accounting(), Terms(promised=always, planned=always, left_out=_EXCLUDED)),
        "all of it, short ones ignored, in whole seconds": Agreed(
            Accounting(exclude=(), ignore_shorter_than_seconds=5.0, round_to_seconds=1.0),
            Terms(promised=always, planned=(), left_out=(), ignore_shorter=5 * SECOND, step=SECOND),
        ),
        "the evenings, with agreed maintenance": Agreed(
            Accounting(hours=evening, planned_maintenance=maintained),
            Terms(promised=hours, planned=planned, left_out=_EXCLUDED),
        ),
        "by updates": Agreed(
            Accounting(basis="updates", exclude=("maintenance",)),
            Terms(promised=always, planned=always, left_out=("maintenance",)),
        ),
    }


def second_watchdog(began: int, ended: int) -> Second:
    """Every two hours its path is cut for a while, or it is killed and started again."""
    rng = Random("the second watchdog")  # noqa: S311 - a programme, no secret
    cut_off: list[Cut] = []
    dead: list[Cut] = []
    for at in range(began, ended - 2 * _HOUR, 2 * _HOUR):
        since = at + rng.randrange(_HOUR)
        (dead if rng.random() < 0.3 else cut_off).append((since, since + rng.randrange(1, 40 * 60 * SECOND)))
    return Second(tuple(cut_off), tuple(dead))


def _run(name: str, began: int, until: int, *, ended: bool) -> Run:
    return Run(
        id=name,
        instance="",
        version="tests",
        host="box",
        config_hash="",
        started=began,
        last_alive=until,
        ended=until if ended else None,
    )


def _write(file: Path, runs: Sequence[Run], outcomes: Sequence[Outcome]) -> None:
    rows = [*runs, *(row for outcome in outcomes for row in outcome.rows)]
    _commit(file, rows)


def _commit(file: Path, rows: Sequence[Row]) -> None:
    with closing(Database(file)) as database:
        for first in range(0, len(rows), _ROWS_A_COMMIT):
            database.write(rows[first : first + _ROWS_A_COMMIT])


def _write_second(file: Path, seen: History, second: Second) -> None:
    """What the second watchdog saw: the same, but for its path, and in a run for each of its lives."""
    began, ended = seen.runs[0].started, seen.runs[0].until
    edges = [began, *(edge for cut in second.dead for edge in cut), ended]
    lives = list(zip(edges[::2], edges[1::2], strict=True))
    rows: list[Row] = [
        _run(f"life {number}", since, until, ended=until == ended)
        for number, (since, until) in enumerate(lives)
    ]
    for number, (since, until) in enumerate(lives):
        run = f"life {number}"
        cuts = [cut for cut in second.cut_off if since <= cut[0] < until]
        for promise in seen.promises:
            rows.append(structs.replace(promise, run=run, since=since))
            rows += (_cut_off(run, promise.feed, began, min(ended, until)) for began, ended in cuts)
        for stay in seen.stays:
            for first, last in _between(stay, since, until, cuts):
                rows.append(structs.replace(stay, run=run, began=first, ended=last))
    _commit(file, rows)


def _cut_off(run: str, feed: str, began: int, ended: int) -> Stay:
    return Stay(
        run=run,
        feed=feed,
        game_type=GAME_TYPE,
        state="disconnected",
        began=began,
        ended=ended,
        because=("dns",),
    )


def _between(stay: Stay, since: int, until: int, cuts: Sequence[Cut]) -> Iterator[Cut]:
    """The parts of a stay within a life, outside the cuts."""
    at, last = max(stay.began, since), min(stay.ended or until, until)
    for began, ended in cuts:
        if at < min(began, last):
            yield at, min(began, last)
        at = max(at, ended)
    if at < last:
        yield at, last


def _statement(history: History, period: Cut, accounting: Accounting) -> Statement:
    return statement(
        history,
        began=period[0],
        ended=period[1],
        zone=ZoneInfo(_ZONE),
        timezone=_ZONE,
        accounting=accounting,
        made_at=period[1] + DAY,
        made_by="tests",
    )


def _differences(
    made: Statement,
    outcomes: Sequence[Outcome],
    lines: Sequence[Sequence[Piece]],
    path: Sequence[Sequence[Cut]],
    period: Cut,
    agreed: Agreed,
) -> Iterator[str]:
    """Where a statement says something else than the programme, in microseconds."""
    games = {game.feed: game for game in made.games}
    if len(games) != len(outcomes):
        yield f"{len(outcomes)} games in the programme, {len(games)} in the statement"
    for number, outcome in enumerate(outcomes, 1):
        feed = f"table {number}"
        anomalies = [utc(event.at) for event in outcome.anomalies]
        truth = expected(lines[number - 1], anomalies, period, agreed.terms)
        figures = _figures(games[feed], truth, path[number - 1], period, agreed.terms)
        told: dict[str, tuple[object, object]] = {name: (wanted, _told(got)) for name, wanted, got in figures}
        told |= {
            f"updates {name}": (wanted, got)
            for name, wanted, got in _updates(games[feed], outcome, period, agreed)
        }
        found = [
            (_at(each.start), _at(each.end or each.start), each.whose, _told(each.lost_seconds))
            for each in made.incidents
            if each.feed == feed
        ]
        wanted = [
            (loss.began, loss.ended, loss.whose, loss.lost)
            for loss in truth.losses
            if loss.ended > period[0] or loss.began >= period[0]
        ]
        told |= {f"incident at {loss[0]}": (loss, None) for loss in sorted(set(wanted) - set(found))} | {
            f"incident {loss[0]}": (None, loss) for loss in sorted(set(found) - set(wanted))
        }
        told["incidents"] = (len(wanted), len(found))
        yield from (
            f"{feed}: {name}: {one} in the programme, {other} in the statement"
            for name, (one, other) in told.items()
            if one != other
        )


def _figures(
    game: GameLine, truth: Expected, path: Sequence[Cut], period: Cut, terms: Terms
) -> Iterator[tuple[str, int, float]]:
    for state, lasted in truth.by_state.items():
        yield state, lasted, game.by_state[state]  # type: ignore[index]  # each is a state
    by_state, not_agreed = truth.by_state, truth.not_agreed
    promised = sum(by_state.values())
    excluded = sum(by_state[state] for state in terms.left_out)
    excluded -= not_agreed if "maintenance" in terms.left_out else 0
    yield "promised", promised, game.promised_seconds
    yield "accountable", promised - excluded, game.accountable_seconds
    yield "lost", truth.lost, game.lost_seconds
    parties = game.by_party
    yield "ours", by_state["unobserved"], parties["ours"]
    yield "partner", by_state["unauthorized"], parties["partner"]
    yield "path or provider", by_state["disconnected"], parties["path_or_provider"]
    yield "provider", by_state["silent"] + by_state["frozen"] + not_agreed, parties["provider"]
    yield "agreed", by_state["maintenance"] - not_agreed, parties["agreed"]
    clipped = [
        max(min(ended, until, period[1]) - max(began, since, period[0]), 0)
        for began, ended in path
        for since, until in terms.promised
    ]
    yield "path", sum(clipped), parties["path"]
    yield "path of one watchdog", sum(clipped), sum(game.path_seconds.values())


def _updates(
    game: GameLine, outcome: Outcome, period: Cut, agreed: Agreed
) -> Iterator[tuple[str, object, object]]:
    """Updates are known by the hour: those of the hours that begin in the period, where all is promised."""
    if agreed.accounting.hours is not None:
        return
    last = -(-period[1] // _HOUR)
    # The first hour began before the watch did.
    first = period[0] // _HOUR if period[0] == BEGAN else -(-period[0] // _HOUR)
    received = sum(count for hour, count in outcome.hourly.items() if first <= hour < last)
    missed = sum(count for at, count in outcome.missed if first <= utc(at) // _HOUR < last)
    yield "received", received, game.updates.received
    yield "missed", missed, game.updates.missed
    if agreed.accounting.basis == "updates":
        good = received - game.updates.late
        bad = max(game.updates.late + missed, _told(game.lost_seconds) // 500_000)
        yield "freshness", round(good / (good + bad), 4), game.freshness


def _told(seconds: float) -> int:
    return round(seconds * SECOND)


def _at(moment: object) -> int:
    stamp = moment.timestamp()  # type: ignore[attr-defined]
    return round(stamp * SECOND)
