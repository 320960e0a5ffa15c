"""The one place where time is read."""

import time
from collections.abc import Callable

import trio


class Clock:
    """Monotonic and wall time, in seconds."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        """`wall` returns UNIX seconds; tests on virtual time hand in their own."""
        self.wall = wall
        self.now: Callable[[], float] = trio.current_time
        """Seconds of Trio's clock."""
