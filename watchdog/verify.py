"""The command that computes a statement again, and lists every difference."""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from watchdog import __version__
from watchdog.archive.reading import Period
from watchdog.core.errors import OperatorError
from watchdog.core.statement.records import IncidentLine, Statement
from watchdog.core.statement.schedule import instant
from watchdog.core.statement.verification import Difference, contradictions
from watchdog.core.statement.verification import verify as recompute
from watchdog.readers.report import document
from watchdog.runtime.redaction import present
from watchdog.statements import Choice, Step, zone_of

MOST_STATEMENT_BYTES = 64 * 1024 * 1024
"""What is longer is no statement: one of a hundred games and ten thousand incidents has a tenth of it."""

_LONGEST_LINE = 2_000


def verify(
    path: Path,
    sources: Sequence[str],
    *,
    evidence: Path | None,
    user_file: Path | None,
    step: Step,
) -> tuple[list[str], str]:
    """Every difference of a statement from the histories, a line for each, and what to say without one.

    Raises:
        OperatorError: the statement or a source can't be used.

    """
    step(f"reading {path.name}")
    stated = _read_statement(path)
    zone = zone_of(stated.period.timezone, f"{path}: period.timezone")
    if evidence is not None and not evidence.is_dir():
        raise OperatorError(f"--evidence: {evidence}: no such folder")
    if sources:
        period = Period(instant(stated.period.start, UTC), instant(stated.period.end, UTC))
        history = Choice(sources=sources, user_file=user_file).history(period, step)
        step("computing the statement")
        found = recompute(stated, history, zone=zone, version=__version__)
        compared = "computed again from the histories"
    else:
        found = contradictions(stated, version=__version__)
        compared = "its figures agree with one another; --history compares them with what was seen"
    if evidence is not None:
        found += _other_evidence(stated, evidence)
    games, lines = len(stated.games), len(stated.incidents)
    verdict = f"{path}: holds, {games} game(s), {lines} incident(s): {compared}"
    return [present(str(each), _LONGEST_LINE) for each in found], verdict


def _read_statement(path: Path) -> Statement:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_STATEMENT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise OperatorError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MOST_STATEMENT_BYTES:
        raise OperatorError(f"{path}: not a statement: longer than {MOST_STATEMENT_BYTES >> 20} MiB")
    try:
        return document.read(content)
    except document.StatementError as error:
        raise OperatorError(f"{path}: {present(str(error), _LONGEST_LINE)}") from None


def _other_evidence(stated: Statement, folder: Path) -> list[Difference]:
    """The recordings that a statement names and the folder doesn't have, or not as they were."""
    found: list[Difference] = []
    for line in stated.incidents:
        if line.evidence is None:
            continue
        named, there = line.evidence, _digest(line, folder)
        if there is None:
            found.append(Difference(f"incidents.{line.id}.evidence", named.file, "a file that is there"))
        elif there != named.sha256:
            found.append(Difference(f"incidents.{line.id}.evidence.sha256", named.sha256, there))
    return found


def _digest(line: IncidentLine, folder: Path) -> str | None:
    """The SHA-256 of an incident's recording; None without one."""
    name = f"{line.id}.jsonl.gz"
    if line.evidence is None or line.evidence.file != name or Path(name).name != name:
        # It comes from outside: no other file is read than one of that name in the folder.
        return None
    path = folder / name
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except ValueError:
        return None  # a name that no file can have
    except OSError as error:
        raise OperatorError(f"--evidence: {present(str(path), _LONGEST_LINE)}: {error.strerror}") from None
