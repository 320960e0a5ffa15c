"""Where the work of a command goes: standard output, or a file that is complete or not there."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from watchdog.core.errors import OperatorError


def write(content: bytes, path: Path | None) -> None:
    """Write to a file, or without one to standard output.

    Raises:
        OperatorError: it can't be written; a file that was there before is left as it was.

    """
    if path is None:
        _to_stdout(content)
        return
    try:
        if path.exists() and not path.is_file():
            # A pipe or a device must not be replaced by a file.
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OperatorError(f"--output: {path}: {reason}") from None


def is_terminal() -> bool:
    """Whether standard output is read by a person."""
    return sys.stdout.isatty()


def _to_stdout(content: bytes) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is left in the buffer would fail once more at the end of the process.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OperatorError(f"standard output: {error.strerror or error}") from None


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        with unfinished.open("xb") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
