"""A soak in words and figures."""

import datetime as dt
import platform
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.soak import storm
from tests.soak.soak import Rest, Soak
from tests.soak.verdict import (
    BLOCKS_PER_HOUR,
    DRIFT_SECONDS,
    MEMORY_KIB_PER_HOUR,
    MEMORY_STEPS_KIB,
    after_warm_up,
    games,
    largest_drift_seconds,
    mistakes,
    restarts,
    slopes,
)
from watchdog.core.ledger import STATES
from watchdog.simulator import FAULTS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability-soak.md"
RECORD = Path(__file__).with_name("recorded.json")

_TEXT = """# Soak

The real `betcore-watchdog run` watches {games} games of two real `simulate` processes for {minutes:.1f}
minutes, in {cycles} cycles of {cycle_seconds:.0f} s. In each cycle the first hub plays every fault it knows
once ({faults} of them, the closed port included). It issues tokens of {token_seconds} s, so its games
switch to new connections. The second hub is killed and started again {restarts_each} times, for half a
second to six, and stopped (SIGSTOP) for two. All its games lose it at once and come back at once.
`/metrics` is scraped every second. At the end of each cycle the games come to rest, and the run compares
what the process holds.

Run on {date} with Python {python}. When a signal asks for it, the process counts Trio's tasks and Python's
memory blocks from inside (`tests/soak/counted.py`). The rest is read from outside. A game that has switched
to a new token keeps one more task until it next loses its connection, so there may be up to {games} more
tasks than at the start. PSS is not judged, because it depends on who else runs the same Python. Growth is
the median of the slopes between any two rests after the first third. A single step does not show in it, so
in addition the last of these rests may hold at most {steps_mib:.0f} MiB more than the first.

| held | at the start | after the warm-up | at the end | bound | growth |
| --- | ---: | ---: | ---: | --- | ---: |
{held}

| checked | bound | measured |
| --- | --- | --- |
| seconds booked over all states less the time passed: the most of any game at any scrape | \
{drift_bound_ms:.0f} ms | {drift_ms:.1f} ms |
| counters that fell between two scrapes | 0 | {fallen} |
| lines on stderr that are not events | 0 | {complaints} |
| exit code after SIGTERM | 0 | {exit_code} |
| broken bounds in all | 0 | {mistakes} |

| event | count |
| --- | ---: |
{counts}

| state | seconds booked, all games |
| --- | ---: |
{states}
"""


class Held(Struct, frozen=True):
    """One thing a process holds: at the start, after the warm-up, at the end, and its growth in an hour."""

    name: str
    start: int
    warm: int
    end: int
    bound: str
    per_hour: float | None = None


class Recorded(Struct, frozen=True):
    """A recorded soak."""

    date: str
    python: str
    duration_seconds: float
    cycle_seconds: float
    games: int
    held: list[Held]
    drift_seconds: float
    fallen: int
    complaints: int
    exit_code: int
    mistakes: list[str]
    counts: dict[str, float]
    states: dict[str, float]


def figures(soak: Soak) -> Recorded:
    """What is recorded of a soak."""
    return Recorded(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        python=platform.python_version(),
        duration_seconds=soak.duration_seconds,
        cycle_seconds=soak.cycle_seconds,
        games=games(soak),
        held=_held(soak),
        drift_seconds=largest_drift_seconds(soak),
        fallen=len(soak.fallen),
        complaints=len(soak.complaints),
        exit_code=soak.exit_code,
        mistakes=list(mistakes(soak)),
        counts=_counts(soak),
        states={state: soak.last.total("betcore_feed_state_seconds_total", state=state) for state in STATES},
    )


def recorded() -> Recorded:
    """The last recorded soak."""
    return msgspec.json.decode(RECORD.read_bytes(), type=Recorded)


def write(run: Recorded) -> None:
    """Record a soak, and write the document from it."""
    RECORD.write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    DOCUMENT.write_text(document(run))


def document(run: Recorded) -> str:
    """The whole page."""
    return _TEXT.format(
        games=run.games,
        minutes=run.duration_seconds / 60,
        cycles=round(run.duration_seconds / run.cycle_seconds),
        cycle_seconds=run.cycle_seconds,
        faults=len(FAULTS),
        token_seconds=storm.TOKEN_SECONDS,
        steps_mib=MEMORY_STEPS_KIB / 1024,
        restarts_each=storm.RESTARTS,
        date=run.date,
        python=run.python,
        held="\n".join(_line(held) for held in run.held),
        drift_bound_ms=DRIFT_SECONDS * 1000,
        drift_ms=run.drift_seconds * 1000,
        fallen=run.fallen,
        complaints=run.complaints,
        exit_code=run.exit_code,
        mistakes=len(run.mistakes),
        counts="\n".join(f"| {name} | {count:,.0f} |" for name, count in run.counts.items()),
        states="\n".join(f"| `{state}` | {seconds:,.1f} |" for state, seconds in run.states.items()),
    )


def _line(held: Held) -> str:
    growth = "not judged" if held.per_hour is None else f"{held.per_hour:+,.0f} an hour"
    return f"| {held.name} | {held.start:,} | {held.warm:,} | {held.end:,} | {held.bound} | {growth} |"


def _held(soak: Soak) -> list[Held]:
    first, warm, last = soak.rests[0], (after_warm_up(soak) or soak.rests)[0], soak.rests[-1]
    grown = slopes(soak)
    rests = (first, warm, last)

    def held(name: str, of: Callable[[Rest], int], bound: str, per_hour: float | None = None) -> Held:
        at_start, after_warm_up, at_end = map(of, rests)
        return Held(name, at_start, after_warm_up, at_end, bound, per_hour)

    memory, blocks = f"+{MEMORY_KIB_PER_HOUR:,.0f} an hour", f"+{BLOCKS_PER_HOUR:,.0f} an hour"
    return [
        held("RSS, KiB", lambda rest: rest.footprint.rss_kib, memory, grown.rss_kib_per_hour),
        held("PSS, KiB", lambda rest: rest.footprint.pss_kib, "none"),
        held("blocks of Python", lambda rest: rest.inside.blocks, blocks, grown.blocks_per_hour),
        held(
            "file descriptors",
            lambda rest: rest.footprint.descriptors,
            "as at the start, after every cycle",
        ),
        held("threads", lambda rest: rest.footprint.threads, "at most one more than at the start"),
        held("Trio tasks", lambda rest: rest.inside.tasks, "up to one more a game"),
    ]


def _counts(soak: Soak) -> dict[str, float]:
    last = soak.last
    disconnects = last.of("betcore_feed_disconnects_total")
    reasons = sorted({dict(labels)["reason"] for labels, count in disconnects.items() if count})
    anomalies = ("sequence", "betting_timer", "timestamp", "round")
    return {
        "scrapes": len(soak.samples),
        "restarts of the second hub": restarts(soak),
        "updates": last.total("betcore_feed_messages_total"),
        "attempts to connect": last.total("betcore_feed_connection_attempts_total"),
        **{
            f"disconnects, {reason}": last.total("betcore_feed_disconnects_total", reason=reason)
            for reason in reasons
        },
        "connections taken over for a new token": last.total("betcore_feed_rotations_total", outcome="ok"),
        "anomalies": sum(last.total(f"betcore_feed_{check}_anomalies_total") for check in anomalies),
        "invalid messages": last.total("betcore_feed_invalid_messages_total"),
        "seconds that our own loop stood still": last.total("watchdog_loop_stall_seconds_total"),
    }
