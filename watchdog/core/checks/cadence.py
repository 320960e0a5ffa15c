"""Cadence: an update every 500 ms, judged on updates and never on pings."""

import math

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.instruments import Histogram

INTERVAL_BOUNDS_SECONDS = (0.1, 0.25, 0.4, 0.45, 0.5, 0.55, 0.6, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class Cadence:
    """When the next update is due, and how far apart the last ones were.

    Source: "Response is returned every 500 milliseconds" in the specification.
    """

    __slots__ = ("_late_after_seconds", "_previous_at", "due_at", "intervals", "late", "silent", "timed")

    def __init__(self, settings: CheckSettings) -> None:
        self._late_after_seconds = settings.late_after_seconds
        bounds = {*INTERVAL_BOUNDS_SECONDS, self._late_after_seconds}
        self.intervals = Histogram(tuple(sorted(bounds)))
        # The updates whose interval counts, and those of them that were late.
        self.timed = 0
        self.late = 0
        self.due_at = math.inf
        self.silent = False
        self._previous_at: float | None = None

    def subscribed(self, at: float) -> None:
        """A connection owes updates from `at` on."""
        self.silent = False
        self._previous_at = None
        self.due_at = at + self._late_after_seconds

    def replaced(self, at: float) -> None:
        """Another connection owes updates from `at` on; what is late already stays so until one comes."""
        self._previous_at = None
        if at <= self.due_at:
            self.silent = False
            self.due_at = at + self._late_after_seconds

    def disconnected(self) -> None:
        """No update is due without a subscription."""
        self.silent = False
        self._previous_at = None
        self.due_at = math.inf

    def received(self, at: float, *, exact: bool, agreed: bool) -> None:
        """Take in an update that came at `at`.

        `exact` is false when its time of arrival was hidden from us: then no interval is known. `agreed`
        says that the interval began in maintenance, in which nothing is late.
        """
        if exact and self._previous_at is not None:
            interval = max(at - self._previous_at, 0.0)
            self.intervals.observe(interval)
            if not agreed:
                self.timed += 1
                # As the deadline is computed: so what was judged silent is late, and nothing else.
                self.late += at > self.due_at
        self._previous_at = at if exact else None
        self.silent = False
        self.due_at = at + self._late_after_seconds

    @property
    def deadline(self) -> float:
        """When the feed turns silent if no update comes; infinite if nothing is due or it already is."""
        return math.inf if self.silent else self.due_at

    def elapse(self, at: float) -> None:
        """Judge whether the feed is silent at `at`, when no update has come."""
        self.silent = at >= self.due_at
