"""An attempt: one connection of a subscription, and how another one takes over from it without a gap."""

import math

import trio

from watchdog.core.checks.settings import CheckSettings

GOOD_SECONDS = 30.0
"""An attempt that delivered for this long was good: the next failure counts as the first again."""

OVERLAP_SECONDS = 5.0
"""While one attempt takes over from another, both carry updates of at most this age, or two updates."""


class Attempt:
    """One connection with its token; `settled` is set once it is known whether it takes over."""

    def __init__(self, token: str, checks: CheckSettings) -> None:
        self.token = token
        self.scope = trio.CancelScope()
        self.settled = trio.Event()
        self.subscribed_at: float | None = None
        self._overlap_seconds = max(OVERLAP_SECONDS, 2.0 * checks.late_after_seconds)
        self._overlap_updates = math.ceil(self._overlap_seconds / checks.interval_seconds)
        self._last_update_at = 0.0
        # The last id of the previous attempt, and until when this one may repeat the updates up to it.
        self._known_id: int | None = None
        self._repeats_until = 0.0

    @property
    def good(self) -> bool:
        """Whether it delivered for so long that the next failure counts as the first again."""
        return self.subscribed_at is not None and self._last_update_at - self.subscribed_at >= GOOD_SECONDS

    def subscribed(self, at: float) -> None:
        """The subscription was sent: updates are owed."""
        self.subscribed_at = self._last_update_at = at

    def delivered(self, at: float) -> None:
        """An update came."""
        self._last_update_at = at

    def is_ahead(self, sequence_id: int, known_id: int | None, at: float) -> bool:
        """Whether the active attempt, at `known_id`, still has to deliver what comes before, and will."""
        waits_until = (self.subscribed_at or 0.0) + self._overlap_seconds / 2.0
        return known_id is not None and sequence_id > known_id + 1 and at <= waits_until

    def takes_over(self, known_id: int | None, at: float) -> None:
        """It is active from now on; the previous attempt delivered up to `known_id`."""
        self._known_id = known_id
        self._repeats_until = at + self._overlap_seconds
        self.settled.set()

    def repeats(self, sequence_id: int, at: float) -> bool:
        """Whether the previous attempt has already delivered this update."""
        if self._known_id is None:
            return False
        if at > self._repeats_until:
            self._known_id = None
            return False
        return self._known_id - self._overlap_updates < sequence_id <= self._known_id
