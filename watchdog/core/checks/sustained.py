"""Conditions that are an anomaly only when they last."""

import math

_NEVER = math.inf


class SustainedCondition:
    """A condition that updates show, and that must last longer than a threshold to be an occurrence.

    It becomes one either with an update that shows it later than that, or at the threshold itself when
    the updates kept coming (`due_at`, `elapse`). Silence is no evidence: without a further update
    the condition is never taken for lasting.
    """

    __slots__ = ("_alive_seconds", "_since", "active", "due_at", "threshold_seconds")

    def __init__(self, threshold_seconds: float, alive_seconds: float) -> None:
        """`alive_seconds` is how long after an update the feed still counts as coming."""
        self.threshold_seconds = threshold_seconds
        self._alive_seconds = alive_seconds
        self._since: float | None = None
        self.active = False
        # When it becomes an occurrence by itself, while updates are not yet overdue; infinite: not at all.
        self.due_at = _NEVER

    def show(self, at: float) -> bool:
        """An update shows the condition; answer whether that begins an occurrence."""
        since = self._since
        if since is None:
            self._since = at
        elif not self.active:
            if at - since > self.threshold_seconds:
                self.active, self.due_at = True, _NEVER
                return True
            due = since + self.threshold_seconds
            self.due_at = due if since < at and due <= at + self._alive_seconds else _NEVER
        return False

    def clear(self) -> None:
        """An update shows that the condition does not hold, or no longer."""
        self._since = None
        self.active = False
        self.due_at = _NEVER

    def begin(self, at: float) -> None:
        """An update shows that the condition holds again from now on, and not since before."""
        self._since = at
        self.active = False
        self.due_at = _NEVER

    def reconnected(self) -> None:
        """A new connection: what was not yet an occurrence starts anew, as no updates came meanwhile."""
        self._since = None
        self.due_at = _NEVER

    def elapse(self, at: float) -> bool:
        """Time has come to `at`; answer whether that begins an occurrence."""
        if at < self.due_at:
            return False
        self.active, self.due_at = True, _NEVER
        return True
