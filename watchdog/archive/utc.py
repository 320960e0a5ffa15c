"""UTC in microseconds from the monotonic clock, and steps of the wall clock."""

from watchdog.core.history import SECOND

STEP = SECOND // 10
"""A wall clock that is off by more than this, in microseconds, was set; less is how it is kept right."""


class UtcClock:
    """Turns monotonic seconds into UTC microseconds.

    Between two steps of the wall clock it goes on with the monotonic one, so nothing has a negative length.
    """

    def __init__(self, now: float, wall: float) -> None:
        """`now` is monotonic and `wall` UNIX seconds, both of the same instant."""
        self._now = now
        self._utc = microseconds(wall)

    def utc(self, at: float) -> int:
        """The UTC microseconds of a monotonic instant."""
        return self._utc + microseconds(at - self._now)

    def step(self, now: float, wall: float) -> int:
        """By how many microseconds the wall clock was set since the last look; 0 if it was not.

        From then on this follows the clock as it was set.
        """
        by = microseconds(wall) - self.utc(now)
        if abs(by) <= STEP:
            return 0
        self._now, self._utc = now, microseconds(wall)
        return by


def microseconds(seconds: float) -> int:
    """Whole microseconds."""
    return round(seconds * SECOND)
