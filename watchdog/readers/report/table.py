"""A statement as CSV: one table of the games, one of the incidents."""

import csv
import io
from collections.abc import Iterable, Sequence

from watchdog.core.ledger import STATES
from watchdog.core.statement.records import WHOSE, GameLine, IncidentLine, Statement

_GAME = (
    *("feed", "game_type", "game", "objective", "freshness", "freshness_percent", "met"),
    *("promised_seconds", "accountable_seconds", "lost_seconds", "budget_seconds", "budget_used"),
    *("credit_percent", "maintenance_not_agreed_seconds"),
)
_INCIDENT = (
    *("id", "feed", "game_type", "game", "start", "end", "lost_seconds", "ignored", "whose", "cause"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def games_csv(statement: Statement) -> str:
    """A line a game: what was promised, accountable and lost, by state and by party, and the updates."""
    head = [
        *("period_start", "period_end"),
        *_GAME,
        *(f"{state}_seconds" for state in STATES),
        *(f"{party}_party_seconds" for party in WHOSE),
        *("updates_received", "updates_late", "updates_missed"),
        *("interval_p50_seconds", "interval_p99_seconds", "latency_p50_seconds", "latency_p99_seconds"),
    ]
    period = [statement.period.start.isoformat(), statement.period.end.isoformat()]
    return _csv(head, ([*period, *_game(game)] for game in statement.games))


def incidents_csv(statement: Statement) -> str:
    """A line an incident, with the seconds of each state within the period."""
    head = [
        *_INCIDENT,
        *(f"{state}_seconds" for state in STATES),
        *("anomalies", "evidence_file", "evidence_sha256"),
    ]
    return _csv(head, map(_incident, statement.incidents))


def _game(game: GameLine) -> Sequence[object]:
    updates = game.updates
    return [
        *(getattr(game, name) for name in _GAME),
        *(game.by_state[state] for state in STATES),
        *(game.by_party[party] for party in WHOSE),
        *(updates.received, updates.late, updates.missed),
        *(updates.interval.p50_seconds, updates.interval.p99_seconds),
        *(updates.latency.p50_seconds, updates.latency.p99_seconds),
    ]


def _incident(line: IncidentLine) -> Sequence[object]:
    evidence = (line.evidence.file, line.evidence.sha256) if line.evidence is not None else (None, None)
    return [
        *(getattr(line, name) for name in _INCIDENT),
        *(line.seconds.get(state, 0.0) for state in STATES),
        "; ".join(f"{each.event} x {each.count}" for each in line.anomalies),
        *evidence,
    ]


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO(newline="")
    # RFC 4180: lines end with CR and LF.
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case int():
            return value
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    # A spreadsheet would compute a text that begins like a formula.
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_csv(statement: Statement) -> str:
    """Both tables, with an empty line between them."""
    return f"{games_csv(statement)}\r\n{incidents_csv(statement)}"
