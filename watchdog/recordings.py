"""The command `replay`: recordings judged again, and what comes out of it in words and as JSON."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from watchdog.config.load import load
from watchdog.config.schema import Config
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.errors import OperatorError
from watchdog.core.findings import Finding
from watchdog.core.recording.lines import Header
from watchdog.core.recording.reader import Recording
from watchdog.core.recording.replay import Difference, Replay
from watchdog.runtime.redaction import present

MOST_LISTED = 10_000
"""So many differences or findings of one recording are listed; all of them are counted."""

_SHOWN_CHARACTERS = 500
_PIECE_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"


class _Outcome(Struct):
    """What came out of one recording; `checks` are other settings than the recorded ones."""

    file: Path
    header: Header
    checks: CheckSettings | None
    complete: bool = False
    findings: int = 0
    differences: int = 0
    listed: list[Finding | Difference] = []
    seconds: dict[str, float] = {}


def replay(files: Sequence[Path], config: Path | None, *, json: bool) -> tuple[str, int]:
    """The text to print and the exit code: 0 all is as recorded, or was judged by a configuration; else 1.

    Raises:
        OperatorError: a file can't be read or is no recording, or the configuration can't be used.

    """
    settings = None if config is None else load(config)
    outcomes, mistakes = [], []
    for file in files:
        try:
            outcomes.append(_replayed(file, settings))
        except OperatorError as error:
            mistakes.append(f"{file}: {_shown(str(error))}")
    if mistakes:
        raise OperatorError("\n".join(mistakes))
    code = 1 if any(outcome.differences for outcome in outcomes) else 0
    if json:
        document = msgspec.json.encode({"recordings": [_facts(outcome) for outcome in outcomes]})
        return msgspec.json.format(document, indent=2).decode() + "\n", code
    return "".join(f"{line}\n" for outcome in outcomes for line in _lines(outcome)), code


def _replayed(file: Path, config: Config | None) -> _Outcome:
    recording = Recording(_pieces(file))
    checks = None if config is None else _checks(config, recording.header)
    run = Replay(recording, checks)
    outcome = _Outcome(file, recording.header, checks)
    for each in run.run():
        if isinstance(each, Difference):
            outcome.differences += 1
        else:
            outcome.findings += 1
        wanted = isinstance(each, Difference) or checks is not None
        if wanted and len(outcome.listed) < MOST_LISTED:
            outcome.listed.append(each)
    outcome.complete = run.complete and not recording.cut_off
    spent = run.monitor.snapshot(run.at, 0.0).state_seconds
    outcome.seconds = {state: seconds for state, seconds in spent.items() if seconds}
    return outcome


def _checks(config: Config, header: Header) -> CheckSettings:
    """The settings of the game as configured; of one that is not, those that every game inherits."""
    for feed in config.feeds:
        for game in feed.games:
            if (feed.name, game.type) == (header.feed, header.game_type):
                return game.checks
    return config.checks


def _pieces(file: Path) -> Iterator[bytes]:
    """The bytes of a recording, unpacked; of one that a crash cut off, those that are there."""
    try:
        with file.open("rb") as raw:
            packed = raw.peek(2)[:2] == _GZIP
            with gzip.GzipFile(fileobj=raw) if packed else raw as source:
                while piece := source.read1(_PIECE_BYTES):
                    yield piece
    except EOFError:
        # The end is missing: the reader takes what came up to its last whole line.
        return
    except (gzip.BadGzipFile, zlib.error) as error:
        raise OperatorError(f"can't be unpacked: {error}") from None
    except OSError as error:
        raise OperatorError(f"can't be read: {error.strerror or error}") from None


def _lines(outcome: _Outcome) -> Iterator[str]:
    """What people read of one recording."""
    header = outcome.header
    game = _shown(f"{header.feed}/{header.game_type} {header.game}")
    for each in outcome.listed:
        if isinstance(each, Difference):
            recorded, replayed = _shown(each.recorded), _shown(each.replayed)
            yield f"{outcome.file}: line {each.line}: recorded {recorded}, replayed {replayed}"
        else:
            particulars = msgspec.json.encode(each.detail).decode()
            yield f"{_time(header, each)}  {_shown(each.event)}  {_shown(particulars)}"
    count = outcome.findings if outcome.checks else outcome.differences
    if left := count - len(outcome.listed):
        yield f"{outcome.file}: … and {left} more"
    cut = "" if outcome.complete else "; the recording is incomplete and was judged up to its last whole line"
    spent = ", ".join(f"{state} {seconds:.3f} s" for state, seconds in outcome.seconds.items())
    if outcome.checks:
        verdict = f"{outcome.findings} finding(s) by other settings"
    elif outcome.differences:
        verdict = f"{outcome.differences} difference(s)"
    else:
        verdict = f"{outcome.findings} finding(s), as recorded"
    yield f"{outcome.file}: {game}: {verdict}; {spent or 'no time'}{cut}"


def _facts(outcome: _Outcome) -> dict[str, Any]:
    header = outcome.header
    facts: dict[str, Any] = {
        "file": str(outcome.file),
        "feed": header.feed,
        "game_type": header.game_type,
        "game": header.game,
        "version": header.version,
        "complete": outcome.complete,
        "finding_count": outcome.findings,
        "seconds": outcome.seconds,
    }
    if outcome.checks is None:
        return facts | {
            "identical": not outcome.differences,
            "difference_count": outcome.differences,
            "differences": outcome.listed,
        }
    findings = [
        {"time": _time(header, each), "event": each.event, "detail": each.detail}
        for each in outcome.listed
        if isinstance(each, Finding)
    ]
    return facts | {"checks": outcome.checks, "findings": findings}


def _time(header: Header, finding: Finding) -> str:
    at = header.at if finding.at is None else finding.at
    try:
        moment = datetime.fromtimestamp(header.wall + at - header.at, UTC)
    except (ValueError, OverflowError):
        return f"{at - header.at:+.6f} s"
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _shown(text: str) -> str:
    """Text of a recording, which may come from anywhere, as a terminal may show it."""
    return present(text, _SHOWN_CHARACTERS)
