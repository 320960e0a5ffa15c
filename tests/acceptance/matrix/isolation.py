"""Fifty games in a fault each, for as long as the run lasts, and ten healthy ones beside them."""

import math
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import trio
from msgspec import Struct

from tests.acceptance.matrix.row import Row
from tests.acceptance.matrix.rows import ROWS
from tests.acceptance.matrix.run import (
    LIMIT_SECONDS,
    LOOK_SECONDS,
    Seen,
    feed_of,
    games,
    read_series,
    watching,
)
from tests.acceptance.processes import Series

FAULTY, HEALTHY = 50, 10
UPDATES = 30
"""How many the healthy games get while all others are in their fault: fifteen seconds."""

LATE_AFTER_SECONDS = 0.75
"""The promise as it is, for the healthy ones."""

_PROMISE = {"interval_seconds": 0.5, "tolerance_seconds": LATE_AFTER_SECONDS - 0.5}
_HEALTHY_ROWS = tuple(
    Row(name=f"healthy {number}", strikes="updates", checks=_PROMISE) for number in range(HEALTHY)
)

# Whatever costs the watchdog most is among the fifty in any case.
_COSTLY = (
    "a body without an end",
    "a frame of 17 MB",
    "a frame that claims exabytes",
    "a head without an end",
    "a record of 17 MB over many frames",
    "fragments without an end",
    "negotiate: a gigabyte",
    "not even pings",
    "100,000 levels deep, and out again",
    "200 broken records at once",
    "updates split in two at every place",
    "200 pings at once",
)


def faulty_rows() -> tuple[Row, ...]:
    """Fifty rows: the costly ones, and others at even distances through the whole matrix."""
    costly = [row for row in ROWS if row.name in _COSTLY]
    others = [row for row in ROWS if row.counters and row not in costly]
    wanted = FAULTY - len(costly)
    return (*costly, *islice(others, 0, None, len(others) // wanted))[:FAULTY]


class Isolation(Struct, frozen=True, kw_only=True):
    """What the healthy games went through while the others were in their faults; seconds."""

    faults: int
    """Rows whose fault was counted or lasted."""
    updates: int
    exact: int
    """Updates whose arrival was stamped by the kernel and not hidden by a stall of ours."""
    within: dict[str, int]
    """Upper bound in seconds → updates whose stamp was not later than that after the hub's own."""
    seconds: dict[str, float]
    """State → seconds of all healthy games together."""
    counters: dict[str, float]
    hub_pause_seconds: float
    """The longest pause that the hub itself made between two updates of a healthy game."""
    late_sends: int = 0
    """Updates that the hub gave to the kernel later than `LATE_SEND_SECONDS` after the stamp in them."""


def measure(folder: Path) -> Isolation:
    """Run it."""
    return trio.run(_measure, folder)


async def _measure(folder: Path) -> Isolation:
    rows = (*faulty_rows(), *_HEALTHY_ROWS)
    feeds = {feed_of(number): row for number, row in enumerate(rows)}
    healthy = {feed: row for feed, row in feeds.items() if row in _HEALTHY_ROWS}
    with trio.fail_after(LIMIT_SECONDS):
        async with watching(feeds, folder, strikes=math.inf) as watch:
            hubs = [watch.hubs[feed] for feed in healthy]
            # The healthy rows are the last to be released.
            while min(hub.served for hub in hubs) < 2:  # noqa: ASYNC110 - the hub counts for itself
                await trio.sleep(LOOK_SECONDS)
            for hub in hubs:
                hub.longest_pause_seconds, hub.late_sends = 0.0, 0
            served = [hub.served for hub in hubs]
            before = await trio.to_thread.run_sync(watch.watched.series)
            struck: set[str] = set()
            while (
                min(hub.served - old for hub, old in zip(hubs, served, strict=True)) < UPDATES
                or len(struck) < FAULTY
            ):
                await trio.sleep(LOOK_SECONDS)
                status = await trio.to_thread.run_sync(watch.watched.status)
                struck |= {
                    feed
                    for feed, game in games(status)
                    if feed not in healthy and _is_struck(feeds[feed], game)
                }
            after = await trio.to_thread.run_sync(watch.watched.series)
            pause = max(hub.longest_pause_seconds for hub in hubs)
            late_sends = sum(hub.late_sends for hub in hubs)
    return _isolation(healthy, before, after, faults=len(struck), pause=pause, late_sends=late_sends)


def _is_struck(row: Row, game: dict[str, Any]) -> bool:
    counted = [game["disconnects"], game["invalid_messages"], *game["anomalies"].values()]
    nothing_to_count = not row.counters
    lasts = game["state"] == row.state != "fresh"
    return nothing_to_count or lasts or any(any(counts.values()) for counts in counted)


def _isolation(
    healthy: Mapping[str, Row],
    before: Series,
    after: Series,
    *,
    faults: int,
    pause: float,
    late_sends: int,
) -> Isolation:
    def risen(name: str, label: str) -> dict[str, float]:
        sums: dict[str, float] = {}
        for key, value in after.items():
            labels = dict(key[1])
            if key[0] == name and labels.get("feed") in healthy:
                sums[labels.get(label, "")] = sums.get(labels.get(label, ""), 0) + value - before.get(key, 0)
        return sums

    seen = {feed: Seen() for feed in healthy}
    read_series(after, seen)
    latencies = risen("betcore_feed_latency_seconds_bucket", "le")
    seconds = risen("betcore_feed_state_seconds_total", "state")
    return Isolation(
        faults=faults,
        updates=int(risen("betcore_feed_messages_total", "")[""]),
        exact=int(latencies["+Inf"]),
        within={bound: int(count) for bound, count in latencies.items()},
        seconds={state: spent for state, spent in seconds.items() if spent},
        counters={key: value for each in seen.values() for key, value in each.counters.items()},
        hub_pause_seconds=pause,
        late_sends=late_sends,
    )
