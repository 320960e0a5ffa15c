"""The status: one snapshot as the documented JSON, which the status page shows too."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from watchdog.core.causes import anomaly, particulars
from watchdog.core.checks.suite import ANOMALY_KINDS
from watchdog.core.ledger import BLAME, STATES, Party, State
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason
from watchdog.core.snapshot import (
    GameSnapshot,
    HistorySnapshot,
    RefreshOutcome,
    Snapshot,
    TokenSnapshot,
    TokenSource,
)
from watchdog.readers.web.phrases import notes, runway, verdict, why
from watchdog.runtime.redaction import present

SEVERITY: tuple[State, ...] = (
    "silent",
    "frozen",
    "disconnected",
    "unauthorized",
    "unobserved",
    "maintenance",
    "fresh",
)
"""The states, worst first, as people who have to act see them."""

_COUNTED: tuple[State, ...] = ("fresh", "frozen", "silent", "disconnected")
"""The states that count for the freshness objective."""

_TEXT_CHARACTERS = 200
"""How much is shown of a particular that is text."""


class Round(Struct, frozen=True):
    """The current game round: its id and state as the feed says them."""

    id: int | None
    state: str | None


class GameStatus(Struct, frozen=True, kw_only=True):
    """One game: where it stands, since when, whose it is and why, and its key numbers.

    Times are ISO 8601 in UTC, `*_seconds` are seconds, what is not known is null. `severity` is 0 for
    the worst state, `whose` is who has to act, `freshness` the share (0 to 1) of the seconds that count
    for the objective. `last_anomalies` stand newest first, each with the particulars that its log line
    has. `why`, `words` and `particulars` are for people.
    """

    game_type: int
    game: str
    state: State
    severity: int
    whose: str
    since: str | None
    for_seconds: float
    because: tuple[str, ...]
    why: str
    connected: bool
    connection_attempts: int
    last_disconnect: DisconnectReason | None
    last_message_at: str | None
    last_message_age_seconds: float | None
    sequence_id: int | None
    betting_timer_seconds: float | None
    betting_timer_stale: bool
    maintenance: bool | None
    round: Round
    rounds: dict[str, int]
    state_seconds: dict[State, float]
    freshness: float | None
    clock_offset_seconds: float | None
    messages: int
    received_bytes: int
    tolerated_updates: int
    timed_updates: int
    late_updates: int
    missed: int
    anomalies: dict[str, dict[str, int]]
    invalid_messages: dict[InvalidReason, int]
    maintenance_anomalies: dict[str, int]
    disconnects: dict[DisconnectReason, int]
    last_anomalies: tuple[dict[str, object], ...]
    incidents: dict[Party, int]
    incident_since: str | None


class TokenStatus(Struct, frozen=True, kw_only=True):
    """A feed's token, in `words` too; `expires_in_seconds` is negative once it has expired.

    Both are null for a token without an expiry. `source` is file, env or url. `renewed_at` is when it was put
    in its place, `renewal_due_at` when the next one is due; null where nobody knows.
    """

    valid: bool
    source: TokenSource
    expires_at: str | None
    expires_in_seconds: float | None
    renewed_at: str | None
    renewal_due_at: str | None
    refreshes: dict[RefreshOutcome, int]
    rejections: int
    words: str


class FeedStatus(Struct, frozen=True):
    """One feed: its token (null while nothing is known of it) and its games in the order configured."""

    name: str
    token: TokenStatus | None
    games: tuple[GameStatus, ...]


class Reload(Struct, frozen=True):
    """Whether the last reload of the configuration succeeded, and when the last good one was."""

    successful: bool
    last_success_at: str | None


class HistoryStatus(Struct, frozen=True):
    """Whether the history takes what is written, why not, and how many rows were lost."""

    up: bool
    error: str | None
    rows_dropped: int


class Status(Struct, frozen=True, kw_only=True):
    """The whole watch: the body of `/api/v1/status`; `history` is null without `[history]`.

    `verdict` is one sentence for people, `notes` what they should know of the watchdog itself.
    """

    version: str
    taken_at: str | None
    verdict: str
    notes: tuple[str, ...]
    ready: bool
    loop_stall_seconds: float
    reload: Reload
    history: HistoryStatus | None
    summary: dict[State, int]
    feeds: tuple[FeedStatus, ...]


def status_of(snapshot: Snapshot) -> Status:
    """The status that a snapshot shows."""
    now = snapshot.taken_at
    tokens = {token.feed: token for token in snapshot.tokens}
    games: dict[str, list[GameSnapshot]] = {feed: [] for feed in tokens}
    for game in snapshot.games:
        games.setdefault(game.feed, []).append(game)
    worst_first = sorted(snapshot.games, key=lambda game: (SEVERITY.index(game.state), game.state_since))
    return Status(
        version=snapshot.version,
        taken_at=iso(now),
        verdict=verdict(worst_first),
        notes=notes(snapshot),
        ready=snapshot.ready,
        loop_stall_seconds=snapshot.loop_stall_seconds,
        reload=Reload(snapshot.reload_successful, iso(snapshot.reload_success_at)),
        history=_history(snapshot.history),
        summary={state: sum(game.state == state for game in snapshot.games) for state in STATES},
        feeds=tuple(
            FeedStatus(feed, _token(tokens.get(feed), now), tuple(_game(game, now) for game in members))
            for feed, members in games.items()
        ),
    )


def encode(status: Status) -> bytes:
    """The status as JSON."""
    return msgspec.json.encode(status)


def iso(wall: float | None) -> str | None:
    """UNIX seconds as ISO 8601 in UTC, to the millisecond; None for None and beyond the year 9999."""
    if wall is None:
        return None
    try:
        moment = datetime.fromtimestamp(wall, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _history(history: HistorySnapshot | None) -> HistoryStatus | None:
    if history is None:
        return None
    error = None if history.error is None else present(history.error, _TEXT_CHARACTERS)
    return HistoryStatus(error is None, error, history.rows_dropped)


def _token(token: TokenSnapshot | None, now: float) -> TokenStatus | None:
    if token is None:
        return None
    left = None if token.expires_at is None else token.expires_at - now
    return TokenStatus(
        valid=token.valid,
        source=token.source,
        expires_at=iso(token.expires_at),
        renewed_at=iso(token.renewed_at),
        renewal_due_at=iso(token.renewal_due_at),
        expires_in_seconds=left,
        refreshes=token.refreshes,
        rejections=token.rejections,
        words=runway(token, left),
    )


def _game(game: GameSnapshot, now: float) -> GameStatus:
    last = game.last_message_at
    return GameStatus(
        game_type=game.game_type,
        game=game.game,
        state=game.state,
        severity=SEVERITY.index(game.state),
        whose=BLAME[game.state],
        since=iso(game.state_since),
        for_seconds=max(now - game.state_since, 0.0),
        because=game.frozen_because,
        why=why(game),
        connected=game.connected,
        connection_attempts=game.connection_attempts,
        last_disconnect=game.last_disconnect,
        last_message_at=iso(last),
        last_message_age_seconds=None if last is None else max(now - last, 0.0),
        sequence_id=game.sequence_id,
        betting_timer_seconds=game.betting_timer_seconds,
        betting_timer_stale=game.betting_timer_stale,
        maintenance=game.maintenance,
        round=Round(game.round_id, game.round_state),
        rounds=game.round_outcomes,
        state_seconds=game.state_seconds,
        freshness=_freshness(game.state_seconds),
        clock_offset_seconds=game.clock_offset_seconds,
        messages=game.messages,
        received_bytes=game.received_bytes,
        tolerated_updates=game.tolerated_updates,
        timed_updates=game.timed_updates,
        late_updates=game.late_updates,
        missed=game.sequence_missed,
        anomalies={
            check: {kind: game.anomalies.get((check, kind), 0) for kind in kinds}
            for check, kinds in ANOMALY_KINDS.items()
        },
        invalid_messages=game.invalid_messages,
        maintenance_anomalies=game.maintenance_anomalies,
        disconnects=game.disconnects,
        last_anomalies=tuple(
            detail
            | {
                "at": iso(recent.wall),
                "event": recent.event,
                "words": anomaly(recent.event),
                "particulars": particulars(detail),
            }
            for recent in reversed(game.recent_anomalies)
            for detail in [{key: _safe(value) for key, value in recent.detail.items()}]
        ),
        incidents=game.incidents,
        incident_since=iso(game.incident_since),
    )


def _safe(value: object) -> object:
    """A particular without secrets: some are the provider's own words, and it knows our token."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list):
        return [_safe(each) for each in value]
    return present(str(value), _TEXT_CHARACTERS)


def _freshness(seconds: Mapping[State, float]) -> float | None:
    counted = sum(seconds[state] for state in _COUNTED)
    return seconds["fresh"] / counted if counted else None
