"""One game of a statement: its line in the table, and its incidents, which lose the same time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from watchdog.core.history import AnomalyRow, GameKey, HourlyRollup, Promise
from watchdog.core.incidents import AnomalyCount, Incident, incidents_of, utc
from watchdog.core.ledger import STATES, State
from watchdog.core.statement.accounting import Accounting, marked
from watchdog.core.statement.cuts import Measure, intersection, total, union
from watchdog.core.statement.evaluation import derived
from watchdog.core.statement.figures import seconds
from watchdog.core.statement.records import (
    AnomalyLine,
    Evidence,
    GameLine,
    IncidentLine,
    TroubleSpan,
)
from watchdog.core.statement.updates import updates_of
from watchdog.core.statement.words import cause_of
from watchdog.core.timeline import Cut, Span, Timeline


class Scope(Struct, frozen=True, kw_only=True):
    """What holds for all games of a statement: the period, and where things are promised and agreed.

    The cuts cover more than the period: an incident is ignored or not by all of its length. `instances` has
    the watchdog of each run.
    """

    began: int
    ended: int
    accounting: Accounting
    promised: Sequence[Cut]
    planned: Sequence[Cut]
    evidence: Mapping[str, Evidence]
    instances: Mapping[str, str]


class Seen(Struct, frozen=True, kw_only=True):
    """What the watchdogs saw of one game."""

    key: GameKey
    promise: Promise
    line: Timeline
    anomalies: Sequence[AnomalyRow]
    rollups: Sequence[HourlyRollup]


def account(seen: Seen, scope: Scope) -> tuple[GameLine, list[IncidentLine]]:
    """Account for one game."""
    spans = marked(seen.line.spans, scope.planned)
    promised = intersection(scope.promised, [(scope.began, scope.ended)])
    by_state = {
        state: total(intersection(_where(spans, partial(_is_in, state)), promised)) for state in STATES
    }
    not_agreed = total(intersection(_where(spans, lambda span: not span.agreed), promised))
    path = {name: intersection(path, promised) for name, path in seen.line.path.items()}
    incidents = _incidents(seen, spans, scope)
    updates = updates_of(seen.rollups, scope.instances, promised)
    game = GameLine(
        feed=seen.key.feed,
        game_type=seen.key.game_type,
        game=seen.promise.game,
        interval_seconds=seconds(seen.promise.interval),
        late_after_seconds=seconds(seen.promise.late_after),
        objective=seen.promise.objective,
        by_state={state: seconds(lasted) for state, lasted in by_state.items()},
        maintenance_not_agreed_seconds=seconds(not_agreed),
        path_seconds={name: seconds(total(each)) for name, each in path.items() if each},
        updates=updates,
        timeline=tuple(_trouble(spans, scope)),
        **derived(
            scope.accounting,
            objective=seen.promise.objective,
            interval=seen.promise.interval,
            by_state=by_state,
            not_agreed=not_agreed,
            path=total(union(cut for each in path.values() for cut in each)),
            lost=sum(each.lost for each in incidents),
            updates=updates,
        ),
    )
    return game, [_line(each, seen, scope) for each in incidents]


class _Booked(Struct, frozen=True):
    incident: Incident
    by_state: dict[State, int]
    lost: int
    ignored: bool


def _incidents(seen: Seen, spans: Sequence[Span], scope: Scope) -> list[_Booked]:
    """The incidents that touch the period, with what they lose within it."""
    counted = _where(spans, scope.accounting.counts)
    lost = Measure(intersection(counted, scope.promised))
    trouble = {state: Measure(_where(spans, partial(_is_trouble, state))) for state in STATES}
    booked = []
    for incident in incidents_of(seen.key, spans, seen.anomalies):
        until = incident.ended if incident.ended is not None else spans[-1].ended
        began, ended = max(incident.began, scope.began), min(until, scope.ended)
        if incident.began >= scope.ended or (until <= scope.began and not scope.began <= incident.began):
            continue
        whole, within = lost.between(incident.began, until), lost.between(began, ended)
        ignored = 0 < whole < scope.accounting.ignore_shorter_than
        by_state = {state: trouble[state].between(began, ended) for state in STATES}
        booked.append(
            _Booked(
                incident,
                {state: lasted for state, lasted in by_state.items() if lasted},
                0 if ignored else scope.accounting.rounded(within),
                ignored,
            )
        )
    return booked


def _line(booked: _Booked, seen: Seen, scope: Scope) -> IncidentLine:
    incident = booked.incident
    return IncidentLine(
        id=incident.id,
        feed=incident.feed,
        game_type=incident.game_type,
        game=seen.promise.game,
        start=utc(incident.began),
        end=None if incident.ended is None else utc(incident.ended),
        seconds={state: seconds(lasted) for state, lasted in booked.by_state.items()},
        lost_seconds=seconds(booked.lost),
        ignored=booked.ignored,
        whose=incident.whose,
        cause=cause_of(incident),
        anomalies=tuple(map(_anomaly, incident.anomalies)),
        evidence=scope.evidence.get(incident.id),
    )


def _anomaly(count: AnomalyCount) -> AnomalyLine:
    detail = msgspec.json.decode(count.detail, type=dict)
    return AnomalyLine(
        event=count.event, count=count.count, first=utc(count.first), last=utc(count.last), detail=detail
    )


def _is_in(state: State, span: Span) -> bool:
    return span.state == state


def _is_trouble(state: State, span: Span) -> bool:
    return span.state == state and span.is_trouble


def _where(spans: Iterable[Span], wanted: Callable[[Span], bool]) -> list[Cut]:
    return union((span.began, span.ended) for span in spans if wanted(span))


def _trouble(spans: Iterable[Span], scope: Scope) -> Iterable[TroubleSpan]:
    """The spans of the period in which the game wasn't fresh, whatever broke it about them."""
    last: tuple[State, int, int] | None = None
    for span in spans:
        began, ended = max(span.began, scope.began), min(span.ended, scope.ended)
        if span.state == "fresh" or began >= ended:
            continue
        if last is not None and (last[0], last[2]) == (span.state, began):
            last = (span.state, last[1], ended)
            continue
        if last is not None:
            yield TroubleSpan(state=last[0], start=utc(last[1]), end=utc(last[2]))
        last = (span.state, began, ended)
    if last is not None:
        yield TroubleSpan(state=last[0], start=utc(last[1]), end=utc(last[2]))
