"""The counters: what happened to one game, counted by its named kind, and the last anomalies in words."""

from watchdog.core.arrival import Arrival
from watchdog.core.checks.suite import ANOMALY_KINDS, MAINTENANCE_KINDS
from watchdog.core.findings import Anomaly, Detail, Finding
from watchdog.core.instruments import incremented
from watchdog.core.ledger import PARTIES, Party
from watchdog.core.protocol.reasons import INVALID_REASONS, InvalidReason
from watchdog.core.snapshot import Recent

RECENT = 10
"""How many anomalies are kept for people to read."""

# Every kind is there from the start. All games begin with these very dictionaries, as no count changes one.
_NO_ANOMALIES = {(check, kind): 0 for check, kinds in ANOMALY_KINDS.items() for kind in kinds}
_NOTHING_INVALID = dict.fromkeys(INVALID_REASONS, 0)
_NOTHING_IN_MAINTENANCE = dict.fromkeys(MAINTENANCE_KINDS, 0)
_NO_INCIDENTS: dict[Party, int] = dict.fromkeys(PARTIES, 0)


class IncidentCounts:
    """How many incidents of a game began, by whose they were then, and since when one goes on."""

    __slots__ = ("began", "since")

    def __init__(self) -> None:
        self.began = _NO_INCIDENTS
        self.since: float | None = None

    def begin(self, whose: Party, since: float) -> None:
        """Count one that begins; `since` is UNIX seconds."""
        self.began = incremented(self.began, whose)
        self.since = since


class Counters:
    """Counts that only rise, and the last anomalies."""

    __slots__ = (
        "_tolerated_fields",
        "anomalies",
        "invalid",
        "last_arrival",
        "maintenance_anomalies",
        "messages",
        "missed",
        "received_bytes",
        "recent",
        "tolerated",
    )

    def __init__(self) -> None:
        self.messages = 0
        self.received_bytes = 0
        self.tolerated = 0
        self._tolerated_fields: frozenset[str] = frozenset()
        self.missed = 0
        self.last_arrival: Arrival | None = None
        self.invalid = _NOTHING_INVALID
        self.anomalies = _NO_ANOMALIES
        self.maintenance_anomalies = _NOTHING_IN_MAINTENANCE
        self.recent: tuple[Recent, ...] = ()

    def message(self, size_bytes: int, arrival: Arrival) -> None:
        """Count an update."""
        self.messages += 1
        self.received_bytes += size_bytes
        self.last_arrival = arrival

    def wall_at(self, at: float) -> float:
        """The UNIX time of an instant after the last update, by the wall clock when that arrived."""
        return at if self.last_arrival is None else self.last_arrival.wall + at - self.last_arrival.at

    def tolerate(self, fields: tuple[str, ...], at: float) -> list[Finding]:
        """Count an update with unread fields that are not as documented; return each once, when it is new.

        There are no more of them than documented fields.
        """
        self.tolerated += 1
        new = [field for field in fields if field not in self._tolerated_fields]
        self._tolerated_fields |= set(new)
        return [Finding("update.tolerated", "warning", {"field": field}, at) for field in new]

    def invalid_message(
        self, reason: InvalidReason, error: str, at: float, wall: float, *, agreed: bool
    ) -> Finding:
        """Count a message that was no valid update; `agreed` says that it came in maintenance."""
        if agreed:
            self.maintenance_anomalies = incremented(self.maintenance_anomalies, reason)
        else:
            self.invalid = incremented(self.invalid, reason)
        detail: Detail = {"reason": reason, "error": error}
        return self._remember("message.invalid", detail, at, wall, agreed=agreed)

    def anomaly(self, anomaly: Anomaly, at: float, wall: float, *, agreed: bool) -> Finding:
        """Count a broken promise; `agreed` says that it was broken in maintenance."""
        if agreed:
            self.maintenance_anomalies = incremented(self.maintenance_anomalies, anomaly.kind)
        else:
            self.anomalies = incremented(self.anomalies, (anomaly.check, anomaly.kind))
            self.missed += anomaly.missed
        return self._remember(anomaly.event, anomaly.detail, at, wall, agreed=agreed)

    def _remember(self, event: str, detail: Detail, at: float, wall: float, *, agreed: bool) -> Finding:
        if agreed:
            # Whoever reads of it learns why no other counter moved.
            detail = detail | {"in_maintenance": True}
        self.recent = (*self.recent, Recent(wall, event, detail))[-RECENT:]
        return Finding(event, "warning", detail, at)
