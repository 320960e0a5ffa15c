"""Sequence: `sId` rises by one with every update, across reconnects too."""

from watchdog.core.checks.check import Check, Observation
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.sustained import SustainedCondition
from watchdog.core.findings import Anomaly, Detail

STANDSTILL_SECONDS = 2.0
"""How long `sId` may stand still while updates come; the same as for `tst`."""

_MINUTE_SECONDS = 60.0
_NEAR_ZERO = 120


class Sequence(Check):
    """Compares each `sId` with the one before it; after an anomaly the count goes on from the id received.

    Source: "From the moment of connection, the counter starts from 0. When reconnecting, the counter is
    not reset" in the specification.
    """

    name = "sequence"
    kinds = ("gap", "duplicate", "regression", "reset")

    __slots__ = ("_gaps_allowed", "_interval_seconds", "_last_at", "_stuck", "_updates_a_minute", "last")

    def __init__(self, settings: CheckSettings) -> None:
        self._stuck = SustainedCondition("frozen", STANDSTILL_SECONDS, settings.late_after_seconds)
        super().__init__(settings, self._stuck)
        self._gaps_allowed = settings.sequence == "increasing"
        self._interval_seconds = settings.interval_seconds
        self._updates_a_minute = _MINUTE_SECONDS / settings.interval_seconds
        self.last: int | None = None
        self._last_at = 0.0

    def received(self, seen: Observation) -> list[Anomaly]:
        """Judge the next id."""
        last, got = self.last, seen.update.sequence_id
        self.last = got
        anomaly = None
        if last is not None and got != last + 1:
            anomaly = self._judge(got, last, seen)
        self._last_at = seen.at
        if last is None or got > last or (anomaly is not None and anomaly.kind == "reset"):
            self._stuck.begin(seen.at)
        else:
            # When that begins to last too long it adds no anomaly to those counted already.
            self._stuck.show(seen.at)
        return [] if anomaly is None else [anomaly]

    def _judge(self, got: int, last: int, seen: Observation) -> Anomaly | None:
        first = seen.first_of_connection
        detail: Detail = {"expected": last + 1, "got": got}
        if got > last:
            if self._gaps_allowed:
                return None
            # Nobody can have lost more than were sent: another node counts for itself.
            sent = (seen.at - self._last_at) / self._interval_seconds
            if first and got - last > sent + self._updates_a_minute:
                return Anomaly("sequence", "reset", detail)
            missed = got - last - 1
            return Anomaly("sequence", "gap", detail | {"missed": missed}, missed)
        if got == last:
            return Anomaly("sequence", "duplicate", detail)
        fell_far = last - got > self._updates_a_minute or got < _NEAR_ZERO
        return Anomaly("sequence", "reset" if first and fell_far else "regression", detail)
