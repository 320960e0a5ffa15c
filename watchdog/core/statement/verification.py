"""Does a statement hold? Every figure computed again, from the histories or from its own figures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, timedelta, tzinfo
from typing import Any

import msgspec
from msgspec import Struct, structs

from watchdog.core.history import HOUR, GameKey, History
from watchdog.core.incidents import incident_id
from watchdog.core.ledger import STATES
from watchdog.core.statement.build import statement
from watchdog.core.statement.evaluation import derived, total
from watchdog.core.statement.figures import microseconds, seconds
from watchdog.core.statement.records import Evidence, GameLine, IncidentLine, Statement
from watchdog.core.statement.schedule import instant
from watchdog.core.statement.words import method

Path = tuple[str, ...]

_GROWING = frozenset({"received", "late", "missed"})
"""Counts of the hour in which a statement was made go on after it."""

_BY_UPDATES = frozenset({"freshness", "freshness_percent", "met", "missed", "budget_used", "credit_percent"})
"""What follows from such counts where the accounting goes by updates."""

_ABSENT = "nothing"


class Difference(Struct, frozen=True):
    """A figure that doesn't hold: where it stands, what is stated, and what it should be, both as JSON."""

    where: str
    stated: str
    expected: str

    def __str__(self) -> str:
        return f"{self.where}: stated {self.stated}, expected {self.expected}"


def verify(
    stated: Statement,
    history: History,
    *,
    zone: tzinfo,
    version: str,
    evidence: Mapping[str, Evidence] | None = None,
) -> list[Difference]:
    """Every figure of a statement that the histories, `combined`, don't confirm.

    They are taken as they stood when the statement was made.

    Args:
        stated: The statement.
        history: What all watchdogs saw.
        zone: The statement's time zone.
        version: Ours. Another one may choose other words, so they are compared only where it is the same.
        evidence: The recordings that there are, by the ids of their incidents; None compares none.

    """
    known_until = instant(stated.known_until, UTC)
    ends = {run.id: instant(run.end, UTC) for watchdog in stated.watchdogs for run in watchdog.runs}
    expected = statement(
        history.known_by(known_until, ends),
        began=instant(stated.period.start, UTC),
        ended=instant(stated.period.end, UTC),
        zone=zone,
        timezone=stated.period.timezone,
        accounting=stated.accounting,
        made_at=instant(stated.made_at, UTC),
        made_by=stated.made_by,
        games=[GameKey(game.feed, game.game_type) for game in stated.games],
        evidence={line.id: line.evidence for line in stated.incidents if line.evidence is not None}
        if evidence is None
        else evidence,
    )
    hour = known_until // HOUR * HOUR
    growing = instant(stated.period.end, UTC) > hour
    return list(_differences(stated, expected, words=stated.made_by == version, growing=growing))


def contradictions(stated: Statement, *, version: str) -> list[Difference]:
    """Every figure of a statement that contradicts others of it: what can be said without a history.

    `version` is ours, as for `verify`.
    """
    games = tuple(_expected_game(game, stated) for game in stated.games)
    incidents = tuple(_expected_incident(line) for line in stated.incidents)
    expected = structs.replace(
        stated,
        method=method(stated.accounting, stated.period.timezone, games),
        total=total(games, stated.accounting),
        games=games,
        incidents=incidents,
        not_observed=tuple(
            structs.replace(span, seconds=(span.end - span.start).total_seconds())
            for span in stated.not_observed
        ),
    )
    return list(_differences(stated, expected, words=stated.made_by == version, growing=False))


def _expected_game(game: GameLine, stated: Statement) -> GameLine:
    by_state = {state: microseconds(game.by_state.get(state, 0.0)) for state in STATES}
    if stated.accounting.hours is None:
        # The promise always holds, so the table must be that of the timeline.
        length = (stated.period.end - stated.period.start) // timedelta(microseconds=1)
        by_state = dict.fromkeys(STATES, 0)
        for span in game.timeline:
            by_state[span.state] += (span.end - span.start) // timedelta(microseconds=1)
        by_state["fresh"] = length - sum(by_state.values())
    lost = sum(
        microseconds(line.lost_seconds)
        for line in stated.incidents
        if (line.feed, line.game_type) == (game.feed, game.game_type)
    )
    return structs.replace(
        game,
        by_state={state: seconds(lasted) for state, lasted in by_state.items()},
        **derived(
            stated.accounting,
            objective=game.objective,
            interval=microseconds(game.interval_seconds),
            by_state=by_state,
            not_agreed=microseconds(game.maintenance_not_agreed_seconds),
            path=microseconds(game.by_party.get("path", 0.0)),
            lost=lost,
            updates=game.updates,
        ),
    )


def _expected_incident(line: IncidentLine) -> IncidentLine:
    lost = min(line.lost_seconds, 0.0) if line.ignored else line.lost_seconds
    name = incident_id(line.feed, line.game_type, line.start)
    return structs.replace(line, id=name, lost_seconds=lost)


def _differences(
    stated: Statement, expected: Statement, *, words: bool, growing: bool
) -> Iterator[Difference]:
    by_updates = growing and stated.accounting.basis == "updates"
    plain = (_plain(each, words=words) for each in (stated, expected))
    for path, was, should in _compared((), *plain):
        if growing and "updates" in path[2:3]:
            if path[-1] not in _GROWING or (
                isinstance(was, int) and isinstance(should, int) and was <= should
            ):
                continue
        elif by_updates and path[0] in ("games", "total") and path[-1] in _BY_UPDATES:
            continue
        yield Difference(".".join(path), _shown(was), _shown(should))


def _plain(document: Statement, *, words: bool) -> Any:
    """What is compared, as plain values: games and incidents by name rather than by place."""
    plain = msgspec.to_builtins(document)
    for key in ("made_at", "made_by", "known_until"):
        del plain[key]
    if not words:
        del plain["method"]
        for line in plain["incidents"]:
            del line["cause"]
    plain["games"] = _named(plain["games"], lambda game: f"{game['feed']}/{game['game_type']}")
    plain["incidents"] = _named(plain["incidents"], lambda line: str(line["id"]))
    return plain


def _named(lines: Sequence[Any], name_of: Callable[[Any], str]) -> dict[str, Any]:
    """The lines by their names; a second one of the same name stands out."""
    named: dict[str, Any] = {}
    for line in lines:
        name = name_of(line)
        while name in named:
            name += " again"
        named[name] = line
    return named


def _compared(path: Path, stated: Any, expected: Any) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(stated, tuple) and isinstance(expected, tuple) and len(stated) == len(expected):
        stated, expected = _numbered(stated), _numbered(expected)
    if isinstance(stated, dict) and isinstance(expected, dict):
        for key in [*stated, *(key for key in expected if key not in stated)]:
            yield from _compared((*path, key), stated.get(key, _ABSENT), expected.get(key, _ABSENT))
    elif stated != expected:
        yield path, stated, expected


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    return {str(index): value for index, value in enumerate(values)}


def _shown(value: Any) -> str:
    return value if value is _ABSENT else msgspec.json.encode(value).decode()
