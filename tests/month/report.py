"""The virtual month in words and tables."""

from pathlib import Path

import msgspec
from msgspec import Struct

from tests.month.month import DAY_SECONDS, Row, Summary
from tests.month.statements import Compared, accountings

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability-month.md"
RECORD = Path(__file__).with_name("recorded.json")

_TEXT = """# A virtual month

Eight games run for {days:g} days at an update every 500 ms, on a simulated clock. A `Monitor` gets each of
the {updates:,} updates as a subscription would give it, and judges every deadline before the next event. A
seeded programme strikes with {faults:,} faults of {kinds} kinds, at random moments and for random lengths.
Between them lie rounds in which nothing is wrong. Arrivals jitter by up to 110 ms throughout. The expected
effect of a fault on states and counts comes from the programme and the definitions alone
(`tests/month/faults.py`). Not a second was skipped. The faults come one at a time; how several at once are
judged is left to the fuzzer.

- The ledger differs from the programme by at most **{off_ms:g} ms** in any state of any game.
- **Precision {precision:g}, recall {recall:g}**: every fault was found with everything that belongs to it
  (anomalies, disconnects, invalid messages, changes of state), and nothing else was found.
- All counters of all games equal the programme's{miscounted}.
- **The statements equal the programme{differences}**, to the microsecond: per game the time in each state and
  booked to each party, what is promised, accountable and lost, and begin, end, party and loss of every
  incident. {statements} statements were made of the history that was written on the way ({written:,} rows,
  {megabytes:.1f} MB): for one watchdog, and for two of which the second lost its path or was killed every two
  hours; over all of it and over its middle third; with four accountings worked out by hand
  ({names}).
  The largest has {incidents:,} incidents, {path:,.0f} seconds that only the second watchdog lost, and took
  {seconds:.1f} s of CPU.

Run on {date} with Python {python} and seed {seed}: {cpu_minutes:.1f} minutes of CPU ({each:.1f} µs per
update, including the time to make it), {wall_minutes:.1f} minutes on {processes} processes. `make month` runs
it again, and `make test` runs a shorter and denser one.

| state | seconds booked, all games |
| --- | ---: |
{states}

*Knowable* is the delay from the instant at which the definitions allow the fault to be known to the latest
of its findings. *Onset* is the delay from the first thing that was wrong to the first finding. On a
simulated clock the monitor is always asked in time. What the loop, the kernel and the network add is
measured elsewhere.

| fault | injected | found | false | knowable p50 | p99 | onset p50 | p99 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}
"""


class Recorded(Struct, frozen=True):
    """A run: when (UTC), on which Python, from which seed, and what it took."""

    date: str
    python: str
    seed: int
    days: float
    processes: int
    cpu_seconds: float
    wall_seconds: float
    summary: Summary
    history: Compared


def recorded() -> Recorded:
    """The last run written down."""
    return msgspec.json.decode(RECORD.read_bytes(), type=Recorded)


def write(run: Recorded) -> None:
    """Write a run down, and the document from it."""
    RECORD.write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    DOCUMENT.write_text(document(run))


def document(run: Recorded) -> str:
    """The whole page."""
    summary, history = run.summary, run.history
    return _TEXT.format(
        days=run.days,
        updates=summary.updates,
        faults=sum(row.injected for row in summary.rows),
        kinds=len(summary.rows),
        off_ms=round(summary.off_seconds * 1000, 3),
        precision=summary.precision,
        recall=summary.recall,
        miscounted=f", except {len(summary.miscounted)}" if summary.miscounted else "",
        differences=f", except in {len(history.differences)} figures" if history.differences else "",
        statements=history.statements,
        written=history.rows,
        megabytes=history.file_bytes / 1e6,
        names="; ".join(accountings((0, 1))),
        incidents=history.incidents,
        path=history.path_seconds,
        seconds=history.seconds,
        date=run.date,
        python=run.python,
        cpu_minutes=run.cpu_seconds / 60,
        each=run.cpu_seconds / summary.updates * 1e6,
        wall_minutes=run.wall_seconds / 60,
        processes=run.processes,
        seed=run.seed,
        states="\n".join(
            f"| `{state}` | {seconds:,.3f} |" for state, seconds in summary.booked_seconds.items()
        ),
        rows=table(summary.rows),
    )


def table(rows: list[Row]) -> str:
    """The lines of the table, one per kind of fault."""
    return "\n".join(
        f"| {row.kind} | {row.injected} | {row.found} | {row.false} | "
        + " | ".join(
            "none" if delay is None else f"{delay:.3f} s"
            for delay in (
                *(row.after_knowable_p50, row.after_knowable_p99),
                *(row.after_onset_p50, row.after_onset_p99),
            )
        )
        + " |"
        for row in rows
    )


def days_of(summary: Summary) -> float:
    """How many days were watched."""
    return round(summary.seconds / DAY_SECONDS, 1)
