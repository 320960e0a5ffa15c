"""Timestamps: `tst` advances with every update."""

from watchdog.core.checks.check import Check, Observation
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.sustained import Condition, SustainedCondition
from watchdog.core.findings import Anomaly

FROZEN_SECONDS = 2.0
"""How long `tst` may stay the same while updates come."""


class Timestamps(Check):
    """Whether `tst` advances.

    Source: "Time when the message was sent" in the specification.
    """

    name = "timestamp"
    kinds = ("frozen", "regressed")

    __slots__ = ("_last", "_still", "_stuck")

    def __init__(self, settings: CheckSettings) -> None:
        self._last: float | None = None
        # Still: `tst` is the same, which is counted. Stuck: it has not advanced, which makes the game frozen.
        # Once `tst` has fallen, it has been stuck for longer than it has been still.
        self._still = SustainedCondition("frozen", FROZEN_SECONDS, settings.late_after_seconds)
        self._stuck = SustainedCondition("frozen", FROZEN_SECONDS, settings.late_after_seconds)
        super().__init__(settings, self._still, self._stuck)

    def received(self, seen: Observation) -> list[Anomaly]:
        """Judge the next `tst`."""
        last, sent, at = self._last, seen.sent, seen.at
        if sent is None:
            self._still.clear()
            self._stuck.clear()
            return []
        self._last = sent
        if last is None or sent > last:
            self._still.begin(at)
            self._stuck.begin(at)
            return []
        self._stuck.show(at)
        if sent < last:
            self._still.begin(at)
            return [Anomaly("timestamp", "regressed", {"by_seconds": round(last - sent, 7)})]
        return self._began(self._still) if self._still.show(at) else []

    def _began(self, condition: Condition) -> list[Anomaly]:
        if condition is self._stuck:
            return []
        return [Anomaly("timestamp", "frozen", {"longer_than_seconds": FROZEN_SECONDS})]
