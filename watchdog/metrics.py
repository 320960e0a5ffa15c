"""Metrics: one snapshot as Prometheus families, encoded for whoever scrapes."""

import gzip
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar, get_args

from msgspec import Struct
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from watchdog.checks.finding import ANOMALY_KINDS, Check
from watchdog.checks.rounds import OUTCOMES, STATE_NAMES
from watchdog.feed.reasons import DISCONNECT_REASONS, INVALID_REASONS
from watchdog.ledger import STATES
from watchdog.snapshot import (
    ROTATION_OUTCOMES,
    Distribution,
    GameSnapshot,
    RefreshOutcome,
    Snapshot,
    TokenSnapshot,
)

_Subject = TypeVar("_Subject")
_Text = TypeVar("_Text", bound=str)
_Values = Mapping[str, float] | float | None

_GAME = ("feed", "game_type", "game")

# The process and its interpreter, on a registry of our own: the library's global one is anybody's.
_PROCESS = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)
GCCollector(registry=_PROCESS)


class Rendered(Struct, frozen=True):
    """The answer to one scrape: the body and the headers that describe it."""

    body: bytes
    content_type: str
    content_encoding: str | None


def render(snapshot: Snapshot, accept: str, accept_encoding: str) -> Rendered:
    """Encode a snapshot as the scraper's `Accept` and `Accept-Encoding` headers ask.

    Prometheus text or OpenMetrics, plain or gzip. Takes some 10 ms for 20 games: call it in a worker
    thread, never in the loop.
    """
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:
        # The library's answer to a version that is no number; the plain format serves everyone.
        encode, content_type = choose_encoder("")
    body = encode(_Scrape(snapshot))
    if not gzip_accepted(accept_encoding):
        return Rendered(body, content_type, None)
    # An eighth of the default level's time, for nearly its size: a fourteenth of the text.
    return Rendered(gzip.compress(body, compresslevel=1), content_type, "gzip")


class _Family(NamedTuple, Generic[_Subject]):
    """One metric as data: a counter if its name ends in `_total`, a gauge otherwise.

    `read` answers one value, None for an absent series, or with a `label` one value for each of its texts.
    """

    name: str
    help: str
    read: Callable[[_Subject], _Values]
    label: str | None = None

    def over(self, names: tuple[str, ...], subjects: Iterable[tuple[tuple[str, ...], _Subject]]) -> Metric:
        """The family with the series of all subjects, each given with the values of the labels `names`."""
        family_type = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        labels = names if self.label is None else (*names, self.label)
        family = family_type(self.name, self.help, labels=labels)
        for texts, subject in subjects:
            values = self.read(subject)
            if isinstance(values, Mapping):
                for text, value in values.items():
                    family.add_metric((*texts, text), value)
            elif values is not None:
                family.add_metric(texts, values)
        return family


def _each(texts: Iterable[_Text], counts: Mapping[_Text, float]) -> Mapping[str, float]:
    """A value for each text, 0 for what was never counted, so that `increase()` sees the first event."""
    return {text: counts.get(text, 0) for text in texts}


def _one_of(texts: Iterable[str], current: str | None) -> dict[str, float]:
    return {text: text == current for text in texts}


def _anomalies(check: Check) -> Callable[[GameSnapshot], _Values]:
    return lambda game: {kind: game.anomalies.get((check, kind), 0) for kind in ANOMALY_KINDS[check]}


_GAME_FAMILIES: tuple[_Family[GameSnapshot], ...] = (
    _Family(
        "betcore_feed_state",
        "State of the game: 1 for the state it is in, 0 for all others.",
        lambda game: _one_of(STATES, game.state),
        "state",
    ),
    _Family(
        "betcore_feed_state_seconds_total",
        "Seconds booked to each state; their sum over all states is the time watched.",
        lambda game: _each(STATES, game.state_seconds),
        "state",
    ),
    _Family(
        "betcore_feed_state_change_timestamp_seconds",
        "UNIX time since which the game is in its current state.",
        lambda game: game.state_since,
    ),
    _Family(
        "betcore_feed_promised_interval_seconds",
        "Promised time between two updates, as configured (interval_seconds).",
        lambda game: game.interval_seconds,
    ),
    _Family(
        "betcore_feed_late_after_seconds",
        "An update is late, and its game silent, after this time without one (interval + tolerance).",
        lambda game: game.late_after_seconds,
    ),
    _Family(
        "betcore_feed_connected", "1 while subscribed on an open connection.", lambda game: game.connected
    ),
    _Family("betcore_feed_messages_total", "Valid updates received.", lambda game: game.messages),
    _Family(
        "betcore_feed_received_bytes_total",
        "Payload of the valid updates received, in bytes.",
        lambda game: game.received_bytes,
    ),
    _Family(
        "betcore_feed_last_message_timestamp_seconds",
        "UNIX time at which the last update arrived; absent before the first.",
        lambda game: game.last_message_at,
    ),
    _Family(
        "betcore_feed_clock_offset_seconds",
        "Smallest arrival minus tst of the last minute; negative: our clock is behind the provider's.",
        lambda game: game.clock_offset_seconds,
    ),
    _Family(
        "betcore_feed_sequence_id",
        "Sequence id (sId) of the last update; absent before the first.",
        lambda game: game.sequence_id,
    ),
    _Family(
        "betcore_feed_sequence_anomalies_total",
        "Updates whose sequence id was not the one before it plus 1, by kind.",
        _anomalies("sequence"),
        "kind",
    ),
    _Family("betcore_feed_sequence_missed_total", "Updates lost in gaps.", lambda game: game.sequence_missed),
    _Family(
        "betcore_feed_betting_timer_seconds",
        "Time left to place a bet, in seconds, as the last update says it; absent when unknown.",
        lambda game: game.betting_timer_seconds,
    ),
    _Family(
        "betcore_feed_betting_timer_stale",
        "1 while the betting timer is frozen, expired with betting open, or lingers with betting closed.",
        lambda game: game.betting_timer_stale,
    ),
    _Family(
        "betcore_feed_betting_timer_anomalies_total",
        "Occurrences of a betting timer that contradicts itself or the game, by kind.",
        _anomalies("betting_timer"),
        "kind",
    ),
    _Family(
        "betcore_feed_maintenance",
        "1 while the last update says that the game is in maintenance (im).",
        lambda game: bool(game.maintenance),
    ),
    _Family(
        "betcore_feed_round_state",
        "State of the game round (s): 1 for the current one; all 0 before the first round is seen.",
        lambda game: _one_of(STATE_NAMES.values(), game.round_state),
        "state",
    ),
    _Family(
        "betcore_feed_rounds_total",
        "Game rounds that came to an end, by outcome.",
        lambda game: _each(OUTCOMES.values(), game.round_outcomes),
        "outcome",
    ),
    _Family(
        "betcore_feed_round_anomalies_total",
        "Occurrences of a game round that breaks the order, the time or its results, by kind.",
        _anomalies("round"),
        "kind",
    ),
    _Family(
        "betcore_feed_timestamp_anomalies_total",
        "Occurrences of a timestamp (tst) that stands still or goes back, by kind.",
        _anomalies("timestamp"),
        "kind",
    ),
    _Family(
        "betcore_feed_invalid_messages_total",
        "Messages that were no valid update of this game, by reason; they count nowhere else.",
        lambda game: _each(INVALID_REASONS, game.invalid_messages),
        "reason",
    ),
    _Family(
        "betcore_feed_connection_attempts_total",
        "Attempts to connect, successful or not.",
        lambda game: game.connection_attempts,
    ),
    _Family(
        "betcore_feed_disconnects_total",
        "Connections that ended and attempts that failed, by reason.",
        lambda game: _each(DISCONNECT_REASONS, game.disconnects),
        "reason",
    ),
    _Family(
        "betcore_feed_rotations_total",
        "Times that a connection with a new token was to take over from the present one, by outcome.",
        lambda game: _each(ROTATION_OUTCOMES, game.rotations),
        "outcome",
    ),
    _Family(
        "betcore_feed_overlap_messages_total",
        "Updates that came a second time while one connection took over from another; counted nowhere else.",
        lambda game: game.overlap_messages,
    ),
)

_TOKEN_FAMILIES: tuple[_Family[TokenSnapshot], ...] = (
    _Family(
        "betcore_token_expiry_timestamp_seconds",
        "UNIX time at which the token expires, from its exp claim; absent for a token without one.",
        lambda token: token.expires_at,
    ),
    _Family(
        "betcore_token_valid",
        "0 while the token is missing, expired, not yet valid or was last rejected.",
        lambda token: token.valid,
    ),
    _Family(
        "betcore_token_refreshes_total",
        "Attempts to get a new token, by outcome.",
        lambda token: _each(get_args(RefreshOutcome), token.refreshes),
        "outcome",
    ),
    _Family(
        "betcore_token_rejections_total",
        "Connection attempts that the provider answered with 401 or 403.",
        lambda token: token.rejections,
    ),
)

_WATCHDOG_FAMILIES: tuple[_Family[Snapshot], ...] = (
    _Family(
        "watchdog_loop_stall_seconds_total",
        "Seconds by which the watchdog's own loop was late beyond 100 ms.",
        lambda snapshot: snapshot.loop_stall_seconds,
    ),
    _Family(
        "watchdog_log_lines_dropped_total",
        "Log lines that could not be written: stderr is closed, full or not read.",
        lambda snapshot: snapshot.log_lines_dropped,
    ),
    _Family(
        "watchdog_config_last_reload_successful",
        "1 if the last reload of the configuration succeeded, 0 if the one before it still holds.",
        lambda snapshot: snapshot.reload_successful,
    ),
    _Family(
        "watchdog_config_last_reload_success_timestamp_seconds",
        "UNIX time at which the configuration in use was read.",
        lambda snapshot: snapshot.reload_success_at,
    ),
)


class _Scrape(Collector):
    """All families of one snapshot: a scrape is one consistent instant and leaves nothing behind."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """The families, in the order of the interface."""
        games = [((game.feed, str(game.game_type), game.game), game) for game in self._snapshot.games]
        for family in _GAME_FAMILIES:
            yield family.over(_GAME, games)
        yield _histogram(
            "betcore_feed_message_interval_seconds",
            "Seconds between two updates of one connection; the promise is 0.5.",
            ((labels, game.intervals) for labels, game in games),
        )
        yield _histogram(
            "betcore_feed_latency_seconds",
            "Seconds from an update's tst to its arrival, by the clocks of both sides; at least 0.",
            ((labels, game.latencies) for labels, game in games),
        )
        tokens = [((token.feed,), token) for token in self._snapshot.tokens]
        for token_family in _TOKEN_FAMILIES:
            yield token_family.over(("feed",), tokens)
        for watchdog_family in _WATCHDOG_FAMILIES:
            yield watchdog_family.over((), [((), self._snapshot)])
        yield _build_info(self._snapshot.version)
        yield from _PROCESS.collect()


def _histogram(
    name: str, documentation: str, subjects: Iterable[tuple[tuple[str, ...], Distribution]]
) -> Metric:
    family = HistogramMetricFamily(name, documentation, labels=_GAME)
    for labels, distribution in subjects:
        bounds = (*distribution.bounds, float("inf"))
        buckets = zip(map(floatToGoString, bounds), accumulate(distribution.counts), strict=True)
        family.add_metric(labels, list(buckets), distribution.total)
    return family


def _build_info(version: str) -> Metric:
    info = GaugeMetricFamily(
        "watchdog_build_info",
        "Always 1; the labels tell the watchdog's version and the Python it runs on.",
        labels=("version", "python"),
    )
    info.add_metric((version, platform.python_version()), 1)
    return info
