"""Conditions that are an anomaly only when they last."""


class Standing:
    """A condition that updates show, and that must last longer than a threshold to be an occurrence.

    It becomes one either with an update that shows it later than that, or at the threshold itself when
    the updates kept coming (`deadline`, `elapse`). Silence is no evidence: without a further update
    the condition is never taken for lasting.
    """

    __slots__ = ("_seen_at", "_since", "active", "threshold_seconds")

    def __init__(self, threshold_seconds: float) -> None:
        self.threshold_seconds = threshold_seconds
        self._since: float | None = None
        self._seen_at = 0.0
        self.active = False

    def show(self, at: float) -> bool:
        """An update shows the condition; answer whether that begins an occurrence."""
        if self._since is None:
            self._since = at
        self._seen_at = at
        if self.active or at - self._since <= self.threshold_seconds:
            return False
        self.active = True
        return True

    def clear(self) -> None:
        """An update shows that the condition does not hold, or no longer."""
        self._since = None
        self.active = False

    def reconnected(self) -> None:
        """A new connection: what was not yet an occurrence starts anew, as no updates came meanwhile."""
        self._since = None

    def deadline(self, alive_seconds: float) -> float | None:
        """When the condition becomes an occurrence by itself, while updates are not yet overdue.

        `alive_seconds` is how long after an update the feed still counts as coming.
        """
        if self.active or self._since is None or self._seen_at == self._since:
            return None
        due = self._since + self.threshold_seconds
        return due if due <= self._seen_at + alive_seconds else None

    def elapse(self, at: float, alive_seconds: float) -> bool:
        """Time has come to `at`; answer whether that begins an occurrence."""
        due = self.deadline(alive_seconds)
        if due is None or due > at:
            return False
        self.active = True
        return True
