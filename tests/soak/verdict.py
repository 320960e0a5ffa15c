"""What a soak has to show, and how far from it a soak is."""

from collections.abc import Iterator
from itertools import combinations
from statistics import median

from msgspec import Struct

from tests.soak import storm
from tests.soak.soak import Rest, Soak

WARM_UP_SHARE = 1 / 3
"""Caches, buffers and the heap fill up in the first third; nothing is said of memory before."""

MEMORY_KIB_PER_HOUR = 2048.0
MEMORY_STEPS_KIB = 2048
"""Of the last rest over the first one after the warm-up: a single step, of which the slope says nothing."""

BLOCKS_PER_HOUR = 10_000.0
"""Of 260,000: less than 4 % in an hour."""

DRIFT_SECONDS = 0.05
ENOUGH_RESTS = 6
"""With fewer of them after the warm-up no slope can be told."""


class Slopes(Struct, frozen=True):
    """How the memory grows after the warm-up, in an hour; None where the soak was too short to tell."""

    rss_kib_per_hour: float | None
    blocks_per_hour: float | None


def slopes(soak: Soak) -> Slopes:
    """Medians of the slopes between any two rests after the warm-up: a leak shows, a single step does not."""
    rests = after_warm_up(soak)
    if len(rests) < ENOUGH_RESTS:
        return Slopes(None, None)
    return Slopes(
        _median_slope([(rest.at, rest.footprint.rss_kib) for rest in rests]),
        _median_slope([(rest.at, rest.inside.blocks) for rest in rests]),
    )


def _median_slope(points: list[tuple[float, int]]) -> float:
    """What the points grow by in an hour."""
    pairs = combinations(points, 2)
    return median((held - before) / (at - since) * 3600.0 for (since, before), (at, held) in pairs)


def after_warm_up(soak: Soak) -> list[Rest]:
    """The rests that memory is judged by."""
    return [rest for rest in soak.rests if rest.at >= WARM_UP_SHARE * soak.duration_seconds]


def largest_drift_seconds(soak: Soak) -> float:
    """The largest difference between the seconds booked and those that passed, of any game at any scrape."""
    return max(abs(off) for sample in soak.samples for off in sample.drift_seconds.values())


def mistakes(soak: Soak) -> Iterator[str]:
    """What is not as it has to be, a line each."""
    if soak.exit_code:
        yield f"the watchdog ended with {soak.exit_code} after SIGTERM"
    if soak.complaints:
        yield f"{len(soak.complaints)} lines on stderr that are no events: {soak.complaints[-1]}"
    if soak.fallen:
        yield f"{len(soak.fallen)} counters fell: {soak.fallen[0]}"
    if (off := largest_drift_seconds(soak)) > DRIFT_SECONDS:
        yield f"the seconds booked are {off:.3f} s off the time that passed, more than {DRIFT_SECONDS} s"
    if not soak.last.all_fresh():
        late = {game: state for game, state in soak.last.states().items() if state != "fresh"}
        yield f"not every game came back: {late}"
    yield from _growth(soak)


def _growth(soak: Soak) -> Iterator[str]:
    first, *later = soak.rests
    if not later:
        yield "the games never came to rest"
    for rest in later:
        held, before = rest.footprint, first.footprint
        if held.descriptors != before.descriptors:
            yield f"{_where(rest)}: {held.descriptors} descriptors, {before.descriptors} before"
        # Trio keeps idle worker threads for ten seconds: a scrape that meets a token's may need a second one.
        if held.threads > before.threads + 1:
            yield f"{_where(rest)}: {held.threads} threads, {before.threads} before"
        # A game that has gone over to a new token keeps one more task until its connection is lost.
        more = rest.inside.tasks - first.inside.tasks
        if not 0 <= more <= games(soak):
            yield f"{_where(rest)}: {rest.inside.tasks} tasks, {first.inside.tasks} before"
    grown = slopes(soak)
    bounds = [
        ("KiB of memory", grown.rss_kib_per_hour, MEMORY_KIB_PER_HOUR),
        ("blocks of Python", grown.blocks_per_hour, BLOCKS_PER_HOUR),
    ]
    for name, growth, bound in bounds:
        if growth is not None and growth > bound:
            yield f"{name} grow by {growth:.0f} an hour, more than {bound:.0f}"
    warm = [rest.footprint.rss_kib for rest in after_warm_up(soak)] or [0]
    if grown.rss_kib_per_hour is not None and warm[-1] - warm[0] > MEMORY_STEPS_KIB:
        yield f"{warm[-1] - warm[0]} KiB more memory than after the warm-up, more than {MEMORY_STEPS_KIB}"


def games(soak: Soak) -> int:
    """How many games were watched."""
    return len(soak.last.watched_seconds())


def restarts(soak: Soak) -> int:
    """How often all games of a hub lost it and came back."""
    return storm.RESTARTS * round(soak.duration_seconds / soak.cycle_seconds)


def _where(rest: Rest) -> str:
    return f"after cycle {rest.cycle}"
