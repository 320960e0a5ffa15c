"""A fuzzing run in words and figures."""

from pathlib import Path

import msgspec
from msgspec import Struct

from fuzz.limits import (
    FIRST_LOOK,
    GROWN_BLOCKS,
    HANG_SECONDS,
    INSTRUMENTED_HANG_SECONDS,
    MAX_INPUT_BYTES,
    RSS_LIMIT_MB,
)
from fuzz.outcome import Outcome

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "reliability-fuzz.md"
RECORD = Path(__file__).with_name("recorded.json")

_TEXT = """# Fuzzing

`make fuzz` runs atheris (libFuzzer) on the {count} harnesses of `fuzz/harness.py`, one after the other. Each
begins with its committed corpus, which includes a good input of {max_kib} KiB, and with what earlier runs on
the same machine kept. Inputs have up to {max_kib} KiB. An input fails when

- it raises what the reader does not document, or breaks an invariant that the harness asserts;
- it takes more than {instrumented_ms:.0f} ms of CPU time, in each of four tries;
- Python holds over {grown_blocks:,} memory blocks more than after the first {first_look:,} inputs (checked
  each time the number of inputs has doubled), or the process exceeds {rss_mb} MB.

The promise is {hang_ms:.0f} ms for {max_kib} KiB. The bound here is higher, because atheris'
instrumentation makes the slowest inputs take about three times as long. `tests/fuzz` counts the
interpreter's steps instead, which no busy machine changes, on the committed corpus and on hostile inputs of
{max_kib} KiB. A harness does more than the reader alone: `session` reads each input whole and in pieces, and
judges what comes out.

msgspec keeps the last 512 keys of the JSON objects it has read. These are some 500 blocks, and they don't
go on growing.

Run on {date} for {duration} s in all, {each} s per harness, on a machine of {cores} cores with
Python {python} and atheris {atheris}.

| harness | executions | a second | seconds | crashes and hangs | longest input, bytes | slowest input, ms | \
blocks grown | peak MB | corpus | new inputs |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

The longest input and the blocks are as of the last look. The slowest input is the best of four tries, under
the instrumentation.
{failures}"""


class Recorded(Struct, frozen=True):
    """A recorded fuzzing run."""

    date: str
    python: str
    atheris: str
    cores: int
    duration_seconds: int
    seconds_each: int
    outcomes: list[Outcome]


def recorded() -> Recorded:
    """The last recorded run."""
    return msgspec.json.decode(RECORD.read_bytes(), type=Recorded)


def write(run: Recorded) -> None:
    """Record a run, and write the document from it."""
    RECORD.write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    DOCUMENT.write_text(document(run))


def document(run: Recorded) -> str:
    """The whole page."""
    return _TEXT.format(
        count=len(run.outcomes),
        max_kib=MAX_INPUT_BYTES // 1024,
        instrumented_ms=INSTRUMENTED_HANG_SECONDS * 1000,
        hang_ms=HANG_SECONDS * 1000,
        grown_blocks=GROWN_BLOCKS,
        first_look=FIRST_LOOK,
        rss_mb=RSS_LIMIT_MB,
        date=run.date,
        duration=run.duration_seconds,
        each=run.seconds_each,
        cores=run.cores,
        python=run.python,
        atheris=run.atheris,
        rows="\n".join(_row(each) for each in run.outcomes),
        failures="".join(f"\n- `{line}`\n" for line in failures(run)),
    )


def failures(run: Recorded) -> list[str]:
    """The harnesses that crashed or hung, one per line: which, why, and on what input."""
    return [
        f"{each.harness}: {each.failure.what}; input: {each.failure.artifact or 'none kept'}"
        for each in run.outcomes
        if each.failure is not None
    ]


def _row(each: Outcome) -> str:
    cells = (
        each.harness,
        f"{each.executions:,}",
        f"{each.executions_per_second:,}",
        f"{each.seconds:.1f}",
        "0" if each.failure is None else "1",
        f"{each.longest_input_bytes:,}",
        f"{each.slowest_input_ms:.1f}",
        f"{each.grown_blocks:,}",
        f"{each.peak_mb}",
        f"{each.corpus}",
        f"{each.new_inputs}",
    )
    return f"| {' | '.join(cells)} |"
