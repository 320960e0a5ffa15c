"""Logging: one event a line on stderr, redacted, escaped and bounded; a failure to write ends nothing."""

import logging
import os
import select
import sys
import traceback
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from watchdog.runtime.redaction import TEXT_CHARACTERS, present, presentable

# Our own text, and useless without its end.
_MISTAKE_CHARACTERS = 2_000
_TRACEBACK_LINES = 100


def configure(
    format: Literal["json", "console"] | None = None,  # noqa: A002  the configuration's own word
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """Send the events of structlog, and the standard library's warnings, to the stream.

    Args:
        format: One JSON object a line, or a line for people; None is console on a terminal, JSON elsewhere.
        level: The lowest level written: debug, info, warning or error.
        stream: Where to; None is stderr as it is now.
    """
    stream = sys.stderr if stream is None else stream
    terminal = _is_terminal(stream)
    console = format == "console" or (format is None and terminal)
    renderer: Processor = structlog.processors.JSONRenderer()
    if console:
        # The plain formatter, as the others would show local variables.
        renderer = structlog.dev.ConsoleRenderer(
            colors=terminal, pad_event_to=32, exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _clean,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Sink(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)
    # Their lines for every request hold its URL, so not even a debugging session gets them.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def dropped_lines() -> int:
    """The number of lines that could not be written since the start of the process."""
    return _Sink.dropped


class _Sink:
    """Writes lines; a stream that is closed, full or not read costs the line and nothing else."""

    dropped = 0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._poll = select.poll()
        self._torn = False
        try:
            self._fd: int | None = stream.fileno()
            self._poll.register(self._fd, select.POLLOUT)
        except (OSError, ValueError, AttributeError):
            self._fd = None

    def msg(self, line: str) -> None:
        try:
            written = self._write(line)
        except (OSError, ValueError):
            written = False
        if not written:
            _Sink.dropped += 1

    debug = info = warning = error = critical = msg

    def _write(self, line: str) -> bool:
        if self._fd is None:
            self._stream.write(line + "\n")
            self._stream.flush()
            return True
        # What was cut off by a full pipe must not run into the next line.
        data = memoryview((("\n" if self._torn else "") + line + "\n").encode(errors="backslashreplace"))
        begun = False
        while data:
            # A pipe that polls as writable takes this much without blocking (POSIX).
            if not self._poll.poll(0):
                self._torn = self._torn or begun
                return False
            data = data[os.write(self._fd, data[: select.PIPE_BUF]) :]
            begun = True
        self._torn = False
        return True


class _Bridge(logging.Handler):
    """Hands what libraries log to the same pipeline."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # The standard library would print such a mistake of a caller to stderr, unredacted.
            message = str(record.msg)
        level = min(record.levelno, logging.CRITICAL) // 10 * 10
        structlog.get_logger().log(
            level, "library.message", logger=record.name, message=message, exc_info=record.exc_info
        )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False


def _clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put the three fixed fields first and make every value safe to show."""
    error = event.pop("exc_info", None)
    clean: dict[str, Any] = dict.fromkeys(("event", "level", "timestamp"))
    for key, value in event.items():
        limit = _MISTAKE_CHARACTERS if key == "mistake" else TEXT_CHARACTERS
        clean[key] = presentable(value, limit)
    if error:
        clean["exception"] = _traceback(error)
    return clean


def _traceback(error: Any) -> str:
    """The traceback without the local variables, which hold tokens."""
    if not isinstance(error, BaseException):
        error = error[1] if isinstance(error, tuple) else sys.exc_info()[1]
    lines = "".join(traceback.format_exception(error)).splitlines()[-_TRACEBACK_LINES:]
    # Indented, so that no line of a message can pass for an event of its own on a console.
    return "\n".join(f"    {present(line, TEXT_CHARACTERS)}" for line in lines)
