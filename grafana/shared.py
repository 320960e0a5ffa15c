"""Panels and levels that more than one dashboard shows."""

from grafana_foundation_sdk.builders import timeseries

from grafana.panels import Colours, lines, over_time, reference
from grafana.queries import GAMES, per_second
from grafana.states import GREEN, RED, SKY, YELLOW

FRESHNESS: Colours = {0: RED, 0.99: YELLOW, 0.999: GREEN}
"""The levels of freshness, for the objective of 99.9 %."""


def updates_a_second(empty: str) -> timeseries.Panel:
    """The rate of updates of each game, next to the promised one."""
    panel = lines(
        "Updates a second",
        "Updates received a second, against what the provider promises: two at an interval of 500 ms.",
        "cps",
        empty,
        over_time(per_second("betcore_feed_messages_total")),
        over_time(f"1 / min(betcore_feed_promised_interval_seconds{{{GAMES}}})", "promised"),
    )
    return reference(panel, "promised", SKY)
