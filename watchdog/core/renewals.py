"""What is known of a token's renewals: when the last one came, and when the next one is due."""

import math

_WARN_OF_ANY_LIFE_SECONDS = 86_400.0


class Renewals:
    """Learns from each renewal of a feed's token how long before the expiry the next one is to come.

    All times are UNIX seconds by the clock that the token is judged by.
    """

    def __init__(self) -> None:
        self.renewed_at: float | None = None
        """When the token in use was put in its place; None where that is not known."""
        self._expires_at: float | None = None
        self._lead_seconds: float | None = None
        self._planned_at: float | None = None

    @property
    def due_at(self) -> float | None:
        """When the next one is due; None while nobody is known to renew the token."""
        if self._planned_at is not None or self._expires_at is None or self._lead_seconds is None:
            return self._planned_at
        return self._expires_at - self._lead_seconds

    def replaced(self, expires_at: float | None, now: float, renewed_at: float | None) -> None:
        """Another token is in place; one that came ahead of the expiry shows by how much they come ahead."""
        before, self._expires_at = self._expires_at, expires_at
        self.renewed_at, self._planned_at = renewed_at, None
        if before is not None and now < before < (expires_at or 0.0):
            self._lead_seconds = before - now

    def planned(self, at: float) -> None:
        """We ask for the next one ourselves, at this time."""
        self._planned_at = at if math.isfinite(at) else None

    def late(self, remaining_seconds: float) -> bool:
        """Whether a token with so much time left is about to expire without being renewed.

        The last renewal shows what is normal: half of the time that it left may pass, as whoever renews may
        do so a little sooner or later. Before the first one, a token of up to a day is given half its life.
        """
        if self._lead_seconds is not None:
            return remaining_seconds < self._lead_seconds / 2.0
        if self._expires_at is None or self.renewed_at is None:
            return True
        life_seconds = self._expires_at - self.renewed_at
        return life_seconds > _WARN_OF_ANY_LIFE_SECONDS or remaining_seconds < life_seconds / 2.0
