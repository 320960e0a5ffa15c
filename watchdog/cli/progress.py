"""A progress bar on a terminal, for a command that takes longer than a moment."""

import sys
import threading
from types import TracebackType
from typing import Self, TextIO

SHOWN_AFTER_SECONDS = 1.0

_REDRAW_SECONDS = 0.25
_WIDTH = 24
_LONGEST = 60
_CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Draws on stderr how many of the steps are done, and which one goes on; nothing where nobody looks.

    A thread draws, as a step computes without a pause.
    """

    def __init__(self, steps: int, stream: TextIO | None = None) -> None:
        self._steps = steps
        self._stream = stream or sys.stderr
        self._done = -1
        self._doing = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw_until_over, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def step(self, doing: str) -> None:
        """The next step begins; `doing` says in a few words which."""
        self._done += 1
        self._doing = doing[:_LONGEST]

    def _draw_until_over(self) -> None:
        wait, drawn = SHOWN_AFTER_SECONDS, False
        while not self._over.wait(wait):
            wait, drawn = _REDRAW_SECONDS, True
            filled = max(self._done, 0) * _WIDTH // self._steps
            bar = "#" * filled + "." * (_WIDTH - filled)
            self._write(f"{_CLEAR_LINE}[{bar}] {self._doing}")
        if drawn:
            self._write(_CLEAR_LINE)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # A terminal that is gone: the command goes on without.
            self._over.set()
