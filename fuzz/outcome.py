"""The outcome of one harness' run, read from the output of libFuzzer and `fuzz.limits`."""

import re

from msgspec import Struct

_STATISTIC = re.compile(r"^stat::(\w+):\s+(-?[\d.]+)$", re.MULTILINE)
_CORPUS = re.compile(r" corp: (\d+)/")
_EXCEPTION = re.compile(r"^ === Uncaught Python exception: ===\n(.+)$", re.MULTILINE)
_SUMMARY = re.compile(r"^SUMMARY: libFuzzer: (.+)$", re.MULTILINE)
_ARTIFACT = re.compile(r"Test unit written to (\S+)$", re.MULTILINE)


class Failure(Struct, frozen=True):
    """A crash or a hang: what it was, and the file that has the input, where there is one."""

    what: str
    artifact: str | None = None


class Outcome(Struct, frozen=True):
    """One harness' run; the memory blocks are those held beyond those after the first inputs."""

    harness: str
    executions: int
    executions_per_second: int
    seconds: float
    longest_input_bytes: int
    slowest_input_ms: float
    grown_blocks: int
    peak_mb: int
    corpus: int
    new_inputs: int
    failure: Failure | None = None


def outcome(harness: str, output: str, exit_code: int | None, seconds: float) -> Outcome:
    """The outcome in a run's output; missing figures are 0, and no exit code means that it was killed."""
    told = {name: float(value) for name, value in _STATISTIC.findall(output)}  # the last one counts
    corpus = _CORPUS.findall(output)
    return Outcome(
        harness=harness,
        executions=int(told.get("number_of_executed_units", 0)),
        executions_per_second=int(told.get("average_exec_per_sec", 0)),
        seconds=round(seconds, 1),
        longest_input_bytes=int(told.get("longest_input_bytes", 0)),
        slowest_input_ms=told.get("slowest_input_ms", 0.0),
        grown_blocks=int(told.get("grown_blocks", 0)),
        peak_mb=int(told.get("peak_rss_mb", 0)),
        corpus=int(corpus[-1]) if corpus else 0,
        new_inputs=int(told.get("new_units_added", 0)),
        failure=_failure(output, exit_code),
    )


def _failure(output: str, exit_code: int | None) -> Failure | None:
    if exit_code == 0:
        return None
    said = _EXCEPTION.search(output) or _SUMMARY.search(output)
    ended = "it did not end" if exit_code is None else f"it ended with exit code {exit_code}"
    artifact = _ARTIFACT.search(output)
    # An exception's text may quote the input, whose control characters must not reach the terminal.
    return Failure(ascii(said[1])[1:-1] if said else ended, artifact[1] if artifact else None)
