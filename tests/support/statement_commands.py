"""The commands about what was, called as a user does, on a history with a known day in it."""

from typing import Any

import msgspec

from tests.support.histories import rollup, watched
from watchdog import cli
from watchdog.core.history import History
from watchdog.core.statement.records import Statement

DAY = 86_400
PERIOD = ("--from", "2026-11-02", "--to", "2026-11-03")
SILENT_ID = "betcore-3-20261102T010000Z"

_STEPS = [
    *((0, "fresh"), (3_600, "silent"), (3_690.5, "fresh")),
    *((40_000, "disconnected", ("dns",)), (40_020, "fresh")),
]


def seen(until: float = DAY, **changes: Any) -> History:
    """Game 3 is silent, cut off and misses updates, each in an incident of its own; game 7 is well."""
    return watched(
        {3: _STEPS, 7: [(0, "fresh")]},
        until,
        anomalies=[(50_000, "sequence.gap", '{"missed":2}')],
        rollups=[rollup(0, 7_000, late=3)],
        **changes,
    )


def called(capsys: Any, *arguments: object) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to either stream."""
    try:
        code = cli.main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def made(capsys: Any, *arguments: object) -> str:
    """What a command that succeeds writes."""
    code, out, err = called(capsys, *arguments)
    assert (code, err) == (0, "")
    return out


def refused(capsys: Any, *arguments: object) -> str:
    """The one line with which a command is refused."""
    code, out, err = called(capsys, *arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    return line.removeprefix("betcore-watchdog: ")


def statement_of(text: str | bytes) -> Statement:
    return msgspec.json.decode(text, type=Statement)
