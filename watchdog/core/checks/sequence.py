"""Sequence: `sId` rises by one with every update, across reconnects too."""

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.sustained import SustainedCondition
from watchdog.core.findings import Anomaly, Detail

STALL_SECONDS = 2.0
"""How long `sId` may stand still while updates come; the same as for `tst`."""

_MINUTE_SECONDS = 60.0
_NEAR_ZERO = 120


class Sequence:
    """Compares each `sId` with the one before it; after an anomaly the count goes on from the id received.

    Source: "From the moment of connection, the counter starts from 0. When reconnecting, the counter is
    not reset" in the specification.
    """

    __slots__ = ("_gaps_allowed", "_stuck", "_updates_a_minute", "last", "missed")

    def __init__(self, settings: CheckSettings) -> None:
        self._gaps_allowed = settings.sequence == "increasing"
        self._stuck = SustainedCondition(STALL_SECONDS, settings.late_after_seconds)
        self._updates_a_minute = _MINUTE_SECONDS / settings.interval_seconds
        self.last: int | None = None
        self.missed = 0

    @property
    def stale(self) -> bool:
        """Whether `sId` has not advanced for longer than it may although updates come."""
        return self._stuck.active

    def received(self, sequence_id: int, at: float, *, first_of_connection: bool) -> Anomaly | None:
        """Judge the next id; `first_of_connection` tells a reset from a regression."""
        last, self.last = self.last, sequence_id
        anomaly = None
        if last is not None and sequence_id != last + 1:
            anomaly = self._judge(sequence_id, last, first_of_connection=first_of_connection)
        if last is None or sequence_id > last or (anomaly is not None and anomaly.kind == "reset"):
            self._stuck.begin(at)
        else:
            self._stuck.show(at)
        return anomaly

    def reconnected(self) -> None:
        """A new connection: the time without one is no evidence."""
        self._stuck.reconnected()

    @property
    def due_at(self) -> float:
        """When the id counts as stuck by itself (see `SustainedCondition.due_at`)."""
        return self._stuck.due_at

    def elapse(self, at: float) -> list[Anomaly]:
        """Time has come to `at`; a stuck id has been counted with every duplicate, so nothing is added."""
        self._stuck.elapse(at)
        return []

    def _judge(self, sequence_id: int, last: int, *, first_of_connection: bool) -> Anomaly | None:
        detail: Detail = {"expected": last + 1, "got": sequence_id}
        if sequence_id > last:
            if self._gaps_allowed:
                return None
            missed = sequence_id - last - 1
            self.missed += missed
            return Anomaly("sequence", "gap", detail | {"missed": missed})
        if sequence_id == last:
            return Anomaly("sequence", "duplicate", detail)
        fell_far = last - sequence_id > self._updates_a_minute or sequence_id < _NEAR_ZERO
        if first_of_connection and fell_far:
            return Anomaly("sequence", "reset", detail)
        return Anomaly("sequence", "regression", detail)
