"""The counters: what happened to one game, counted by its named kind, and the last anomalies in words."""

from watchdog.core.arrival import Arrival
from watchdog.core.checks.suite import ANOMALY_KINDS
from watchdog.core.findings import Anomaly, Detail
from watchdog.core.instruments import incremented
from watchdog.core.protocol.reasons import INVALID_REASONS, InvalidReason
from watchdog.core.snapshot import Recent

RECENT = 10
"""How many anomalies are kept for people to read."""

# Every kind is there from the start. All games begin with these very dictionaries, as no count changes one.
_NO_ANOMALIES = {(check, kind): 0 for check, kinds in ANOMALY_KINDS.items() for kind in kinds}
_NOTHING_INVALID = dict.fromkeys(INVALID_REASONS, 0)


class Counters:
    """Counts that only rise, and the last anomalies."""

    __slots__ = ("anomalies", "invalid", "last_arrival", "messages", "received_bytes", "recent")

    def __init__(self) -> None:
        self.messages = 0
        self.received_bytes = 0
        self.last_arrival: Arrival | None = None
        self.invalid = _NOTHING_INVALID
        self.anomalies = _NO_ANOMALIES
        self.recent: tuple[Recent, ...] = ()

    def message(self, size_bytes: int, arrival: Arrival) -> None:
        """Count an update."""
        self.messages += 1
        self.received_bytes += size_bytes
        self.last_arrival = arrival

    def wall_at(self, at: float) -> float:
        """The UNIX time of an instant after the last update, by the wall clock when that arrived."""
        return at if self.last_arrival is None else self.last_arrival.wall + at - self.last_arrival.at

    def invalid_message(self, reason: InvalidReason, detail: Detail, wall: float) -> None:
        """Count a message that was no valid update."""
        self.invalid = incremented(self.invalid, reason)
        self._remember(Recent(wall, "message.invalid", detail))

    def anomaly(self, anomaly: Anomaly, wall: float) -> None:
        """Count a broken promise."""
        self.anomalies = incremented(self.anomalies, (anomaly.check, anomaly.kind))
        self._remember(Recent(wall, anomaly.event, anomaly.detail))

    def _remember(self, recent: Recent) -> None:
        self.recent = (*self.recent, recent)[-RECENT:]
