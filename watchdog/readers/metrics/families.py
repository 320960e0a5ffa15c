"""The metrics as data: the name of each, its meaning, and where a snapshot has its value."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, get_args

from watchdog.core.checks.rounds import OUTCOMES, STATE_NAMES
from watchdog.core.checks.suite import ANOMALY_KINDS, MAINTENANCE_KINDS
from watchdog.core.ledger import PARTIES, STATES
from watchdog.core.protocol.reasons import DISCONNECT_REASONS, INVALID_REASONS
from watchdog.core.snapshot import (
    ROTATION_OUTCOMES,
    TOKEN_SOURCES,
    GameSnapshot,
    RefreshOutcome,
    Snapshot,
    TokenSnapshot,
)
from watchdog.readers.metrics.family import Family, HistogramFamily, Values

_Text = TypeVar("_Text", bound=str)


def _each(texts: Iterable[_Text], counts: Mapping[_Text, float]) -> Mapping[str, float]:
    """A value for each text: 0 for what was never counted, so that `increase()` sees the first event."""
    return {text: counts.get(text, 0) for text in texts}


def _one_of(texts: Iterable[str], current: str | None) -> dict[str, float]:
    return {text: text == current for text in texts}


def _anomalies(check: str) -> Callable[[GameSnapshot], Values]:
    return lambda game: {kind: game.anomalies.get((check, kind), 0) for kind in ANOMALY_KINDS[check]}


OF_A_GAME: tuple[Family[GameSnapshot], ...] = (
    Family(
        "betcore_feed_state",
        "State of the game: 1 for the state it is in, 0 for all others.",
        lambda game: _one_of(STATES, game.state),
        "state",
    ),
    Family(
        "betcore_feed_state_seconds_total",
        "Seconds booked to each state; their sum over all states is the time watched.",
        lambda game: _each(STATES, game.state_seconds),
        "state",
    ),
    Family(
        "betcore_feed_state_change_timestamp_seconds",
        "UNIX time since which the game is in its current state.",
        lambda game: game.state_since,
    ),
    Family(
        "betcore_feed_promised_interval_seconds",
        "Promised time between two updates, as configured (interval_seconds).",
        lambda game: game.interval_seconds,
    ),
    Family(
        "betcore_feed_late_after_seconds",
        "An update is late, and its game silent, after this time without one (interval + tolerance).",
        lambda game: game.late_after_seconds,
    ),
    Family(
        "betcore_feed_freshness_objective_ratio",
        "Share of the accountable time in which the game is to be fresh, as configured ([slo] freshness).",
        lambda game: game.freshness_objective,
    ),
    Family(
        "betcore_feed_connected", "1 while subscribed on an open connection.", lambda game: game.connected
    ),
    Family("betcore_feed_messages_total", "Valid updates received.", lambda game: game.messages),
    Family(
        "betcore_feed_received_bytes_total",
        "Payload of the valid updates received, in bytes.",
        lambda game: game.received_bytes,
    ),
    Family(
        "betcore_feed_timed_updates_total",
        "Updates whose interval to the one before was measured outside maintenance.",
        lambda game: game.timed_updates,
    ),
    Family(
        "betcore_feed_late_updates_total",
        "Timed updates that came later than the game's own interval + tolerance.",
        lambda game: game.late_updates,
    ),
    Family(
        "betcore_feed_tolerated_updates_total",
        "Updates with a field that no check reads and that was not as documented; they were judged.",
        lambda game: game.tolerated_updates,
    ),
    Family(
        "betcore_feed_last_message_timestamp_seconds",
        "UNIX time at which the last update arrived; absent before the first.",
        lambda game: game.last_message_at,
    ),
    Family(
        "betcore_feed_clock_offset_seconds",
        "Smallest arrival minus tst of the last minute; negative: our clock is behind the provider's.",
        lambda game: game.clock_offset_seconds,
    ),
    Family(
        "betcore_feed_sequence_id",
        "Sequence id (sId) of the last update; absent before the first.",
        lambda game: game.sequence_id,
    ),
    Family(
        "betcore_feed_sequence_anomalies_total",
        "Updates whose sequence id was not the one before it plus 1, by kind.",
        _anomalies("sequence"),
        "kind",
    ),
    Family("betcore_feed_sequence_missed_total", "Updates lost in gaps.", lambda game: game.sequence_missed),
    Family(
        "betcore_feed_betting_timer_seconds",
        "Time left to place a bet, in seconds, as the last update says it; absent when unknown.",
        lambda game: game.betting_timer_seconds,
    ),
    Family(
        "betcore_feed_betting_timer_stale",
        "1 while the betting timer is frozen, expired with betting open, or lingers with betting closed.",
        lambda game: game.betting_timer_stale,
    ),
    Family(
        "betcore_feed_betting_timer_anomalies_total",
        "Occurrences of a betting timer that contradicts itself or the game, by kind.",
        _anomalies("betting_timer"),
        "kind",
    ),
    Family(
        "betcore_feed_maintenance",
        "1 while the last update says that the game is in maintenance (im).",
        lambda game: bool(game.maintenance),
    ),
    Family(
        "betcore_feed_round_state",
        "State of the game round (s): 1 for the current one; all 0 before the first round is seen.",
        lambda game: _one_of(STATE_NAMES.values(), game.round_state),
        "state",
    ),
    Family(
        "betcore_feed_rounds_total",
        "Game rounds that came to an end, by outcome.",
        lambda game: _each(OUTCOMES.values(), game.round_outcomes),
        "outcome",
    ),
    Family(
        "betcore_feed_round_anomalies_total",
        "Occurrences of a game round that breaks the order, the time or its results, by kind.",
        _anomalies("round"),
        "kind",
    ),
    Family(
        "betcore_feed_timestamp_anomalies_total",
        "Occurrences of a timestamp (tst) that stands still or goes back, by kind.",
        _anomalies("timestamp"),
        "kind",
    ),
    Family(
        "betcore_feed_invalid_messages_total",
        "Messages that were no valid update of this game, by reason; they count nowhere else.",
        lambda game: _each(INVALID_REASONS, game.invalid_messages),
        "reason",
    ),
    Family(
        "betcore_feed_maintenance_anomalies_total",
        "Anomalies and invalid messages in maintenance, by kind or reason; they count nowhere else.",
        lambda game: _each(MAINTENANCE_KINDS, game.maintenance_anomalies),
        "kind",
    ),
    Family(
        "betcore_feed_connection_attempts_total",
        "Attempts to connect, successful or not.",
        lambda game: game.connection_attempts,
    ),
    Family(
        "betcore_feed_disconnects_total",
        "Connections that ended and attempts that failed, by reason.",
        lambda game: _each(DISCONNECT_REASONS, game.disconnects),
        "reason",
    ),
    Family(
        "betcore_feed_rotations_total",
        "Times that a connection with a new token was to take over from the present one, by outcome.",
        lambda game: _each(ROTATION_OUTCOMES, game.rotations),
        "outcome",
    ),
    Family(
        "betcore_feed_overlap_messages_total",
        "Updates that came a second time while one connection took over from another; counted nowhere else.",
        lambda game: game.overlap_messages,
    ),
    Family(
        "betcore_feed_incidents_total",
        "Incidents that began, by whose they were at that time.",
        lambda game: _each(PARTIES, game.incidents),
        "whose",
    ),
    Family(
        "betcore_feed_incident_start_timestamp_seconds",
        "UNIX time at which the incident that goes on began; absent without one.",
        lambda game: game.incident_since,
    ),
)

OF_A_FEED: tuple[Family[TokenSnapshot], ...] = (
    Family(
        "betcore_token_expiry_timestamp_seconds",
        "UNIX time at which the token expires, from its exp claim; absent for a token without one.",
        lambda token: token.expires_at,
    ),
    Family(
        "betcore_token_source",
        "Where the token comes from: 1 for the source that is configured, 0 for the others.",
        lambda token: _one_of(TOKEN_SOURCES, token.source),
        "source",
    ),
    Family(
        "betcore_token_renewed_timestamp_seconds",
        "UNIX time at which the token in use was written to its file or given by the endpoint.",
        lambda token: token.renewed_at,
    ),
    Family(
        "betcore_token_renewal_due_timestamp_seconds",
        "UNIX time at which the next token is due, as planned or as the last renewal shows; else absent.",
        lambda token: token.renewal_due_at,
    ),
    Family(
        "betcore_token_valid",
        "0 while the token is missing, expired, not yet valid or was last rejected.",
        lambda token: token.valid,
    ),
    Family(
        "betcore_token_refreshes_total",
        "Attempts to get a new token, by outcome.",
        lambda token: _each(get_args(RefreshOutcome), token.refreshes),
        "outcome",
    ),
    Family(
        "betcore_token_rejections_total",
        "Connection attempts that the provider answered with 401 or 403.",
        lambda token: token.rejections,
    ),
)

OF_THE_WATCHDOG: tuple[Family[Snapshot], ...] = (
    Family(
        "watchdog_loop_stall_seconds_total",
        "Seconds by which the watchdog's own loop was late beyond 100 ms.",
        lambda snapshot: snapshot.loop_stall_seconds,
    ),
    Family(
        "watchdog_log_lines_dropped_total",
        "Log lines that could not be written: stderr is closed, full or not read.",
        lambda snapshot: snapshot.log_lines_dropped,
    ),
    Family(
        "watchdog_config_last_reload_successful",
        "1 if the last reload of the configuration succeeded, 0 if the one before it still holds.",
        lambda snapshot: snapshot.reload_successful,
    ),
    Family(
        "watchdog_config_last_reload_success_timestamp_seconds",
        "UNIX time at which the configuration in use was read.",
        lambda snapshot: snapshot.reload_success_at,
    ),
    Family(
        "watchdog_history_up",
        "1 while the history takes what is written, 0 while it can't be used; absent without [history].",
        lambda snapshot: None if snapshot.history is None else snapshot.history.error is None,
    ),
    Family(
        "watchdog_history_rows_dropped_total",
        "Rows of the history that were lost because it took none for too long; absent without [history].",
        lambda snapshot: None if snapshot.history is None else snapshot.history.rows_dropped,
    ),
)


HISTOGRAMS_OF_A_GAME: tuple[HistogramFamily, ...] = (
    HistogramFamily(
        "betcore_feed_message_interval_seconds",
        "Seconds between two updates of one connection; the promise is 0.5.",
        lambda game: game.intervals,
    ),
    HistogramFamily(
        "betcore_feed_latency_seconds",
        "Seconds from an update's tst to its arrival, by the clocks of both sides; at least 0.",
        lambda game: game.latencies,
    ),
)
