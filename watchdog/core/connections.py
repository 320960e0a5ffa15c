"""What became of a game's connections: counted by its named kind, and said in a line of the log."""

from typing import Literal

from watchdog.core.findings import Finding, particulars
from watchdog.core.instruments import incremented
from watchdog.core.protocol.reasons import DISCONNECT_REASONS, DisconnectReason
from watchdog.core.snapshot import ROTATION_OUTCOMES, RotationOutcome

Ending = Literal["connection.lost", "connection.failed", "connection.rotation_failed"]
"""What is said of an end: of a connection that was subscribed, of an attempt, of one with a new token."""

# Every kind is there from the start. All games begin with these very dictionaries, as no count changes one.
_NO_DISCONNECTS = dict.fromkeys(DISCONNECT_REASONS, 0)
_NO_ROTATIONS: dict[RotationOutcome, int] = dict.fromkeys(ROTATION_OUTCOMES, 0)


class Connections:
    """Counts that only rise, and the last reason. An attempt ends once, for a reason or in a rotation."""

    __slots__ = ("attempts", "disconnects", "last_disconnect", "overlapped", "rotations")

    def __init__(self) -> None:
        self.attempts = 0
        self.disconnects = _NO_DISCONNECTS
        self.last_disconnect: DisconnectReason | None = None
        self.rotations = _NO_ROTATIONS
        self.overlapped = 0

    def ended(self, event: Ending, reason: DisconnectReason, at: float, detail: str) -> Finding:
        """Count a connection that ended, or an attempt that failed."""
        self.disconnects = incremented(self.disconnects, reason)
        self.last_disconnect = reason
        if event == "connection.rotation_failed":
            self.rotations = incremented(self.rotations, "failed")
        return Finding(event, "info" if reason == "shutdown" else "warning", particulars(reason, detail), at)

    def rotated(self, at: float) -> Finding:
        """Count a connection that took over with a new token."""
        self.rotations = incremented(self.rotations, "ok")
        return Finding("connection.rotated", "info", {}, at)
