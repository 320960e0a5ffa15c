"""Timestamps: `tst` advances with every update."""

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.sustained import SustainedCondition
from watchdog.core.findings import Anomaly

FROZEN_SECONDS = 2.0
"""How long `tst` may stay the same while updates come."""


class Timestamps:
    """Whether `tst` advances.

    Source: "Time when the message was sent" in the specification.
    """

    __slots__ = ("_still", "_stuck", "last")

    def __init__(self, settings: CheckSettings) -> None:
        self.last: float | None = None
        self._still = SustainedCondition(FROZEN_SECONDS, settings.late_after_seconds)
        self._stuck = SustainedCondition(FROZEN_SECONDS, settings.late_after_seconds)

    @property
    def stale(self) -> bool:
        """Whether `tst` has not advanced for longer than it may: it is frozen, or keeps falling."""
        return self._stuck.active

    def received(self, sent: float, at: float) -> list[Anomaly]:
        """Judge the next `tst`, in UNIX seconds."""
        last, self.last = self.last, sent
        if last is None or sent > last:
            self._still.begin(at)
            self._stuck.begin(at)
            return []
        self._stuck.show(at)
        if sent < last:
            self._still.begin(at)
            return [Anomaly("timestamp", "regressed", {"by_seconds": round(last - sent, 7)})]
        return [_frozen()] if self._still.show(at) else []

    def reconnected(self) -> None:
        """A new connection: the time without one is no evidence."""
        self._still.reconnected()
        self._stuck.reconnected()

    @property
    def due_at(self) -> float:
        """When the timestamp turns frozen by itself (see `SustainedCondition.due_at`)."""
        # They differ once `tst` has fallen: it has not advanced for longer than it has been the same.
        return min(self._still.due_at, self._stuck.due_at)

    def elapse(self, at: float) -> list[Anomaly]:
        """Time has come to `at`."""
        self._stuck.elapse(at)
        return [_frozen()] if self._still.elapse(at) else []


def _frozen() -> Anomaly:
    return Anomaly("timestamp", "frozen", {"longer_than_seconds": FROZEN_SECONDS})
