"""Run the fault matrix and the isolation, and write them down: `python -m tests.acceptance.matrix.report`.

With `--tables` it writes the tables again from the last run, after a change of words.
"""

import datetime as dt
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.acceptance.matrix.isolation import HEALTHY, Isolation, measure
from tests.acceptance.matrix.row import INITIAL_SECONDS, MAX_SECONDS, Place, Row
from tests.acceptance.matrix.rows import ROWS
from tests.acceptance.matrix.run import play

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reliability.md"
RECORD = Path(__file__).with_name("recorded.json")

HEADINGS: dict[Place, str] = {
    "name and TCP": "Name and TCP",
    "TLS": "TLS",
    "upgrade": "WebSocket upgrade",
    "negotiate": "SignalR negotiation",
    "handshake": "SignalR handshake",
    "open connection": "An open connection fails",
    "close": "An open connection is closed",
    "frames": "WebSocket frames",
    "records": "SignalR records",
    "updates": "Updates",
}

_NOTHING = "none"


class Part(Struct, frozen=True):
    """A part of the document that a run writes."""

    begin: str
    end: str

    def part_of(self, document: str) -> str:
        return document.partition(self.begin)[2].partition(self.end)[0]

    def replaced(self, document: str, text: str) -> str:
        before, begin, rest = document.partition(self.begin)
        _, end, after = rest.partition(self.end)
        return before + begin + text + end + after


MATRIX = Part("<!-- the matrix, made by its run -->\n", "<!-- end of the matrix -->\n")
ISOLATION = Part("<!-- the isolation, made by its run -->\n", "<!-- end of the isolation -->\n")


class Recorded(Struct, frozen=True):
    """A run: when (UTC), on which Python, how long, and how soon each game was fresh after its fault."""

    date: str
    python: str
    duration_seconds: float
    recovery_seconds: dict[str, float]
    isolation: Isolation


def recorded() -> Recorded:
    """The last run written down."""
    return msgspec.json.decode(RECORD.read_bytes(), type=Recorded)


def matrix_tables(rows: Sequence[Row], run: Recorded) -> str:
    """The matrix, a table for each place where faults strike."""
    return "\n".join(_matrix_lines(rows, run)) + "\n"


def isolation_table(isolation: Isolation) -> str:
    """What the healthy games went through."""
    return "\n".join(_isolation_lines(isolation)) + "\n"


def _matrix_lines(rows: Sequence[Row], run: Recorded) -> Iterator[str]:
    yield f"{len(rows)} rows. Measured on {run.date} with Python {run.python}: all rows at once in"
    yield f"{run.duration_seconds:.0f} s, with a backoff of {INITIAL_SECONDS:g} to {MAX_SECONDS:g} s."
    for place, members in groupby(rows, key=lambda row: row.strikes):
        yield f"\n### {HEADINGS[place]}\n"
        yield "| fault | counters | state | responsible | log | back within | measured |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
        yield from (f"| {' | '.join(_cells(row, run))} |" for row in members)


def _cells(row: Row, run: Recorded) -> Iterator[str]:
    yield row.name
    yield ", ".join(_counter(row, name, count) for name, count in row.counters.items()) or _NOTHING
    yield f"`{row.state}`"
    yield row.whose
    yield ", ".join(f"`{event}`" for event in row.log) or _NOTHING
    if row.recovers:
        longest = row.pause_seconds[1]
        yield f"{longest:g} s" if longest else "next update"
        yield f"{run.recovery_seconds[row.name]:.2f} s"
    else:
        yield from (_NOTHING, _NOTHING)


def _counter(row: Row, name: str, count: int) -> str:
    family, _, kind = name.partition(":")
    times = f" {count:,}" if row.countable and count > 1 else ""
    return f"`{family}{f'{{{kind}}}' if kind else ''}`{times}"


def _isolation_lines(isolation: Isolation) -> Iterator[str]:
    unobserved = isolation.seconds.get("unobserved", 0.0)
    yield "| measured | figure |"
    yield "| --- | --- |"
    yield f"| games in a fault, healthy games | {isolation.faults}, {HEALTHY} |"
    yield f"| updates of the healthy games | {isolation.updates} |"
    yield f"| of these, stamped without a stall of our own | {isolation.exact} |"
    for bound in ("0.005", "0.01", "0.025"):
        words = f"of these, within {float(bound) * 1000:g} ms of the hub's own stamp"
        yield f"| {words} | {isolation.within[bound]} |"
    yield f"| anomalies, disconnects, invalid messages | {sum(isolation.counters.values()):.0f} |"
    yield f"| seconds `fresh`, of all healthy games together | {isolation.seconds['fresh']:.1f} |"
    yield f"| seconds `unobserved` | {unobserved:.1f} |"
    others = sum(isolation.seconds.values()) - isolation.seconds["fresh"] - unobserved
    yield f"| seconds in any other state | {others:.1f} |"


def _run() -> Recorded:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        seen = play(ROWS, Path(folder))
    duration = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder:
        isolation = measure(Path(folder))
    return Recorded(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        python=platform.python_version(),
        duration_seconds=round(duration, 1),
        recovery_seconds={
            row.name: round(each.recovery_seconds or 0.0, 2)
            for row, each in zip(ROWS, seen, strict=True)
            if row.recovers
        },
        isolation=isolation,
    )


def main() -> None:
    if sys.argv[1:] != ["--tables"]:
        RECORD.write_bytes(msgspec.json.format(msgspec.json.encode(_run()), indent=2) + b"\n")
    run = recorded()
    document = MATRIX.replaced(DOCUMENT.read_text(), matrix_tables(ROWS, run))
    DOCUMENT.write_text(ISOLATION.replaced(document, isolation_table(run.isolation)))


if __name__ == "__main__":
    main()
