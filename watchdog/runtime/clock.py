"""The one place where time is read, and where it shows that our own loop stood still."""

import math
import time
from collections.abc import Callable

import trio

BEAT_SECONDS = 0.05
STALL_SECONDS = 0.1
"""The loop counts as stalled when a beat is late by more than this."""

StallListener = Callable[[float, float], None]


class Clock:
    """Monotonic and wall time, and a heartbeat of the loop.

    Every judgement takes its time from `now`. The first task that asks after a stall, whichever it is,
    thereby reports it, so nobody is judged by a time during which nobody was looking.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        """`wall` answers UNIX seconds; tests on virtual time hand in their own."""
        self.wall = wall
        self.stall_seconds = 0.0
        self.stalled_until = -math.inf
        self._on_stall: list[StallListener] = []
        self._beat_due_at = math.inf
        self._last_seen_at = -math.inf

    def now(self) -> float:
        """Seconds of Trio's clock."""
        now = trio.current_time()
        if now - self._beat_due_at > STALL_SECONDS:
            self._stalled(max(self._beat_due_at, self._last_seen_at), now)
        self._last_seen_at = now
        return now

    def on_stall(self, listener: StallListener) -> None:
        """Call `listener` with the begin and the end of every stall."""
        self._on_stall.append(listener)

    async def beat(self) -> None:
        """Watch the loop for as long as this task runs."""
        try:
            while True:
                self._beat_due_at = self.now() + BEAT_SECONDS
                await trio.sleep_until(self._beat_due_at)
        finally:
            # Connections that are being closed still ask for the time: a beat that ended is not late.
            self._beat_due_at = math.inf

    def _stalled(self, since: float, until: float) -> None:
        self._beat_due_at = until + BEAT_SECONDS
        self.stall_seconds += until - since
        self.stalled_until = until
        for listener in self._on_stall:
            listener(since, until)
