"""The one place where time is read."""

import time
from collections.abc import Callable

import trio


class Clock:
    """Monotonic and wall time, in seconds."""

    def __init__(
        self, wall: Callable[[], float] = time.time, now: Callable[[], float] = trio.current_time
    ) -> None:
        """`wall` returns UNIX seconds, `now` those of Trio's clock. Tests hand in their own."""
        self.wall = wall
        self.now = now
