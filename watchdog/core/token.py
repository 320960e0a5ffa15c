"""A feed's token, and how it is judged: by its times, and by what the hub makes of it."""

import math
from typing import Literal

from watchdog.core.claims import Claims, read_claims
from watchdog.core.findings import Detail, Finding
from watchdog.core.renewals import Renewals
from watchdog.core.snapshot import RefreshOutcome, TokenSnapshot, TokenSource

MAX_TOKEN_CHARACTERS = 16_384

EXPIRY_WARNINGS_SECONDS = (3_600.0, 86_400.0)
"""How long before a token's expiry a line is logged, ascending; a renewal that works keeps it silent."""

TOLERATED_SKEW_SECONDS = 1.0
"""When the two clocks are further apart, a token is judged by the provider's."""

TokenValidity = Literal["pending", "valid", "missing", "expired", "not_yet_valid", "rejected"]
"""Pending until it is known whether there is a token at all."""

_Trust = Literal["untried", "distrusted", "accepted", "refused", "revoked"]
"""What the hub makes of a token: a distrusted one follows a refused one, a revoked one was accepted once."""

_SAME_OFFSET_SECONDS = 60.0
"""An offset this close to one that was refuted is the same wrong guess."""


class TokenState:
    """One feed's token as it is judged: it is given events, each with the time, and returns what to log.

    `wall` is UNIX seconds by our own clock. A token's own times are the provider's, so they are compared
    with the provider's clock as far as that is known. Both clocks are guesses. Whoever accepts a token knows:
    an acceptance that contradicts a clock refutes it.
    """

    def __init__(self, feed: str, partner_client_id: int, source: TokenSource = "file") -> None:
        self.token: str | None = None
        self.claims = Claims()
        self.renewals = Renewals()
        self._source = source
        self._feed = feed
        self._partner_client_id = partner_client_id
        self._pending = True
        self._missing_because = ""
        self._renewing = False
        self._trust: _Trust = "untried"
        # How far our clock is ahead of the provider's by its updates; the offset that an acceptance refuted.
        self._offset_seconds = 0.0
        self._refuted_offset_seconds = math.nan
        # When the hub last accepted this token; whether an acceptance has refuted the clock we judge by.
        self._accepted_at: float | None = None
        self._clock_refuted = False
        self._unreadable: tuple[str, ...] = ()
        self._logged: TokenValidity = "pending"
        self._warned_seconds = math.inf
        self._refreshes: dict[RefreshOutcome, int] = {"ok": 0, "failed": 0}
        self._rejections = 0

    def validity(self, wall: float) -> TokenValidity:
        """How the token stands at this time."""
        if self._pending:
            return "pending"
        if self.token is None:
            return "missing"
        by_the_clock = self._by_the_clock(wall - self._skew_seconds)
        if by_the_clock != "valid" and not (self._clock_refuted and self._accepted_at is not None):
            return by_the_clock
        return "valid" if self._trust in ("untried", "accepted") else "rejected"

    def worth_trying(self, wall: float) -> bool:
        """Whether to open a connection with the token.

        It is valid, or only a guess says that it isn't, or only the one before was refused.
        """
        match self.validity(wall):
            case "valid":
                return True
            case "expired" | "not_yet_valid":
                return not self._sure(wall)
            case "rejected":
                return self._trust == "distrusted"
        return False

    def unauthorized(self, wall: float) -> bool:
        """Whether games without a connection are down because of the token; a guess is not enough."""
        match self.validity(wall):
            case "missing" | "rejected":
                return True
            case "expired":
                return self._sure(wall)
        return False

    @property
    def unproven(self) -> bool:
        """Whether the hub refused it, or the one before, and has accepted none since."""
        return self._trust in ("refused", "distrusted")

    def remaining_seconds(self, wall: float) -> float | None:
        """The seconds until the token expires, negative afterwards; None for a token without an expiry."""
        return None if self.claims.exp is None else self.claims.exp - wall + self._skew_seconds

    def seconds_to_change(self, wall: float) -> float:
        """The seconds until the token becomes valid or expires, infinite if nothing of that is ahead."""
        now = wall - self._skew_seconds
        times = (self.claims.nbf, self.claims.exp)
        return min((time - now for time in times if time is not None and time > now), default=math.inf)

    def snapshot(self, wall: float) -> TokenSnapshot:
        """What is known of the token at this time; never the token."""
        return TokenSnapshot(
            feed=self._feed,
            valid=self.validity(wall) == "valid",
            source=self._source,
            expires_at=self.claims.exp,
            renewed_at=self.renewals.renewed_at,
            renewal_due_at=self.renewals.due_at,
            refreshes=dict(self._refreshes),
            rejections=self._rejections,
        )

    def obtained(self, token: str, wall: float, written_at: float | None = None) -> list[Finding]:
        """Another token was put where the feed's token is kept, at `written_at` if that is known."""
        findings = self._replace(token)
        # The clock of a file system may be ahead of ours.
        renewed_at = None if written_at is None else min(written_at, wall)
        self.renewals.replaced(self.claims.exp, wall - self._skew_seconds, renewed_at)
        return [*findings, *self.judge(wall)]

    def unavailable(self, why: str, wall: float) -> list[Finding]:
        """There is no token."""
        self._missing_because = why
        return [*self._replace(None), *self.judge(wall)]

    def renewed(self, token: str, wall: float) -> list[Finding]:
        """The endpoint gave a token: after one that was refused, it is valid only once it is accepted."""
        self._refreshes["ok"] += 1
        self._renewing = True
        findings = self._replace(token, "distrusted" if self.unproven else "untried")
        self.renewals.replaced(self.claims.exp, wall - self._skew_seconds, wall)
        refreshed = Finding("token.refreshed", "info", {"expires_at": self.claims.exp})
        return [refreshed, *findings, *self.judge(wall)]

    def not_renewed(self, why: str, wall: float) -> list[Finding]:
        """The endpoint gave none; a token that is there is kept."""
        self._refreshes["failed"] += 1
        self._renewing = False
        failed = Finding("token.refresh_failed", "warning", {"error": why})
        return [failed, *(self.unavailable(why, wall) if self.token is None else self.judge(wall))]

    def accepted(self, token: str, wall: float) -> list[Finding]:
        """The hub accepted this token."""
        if token != self.token:
            return self.judge(wall)
        self._trust, self._accepted_at = "accepted", wall
        return [*self._refute(), *self.judge(wall)]

    def rejected(self, token: str, wall: float) -> list[Finding]:
        """The hub answered 401 or 403 to this token."""
        self._rejections += 1
        if token == self.token:
            self._trust = "revoked" if self._trust in ("accepted", "revoked") else "refused"
            self._accepted_at, self._clock_refuted = None, False
        return self.judge(wall)

    def skewed(self, offset_seconds: float, wall: float) -> list[Finding]:
        """Our clock is ahead of the provider's by so much (negative: behind), as its updates show."""
        before = self._offset_seconds
        self._offset_seconds = offset_seconds if abs(offset_seconds) > TOLERATED_SKEW_SECONDS else 0.0
        findings = []
        if self._offset_seconds and not before:
            detail: Detail = {"offset_seconds": round(offset_seconds, 3)}
            findings.append(Finding("clock.skewed", "warning", detail))
        return [*findings, *self._refute(), *self.judge(wall)]

    def judge(self, wall: float) -> list[Finding]:
        """Judge the token at this time; a validity that lasts and a warning are returned once."""
        validity, findings = self.validity(wall), self._warn_of_expiry(wall)
        if validity == self._logged:
            return findings
        self._logged = validity
        if validity == "valid":
            return [Finding("token.valid", "info", {"expires_at": self.claims.exp}), *findings]
        detail: Detail = {"error": self._missing_because} if validity == "missing" else {}
        return [Finding(f"token.{validity}", "warning", detail), *findings]

    @property
    def _skew_seconds(self) -> float:
        """What to take off our clock to judge a token's times."""
        refuted = abs(self._offset_seconds - self._refuted_offset_seconds) < _SAME_OFFSET_SECONDS
        return 0.0 if refuted else self._offset_seconds

    def _by_the_clock(self, now: float) -> TokenValidity:
        if self.claims.exp is not None and now >= self.claims.exp:
            return "expired"
        if self.claims.nbf is not None and now < self.claims.nbf:
            return "not_yet_valid"
        return "valid"

    def _sure(self, wall: float) -> bool:
        """Whether the token's times are against it by both clocks, of which none was refuted."""
        return not self._clock_refuted and self._by_the_clock(wall) != "valid"

    def _refute(self) -> list[Finding]:
        """Give up a clock by which the hub accepted a token outside its times."""
        at, before = self._accepted_at, self._clock_refuted
        if at is None:
            return []
        offset = self._skew_seconds
        if offset and self._by_the_clock(at - offset) != "valid":
            self._refuted_offset_seconds = offset
        self._clock_refuted = self._by_the_clock(at - self._skew_seconds) != "valid"
        if offset == self._skew_seconds and self._clock_refuted <= before:
            return []
        detail: Detail = {"offset_seconds": round(offset, 3), "expires_at": self.claims.exp}
        return [Finding("clock.refuted", "warning", detail)]

    def _replace(self, token: str | None, trust: _Trust = "untried") -> list[Finding]:
        """Take another token, or none; what was known of the one before no longer counts."""
        self.token = token
        self.claims = read_claims(token) if token is not None else Claims()
        self._pending = False
        self._trust = trust
        self._accepted_at = None
        self._warned_seconds = math.inf
        return [*self._warn_of_unreadable(), *self._warn_of_partner()]

    def _warn_of_unreadable(self) -> list[Finding]:
        before, self._unreadable = self._unreadable, self.claims.unreadable
        if not self._unreadable or self._unreadable == before:
            return []
        return [Finding("token.claims_unreadable", "warning", {"claims": list(self._unreadable)})]

    def _warn_of_partner(self) -> list[Finding]:
        other = self.claims.other_partner(self._partner_client_id)
        if other is None:
            return []
        # Only the hub can tell whether it takes it.
        detail: Detail = {"expected": self._partner_client_id, "claimed": other}
        return [Finding("token.other_partner", "warning", detail)]

    def _warn_of_expiry(self, wall: float) -> list[Finding]:
        remaining = self.remaining_seconds(wall)
        if remaining is None or remaining <= 0.0 or self._renewing:
            return []
        if not any(self._refreshes.values()) and not self.renewals.late(remaining):
            # It comes from somebody who renews it in time.
            return []
        limit = next((limit for limit in EXPIRY_WARNINGS_SECONDS if remaining < limit), math.inf)
        if limit >= self._warned_seconds:
            return []
        self._warned_seconds = limit
        detail: Detail = {"expires_at": self.claims.exp, "remaining_seconds": round(remaining)}
        return [Finding("token.expiring", "warning", detail)]
