"""The one place where time is read."""

import time
from collections.abc import Callable

import trio

_AT_ONCE_SECONDS = 0.01
"""Two times that were read within this are of one instant."""


class Clock:
    """Monotonic and wall time, in seconds."""

    def __init__(
        self, wall: Callable[[], float] = time.time, now: Callable[[], float] = trio.current_time
    ) -> None:
        """`wall` returns UNIX seconds, `now` those of Trio's clock. Tests hand in their own."""
        self.wall = wall
        self.now = now

    def instant(self) -> tuple[float, float]:
        """Both times of one instant.

        If the process was stopped between the two, they would look like a step of the wall clock.
        """
        while True:
            before = self.now()
            wall = self.wall()
            if self.now() - before < _AT_ONCE_SECONDS:
                return before, wall
