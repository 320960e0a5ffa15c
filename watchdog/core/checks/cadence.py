"""Cadence: an update every 500 ms, judged on updates and never on pings."""

import math

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.instruments import Histogram

INTERVAL_BOUNDS_SECONDS = (0.1, 0.25, 0.4, 0.45, 0.5, 0.55, 0.6, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class Cadence:
    """When the next update is due, and how far apart the last ones were.

    Source: "Response is returned every 500 milliseconds" in the specification.
    """

    __slots__ = ("_late_after_seconds", "_previous_at", "due_at", "intervals", "silent")

    def __init__(self, settings: CheckSettings) -> None:
        self._late_after_seconds = settings.late_after_seconds
        bounds = {*INTERVAL_BOUNDS_SECONDS, self._late_after_seconds}
        self.intervals = Histogram(tuple(sorted(bounds)))
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

    def received(self, at: float, *, exact: bool) -> None:
        """Take in an update that came at `at`.

        `exact` is false when our own stall hid the time of arrival: then no interval is known.
        """
        if exact and self._previous_at is not None:
            self.intervals.observe(max(at - self._previous_at, 0.0))
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
