"""One game in full: what its feed did and when, and what it said about itself."""

from grafana_foundation_sdk.models.common import LineInterpolation, VisibilityMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import states
from grafana.board import Section, board, marked
from grafana.panels import (
    Panel,
    bars,
    buckets,
    coded,
    density,
    levels,
    lines,
    now,
    numbers,
    over_time,
    reference,
    steps,
)
from grafana.panels import states as timeline
from grafana.queries import (
    ANOMALIES,
    GAME,
    GAMES,
    RANGE,
    RATE,
    anomalies,
    freshness,
    happened,
    quantile,
    worst,
)
from grafana.shared import FRESHNESS, updates_a_second
from grafana.states import BLUE, GREEN, GREY, MAPPINGS, ORANGE, PURPLE, RED, SKY, YELLOW

UNWATCHED = "No data: no watchdog was scraped, or this game is not watched"
NO_UPDATE = "No update arrived in this range"
ROUND_STATES = (
    ("awaiting", 0, GREY),
    ("active", 1, GREEN),
    ("finished", 2, BLUE),
    ("review", 3, YELLOW),
    ("cancelled", 4, RED),
)
QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))


def game() -> str:
    """The JSON of `betcore-game`."""
    return board(
        "betcore-game",
        "BETCORE feed: game",
        "One game: its states, cadence and latency, its betting timer, its rounds and its connection.",
        Section("", [*_headline(), _states().span(24).height(5)]),
        Section("Cadence", [_intervals().span(12).height(9), _interval_quantiles().span(12).height(9)]),
        Section("Latency and clock", [_latency().span(12).height(8), _offset().span(12).height(8)]),
        Section(
            "Sequence",
            [
                _sequence().span(8).height(8),
                _missed().span(8).height(8),
                updates_a_second(UNWATCHED).span(8).height(8),
            ],
        ),
        Section("Betting", [_timer().span(16).height(8), _stale().span(8).height(8)]),
        Section("Rounds", [_round_states().span(12).height(6), _rounds().span(12).height(6)]),
        Section(
            "Connection",
            [
                _connected().span(24).height(4),
                _attempts().span(12).height(8),
                _disconnects().span(12).height(8),
            ],
        ),
        Section("Messages", [_anomalies().span(12).height(8), _invalid().span(12).height(8)]),
        span="30m",
        annotations=[
            marked(
                "Not fresh",
                f'max by ({GAME}, state) (betcore_feed_state{{{GAMES}, state!="fresh"}}) > 0',
                RED,
                title="{{game}}: {{state}}",
                text="{{feed}}, game type {{game_type}}",
                tags="state",
            ),
            *(
                marked(
                    f"Anomaly: {words}",
                    happened(metric, label),
                    ORANGE,
                    title=f"{{{{game}}}}: {words} {{{{{label}}}}}",
                    text="{{feed}}, game type {{game_type}}",
                    tags=label,
                )
                for words, metric, label in ANOMALIES
            ),
        ],
    )


def _headline() -> list[Panel]:
    panels = [
        numbers("State", "What the game is in now.", "none", "not scraped", now(states.code(GAMES)))
        .mappings(MAPPINGS)
        .thresholds(levels({0: GREEN})),
        numbers(
            "Since",
            "When the game came into this state.",
            "dateTimeAsIsoNoDateIfToday",
            "not scraped",
            now(f"1000 * {worst('betcore_feed_state_change_timestamp_seconds')}"),
        ).thresholds(steps({None: GREY})),
        numbers(
            "Last update ago",
            "How long ago the last valid update arrived.",
            "s",
            "no update",
            now(f"time() - {worst('betcore_feed_last_message_timestamp_seconds')}"),
        )
        .decimals(1)
        .thresholds(steps({None: GREY})),
        numbers(
            "Freshness over the range",
            "Fresh seconds of those that the provider or the path answers for.",
            "percentunit",
            "none to judge",
            now(freshness(RANGE)),
        )
        .decimals(3)
        .thresholds(levels(FRESHNESS)),
        numbers(
            "Anomalies in the range",
            "Of the sequence, the betting timer, rounds, timestamps, and invalid messages.",
            "none",
            "not scraped",
            now(anomalies(RANGE)),
        ).thresholds(levels({0: GREEN, 1: ORANGE})),
        numbers(
            "Sequence id",
            "The last sId.",
            "none",
            "no update",
            now(worst("betcore_feed_sequence_id")),
        ).thresholds(steps({None: GREY})),
    ]
    return [panel.span(4).height(4) for panel in panels]


def _states() -> Panel:
    return timeline(
        "State",
        "The state over time. Every second is in exactly one; hover over a span to see how long it lasted.",
        UNWATCHED,
        over_time(states.code(GAMES)),
    )


def _intervals() -> Panel:
    panel = density(
        "Time between updates",
        "How many updates came how long after the one before, by the histogram's buckets. "
        "What lies above the deadline was late. The promise and the deadline are named for 500 and 750 ms; "
        "the graph beside it draws those that are configured.",
        "s",
        NO_UPDATE,
        buckets(f"sum by (le) (increase(betcore_feed_message_interval_seconds_bucket{{{GAMES}}}[{RATE}]))"),
    )
    for bound, name in (("0.5", "0.5 s: promise"), ("0.75", "0.75 s: deadline")):
        panel.override_by_name(bound, [DynamicConfigValue(id_val="displayName", value=name)])
    return panel


def _interval_quantiles() -> Panel:
    metric = "betcore_feed_message_interval_seconds"
    panel = lines(
        "Time between updates: quantiles",
        "Against the promised interval and the deadline after which an update is late, as configured.",
        "s",
        NO_UPDATE,
        *(over_time(quantile(share, metric), f"{{{{game}}}} {name}") for share, name in QUANTILES),
        over_time(f"min(betcore_feed_promised_interval_seconds{{{GAMES}}})", "promise"),
        over_time(f"min(betcore_feed_late_after_seconds{{{GAMES}}})", "deadline"),
    )
    return reference(reference(panel, "promise", SKY), "deadline", RED)


def _latency() -> Panel:
    return lines(
        "Latency",
        "Arrival minus the update's own timestamp (tst). It holds the error of both clocks.",
        "s",
        NO_UPDATE,
        *(
            over_time(quantile(share, "betcore_feed_latency_seconds"), f"{{{{game}}}} {name}")
            for share, name in QUANTILES
        ),
    )


def _offset() -> Panel:
    return lines(
        "Clock offset",
        "The smallest arrival minus tst of the last minute: the least latency plus the error of the clocks. "
        "Below 0 our clock is behind the provider's.",
        "s",
        NO_UPDATE,
        over_time(f"min by ({GAME}) (betcore_feed_clock_offset_seconds{{{GAMES}}})"),
    ).axis_centered_zero(True)


def _sequence() -> Panel:
    return bars(
        "Sequence anomalies",
        "Updates whose sequence id was not the one before plus 1. A gap means lost updates.",
        "none",
        "No sequence anomaly in this range",
        over_time(happened("betcore_feed_sequence_anomalies_total", "kind"), "{{game}} {{kind}}"),
    )


def _missed() -> Panel:
    return bars(
        "Lost updates",
        "Updates that are missing in the sequence.",
        "none",
        "No update was lost in this range",
        over_time(happened("betcore_feed_sequence_missed_total")),
    )


def _timer() -> Panel:
    return (
        lines(
            "Betting timer",
            "The time left to place a bet, as the feed says: a saw tooth that falls a second a second. "
            "Marked where it is stale: frozen, at 0 with betting open, or above 0 with betting closed.",
            "s",
            "The feed says no betting timer in this range",
            over_time(worst("betcore_feed_betting_timer_seconds")),
            over_time(
                f"{worst('betcore_feed_betting_timer_seconds')}"
                f" and on ({GAME}) {worst('betcore_feed_betting_timer_stale')} == 1",
                "{{game}} stale",
            ),
        )
        .line_interpolation(LineInterpolation.STEP_AFTER)
        .override_by_regexp(
            "/ stale$/",
            [
                DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": RED}),
                DynamicConfigValue(id_val="custom.lineWidth", value=4),
                DynamicConfigValue(id_val="custom.showPoints", value=VisibilityMode.ALWAYS),
                DynamicConfigValue(id_val="custom.spanNulls", value=False),
            ],
        )
    )


def _stale() -> Panel:
    return bars(
        "Betting timer anomalies",
        "Occurrences, each counted once however long it lasts.",
        "none",
        "No betting timer anomaly in this range",
        over_time(happened("betcore_feed_betting_timer_anomalies_total", "kind"), "{{game}} {{kind}}"),
    )


def _round_states() -> Panel:
    current = " or ".join(
        f'{code} * (betcore_feed_round_state{{{GAMES}, state="{name}"}} == 1)'
        for name, code, _ in ROUND_STATES
    )
    return timeline(
        "Round",
        "The state of the current game round; empty before the first is seen.",
        "No round seen yet",
        over_time(f"max by ({GAME}) ({current})"),
    ).mappings(coded(ROUND_STATES))


def _rounds() -> Panel:
    return bars(
        "Rounds by outcome, and their anomalies",
        "Rounds that ended, and rounds that were overdue, went back, were skipped or changed their result.",
        "none",
        "No round ended in this range",
        over_time(happened("betcore_feed_rounds_total", "outcome"), "{{game}} {{outcome}}"),
        over_time(happened("betcore_feed_round_anomalies_total", "kind"), "{{game}} {{kind}}"),
    )


def _connected() -> Panel:
    return timeline(
        "Connection and maintenance",
        "Whether the subscription is open, and whether the feed says that the game is in maintenance.",
        UNWATCHED,
        over_time(worst("betcore_feed_connected"), "{{game}} connected"),
        over_time(f"2 + {worst('betcore_feed_maintenance')}", "{{game}} maintenance"),
    ).mappings(
        coded((("closed", 0, PURPLE), ("open", 1, GREEN), ("in service", 2, GREY), ("maintenance", 3, SKY)))
    )


def _attempts() -> Panel:
    return bars(
        "Connection attempts",
        "Attempts to connect, successful or not.",
        "none",
        "No attempt in this range: the connection holds",
        over_time(happened("betcore_feed_connection_attempts_total")),
    )


def _disconnects() -> Panel:
    return bars(
        "Connections lost or refused, by reason",
        "How attempts and connections ended. The runbooks say what each reason means.",
        "none",
        "No connection was lost in this range",
        over_time(happened("betcore_feed_disconnects_total", "reason"), "{{game}} {{reason}}"),
    )


def _anomalies() -> Panel:
    return bars(
        "Timestamp anomalies",
        "Timestamps (tst) that stand still or go back.",
        "none",
        "No timestamp anomaly in this range",
        over_time(happened("betcore_feed_timestamp_anomalies_total", "kind"), "{{game}} {{kind}}"),
    )


def _invalid() -> Panel:
    return bars(
        "Invalid messages, by reason",
        "Messages that were no valid update of this game; they count nowhere else.",
        "none",
        "No invalid message in this range",
        over_time(happened("betcore_feed_invalid_messages_total", "reason"), "{{game}} {{reason}}"),
    )
