"""Handing over from one connection to another without a gap: when, and what becomes of each update.

A renewed token needs a new connection. It is opened while the old one goes on, and takes over with the
first update that shows it to be level: so no update is lost. What both carry meanwhile is judged once.

A silent connection gets another one beside it as well, and goes on until either delivers: whose fault the
silence is does not change because we look for a way round it.
"""

import math
from collections.abc import Mapping
from typing import Literal

from watchdog.core.checks.settings import CheckSettings

GOOD_SECONDS = 30.0
"""A connection that delivered for this long was good: the next failure is a first one again."""

OVERLAP_SECONDS = 5.0
"""What two connections carry in the meantime lies at most this far back, or two updates."""

Role = Literal["standby", "active", "retired"]
"""A standby is not judged yet, the active one is, a retired one is being closed."""

Position = Literal["ahead", "known", "next"]
"""Of an update, against the last one judged: the active connection still has to deliver what comes before
it, it has been judged already, or neither."""

Action = Literal["judge", "repeat", "overlap", "take_over_and_judge", "take_over_and_repeat"]
"""`repeat`: it shows that the connection delivers, and was judged before. `overlap`: it only counts."""

ACTIONS: Mapping[tuple[Role, Position], Action] = {
    ("standby", "ahead"): "overlap",
    ("standby", "known"): "take_over_and_repeat",
    ("standby", "next"): "take_over_and_judge",
    ("active", "ahead"): "judge",
    ("active", "known"): "repeat",
    ("active", "next"): "judge",
    ("retired", "ahead"): "overlap",
    ("retired", "known"): "overlap",
    ("retired", "next"): "overlap",
}


class Delivery:
    """What one connection has delivered, and its part in a hand-over. Times are monotonic seconds."""

    __slots__ = (
        *("_invalid_at", "_known_id", "_last_update_at", "_overlap_seconds", "_overlap_updates"),
        *("_quiet_seconds", "_repeats_until", "_silence_seconds"),
        *("role", "subscribed_at"),
    )

    def __init__(self, role: Role, checks: CheckSettings) -> None:
        self.role: Role = role
        self.subscribed_at: float | None = None
        self._overlap_seconds = max(OVERLAP_SECONDS, 2.0 * checks.late_after_seconds)
        self._overlap_updates = math.ceil(self._overlap_seconds / checks.interval_seconds)
        self._silence_seconds = checks.silence_reconnect_seconds
        self._quiet_seconds = min(self._overlap_seconds, self._silence_seconds)
        self._last_update_at = 0.0
        self._invalid_at = -math.inf
        # The last id of the connection before, and until when this one may repeat what led to it.
        self._known_id: int | None = None
        self._repeats_until = 0.0

    @property
    def good(self) -> bool:
        """Whether it delivered for so long that a failure is a first one again."""
        return self.subscribed_at is not None and self._last_update_at - self.subscribed_at >= GOOD_SECONDS

    @property
    def silent_at(self) -> float:
        """When it has been silent for so long that another one is wanted, unless it delivers first."""
        return math.inf if self.subscribed_at is None else self._last_update_at + self._silence_seconds

    def subscribed(self, at: float) -> None:
        """The subscription was sent: updates are owed."""
        self.subscribed_at = self._last_update_at = at

    def received(
        self, sequence_id: int, last_id: int | None, at: float, active: "Delivery | None" = None
    ) -> Action:
        """What to do with an update; `last_id` is the one last judged, whichever connection it came over.

        `active` is the connection that is judged: whether a standby has to wait for it.
        """
        self._last_update_at = at
        if self._known_id is None and self.role == "active":
            return "judge"
        if self.role == "standby" and active is not None and active.is_quiet(at):
            return "take_over_and_judge"
        return ACTIONS[self.role, self._position(sequence_id, last_id, at)]

    def invalid(self, at: float) -> None:
        """It delivered a message that is no valid update."""
        self._invalid_at = at

    def is_quiet(self, at: float) -> bool:
        """Whether its last update lies so far back that another one neither repeats it nor waits for it."""
        return at - self._last_update_at >= self._quiet_seconds

    def is_mute(self, at: float) -> bool:
        """Whether it is quiet and carries nothing invalid either: what another one delivers it does not."""
        return self.is_quiet(at) and at - self._invalid_at >= self._quiet_seconds

    def take_over(self, last_id: int | None, at: float, before: "Delivery") -> None:
        """It is active from now on; the connection `before` has delivered up to `last_id`."""
        self.role = "active"
        self._known_id = None if before.is_quiet(at) else last_id
        self._repeats_until = at + self._overlap_seconds

    def _position(self, sequence_id: int, last_id: int | None, at: float) -> Position:
        known_id = last_id
        if self.role == "active":
            if self._known_id is None or at > self._repeats_until:
                self._known_id = None
                return "next"
            known_id = self._known_id
        if known_id is None:
            return "next"
        if known_id - self._overlap_updates < sequence_id <= known_id:
            return "known"
        # The active connection is given half of the overlap to catch up, if it ever does.
        waits_until = (self.subscribed_at or 0.0) + self._overlap_seconds / 2.0
        return "ahead" if sequence_id > known_id + 1 and at <= waits_until else "next"


class Retry:
    """When to open another connection beside a silent one: again and again, without growing pauses.

    The silent one has been so for `silence_reconnect_seconds`. One that stands by already and is silent for
    as long gives way to the next; after one that failed as much time passes, or more where the hub asks.
    """

    __slots__ = ("_not_before", "_pause_seconds")

    def __init__(self, checks: CheckSettings) -> None:
        self._pause_seconds = checks.silence_reconnect_seconds
        self._not_before = -math.inf

    def due_at(self, active: Delivery, standby: Delivery | None) -> float:
        """When the next one is due; infinite while it is not known."""
        return max(active.silent_at, self._not_before if standby is None else standby.silent_at)

    def failed(self, at: float, pause_seconds: float = 0.0) -> None:
        """The one that stood by failed; the hub wants to be left alone for `pause_seconds`."""
        self._not_before = at + max(self._pause_seconds, pause_seconds)
