"""PromQL that several panels share. What several watchdogs on one feed see at the same time counts once."""

from collections.abc import Sequence

GAMES = 'feed=~"$feed", game=~"$game"'
"""The games chosen at the top of the dashboard."""
FEEDS = 'feed=~"$feed"'
GAME = "feed, game_type, game"
"""The labels of one game."""
RATE = "$__rate_interval"
RANGE = "$__range"

ACCOUNTABLE = "fresh|frozen|silent|disconnected"
"""The states that the freshness objective is about."""

ANOMALIES = (
    ("sequence", "betcore_feed_sequence_anomalies_total", "kind"),
    ("betting timer", "betcore_feed_betting_timer_anomalies_total", "kind"),
    ("round", "betcore_feed_round_anomalies_total", "kind"),
    ("timestamp", "betcore_feed_timestamp_anomalies_total", "kind"),
    ("invalid", "betcore_feed_invalid_messages_total", "reason"),
)
"""What can be wrong with a feed that delivers: words for people, the counter, the label with details."""


def worst(metric: str, labels: str = GAME, selector: str = GAMES) -> str:
    """A gauge: the highest value of several watchdogs."""
    return f"max by ({labels}) ({metric}{{{selector}}})"


def events(metric: str, window: str, *by: str, selector: str = GAMES) -> str:
    """How often something was counted within a window, by game and the further labels of `by`.

    Of several watchdogs, the one that saw most counts.
    """
    labels = ", ".join((GAME, *by))
    return f"max by ({labels}) (increase({metric}{{{selector}}}[{window}]))"


def happened(metric: str, *by: str) -> str:
    """What was counted in each interval; no series where nothing was."""
    return f"round({events(metric, RATE, *by)}) > 0"


def anomalies(window: str) -> str:
    """All anomalies of a game within a window, in whole numbers."""
    summed = (f"sum by ({GAME}) ({events(metric, window, label)})" for _, metric, label in ANOMALIES)
    return f"round({' + '.join(summed)})"


def per_second(metric: str) -> str:
    """A counter's rate, averaged over the watchdogs."""
    return f"avg by ({GAME}) (rate({metric}{{{GAMES}}}[{RATE}]))"


def seconds(states: str, window: str = RANGE, labels: str = GAME) -> str:
    """Seconds on the clock booked to states (a regular expression); several watchdogs count as their mean."""
    series = f'betcore_feed_state_seconds_total{{{GAMES}, state=~"{states}"}}'
    watchdogs = f"avg_over_time(betcore:feed_watchdogs:count{{{FEEDS}}}[{window}])"
    once = f"sum by ({GAME}) (increase({series}[{window}])) / on (feed, game_type) group_left () {watchdogs}"
    return once if labels == GAME else f"sum by ({labels}) ({once})"


def freshness(window: str, labels: str = GAME) -> str:
    """The fresh share of what the provider or the path is responsible for; absent where that is nothing."""
    return f"({seconds('fresh', window, labels)}) / ({seconds(ACCOUNTABLE, window, labels)} > 0)"


def quantile(share: float, metric: str, labels: Sequence[str] = ("feed", "game_type", "game")) -> str:
    """A quantile of a histogram, also where Prometheus 3 has converted it and keeps no buckets."""
    by = ", ".join(labels)
    return (
        f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket{{{GAMES}}}[{RATE}])))"
        f" or histogram_quantile({share}, sum by ({by}) (rate({metric}{{{GAMES}}}[{RATE}])))"
    )
