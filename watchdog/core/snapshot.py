"""What readers see: the whole watch at one instant, as plain records."""

from typing import Literal, get_args

from msgspec import Struct

from watchdog.core.findings import Detail
from watchdog.core.instruments import Distribution
from watchdog.core.ledger import Party, State
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason


class Recent(Struct, frozen=True):
    """One of the last anomalies or invalid messages: UNIX time, event, particulars."""

    wall: float
    event: str
    detail: Detail


RotationOutcome = Literal["ok", "failed"]
ROTATION_OUTCOMES: tuple[RotationOutcome, ...] = get_args(RotationOutcome)


class GameSnapshot(Struct, frozen=True, kw_only=True, gc=False):
    """One game at one instant, for every reader. Times are UNIX seconds; None means not known."""

    feed: str
    game_type: int
    game: str
    state: State
    state_since: float
    state_seconds: dict[State, float]
    interval_seconds: float
    late_after_seconds: float
    freshness_objective: float
    frozen_because: tuple[str, ...]
    tried: bool
    connected: bool
    connection_attempts: int
    disconnects: dict[DisconnectReason, int]
    last_disconnect: DisconnectReason | None
    rotations: dict[RotationOutcome, int]
    overlap_messages: int
    messages: int
    received_bytes: int
    tolerated_updates: int
    timed_updates: int
    late_updates: int
    last_message_at: float | None
    intervals: Distribution
    latencies: Distribution
    clock_offset_seconds: float | None
    sequence_id: int | None
    sequence_missed: int
    betting_timer_seconds: float | None
    betting_timer_stale: bool
    maintenance: bool | None
    round_state: str | None
    round_id: int | None
    round_outcomes: dict[str, int]
    anomalies: dict[tuple[str, str], int]
    invalid_messages: dict[InvalidReason, int]
    maintenance_anomalies: dict[str, int]
    recent_anomalies: tuple[Recent, ...]
    incidents: dict[Party, int]
    incident_since: float | None


RefreshOutcome = Literal["ok", "failed"]

TokenSource = Literal["file", "env", "url"]
TOKEN_SOURCES: tuple[TokenSource, ...] = get_args(TokenSource)


class TokenSnapshot(Struct, frozen=True, kw_only=True):
    """The token of one feed. Times are UNIX seconds.

    `expires_at` is None for a token without an expiry, `renewed_at` where nobody knows when it was put in its
    place, and `renewal_due_at` while nobody is known to renew it.
    """

    feed: str
    valid: bool
    source: TokenSource
    expires_at: float | None
    renewed_at: float | None
    renewal_due_at: float | None
    refreshes: dict[RefreshOutcome, int]
    rejections: int


class HistorySnapshot(Struct, frozen=True):
    """The history's file: why it takes nothing (None while it does), and how many rows were lost."""

    error: str | None
    rows_dropped: int


class Snapshot(Struct, frozen=True, kw_only=True):
    """The whole watch at one instant: what one scrape or one look at the status page shows."""

    taken_at: float
    version: str
    games: tuple[GameSnapshot, ...]
    tokens: tuple[TokenSnapshot, ...]
    loop_stall_seconds: float
    log_lines_dropped: int
    reload_successful: bool
    reload_success_at: float
    history: HistorySnapshot | None = None

    @property
    def ready(self) -> bool:
        """Whether every subscription has been tried."""
        return all(game.tried for game in self.games)
