"""A feed's token: what its bearer can read of a JWT without a key, and how the token is judged."""

import math
import re
from base64 import urlsafe_b64decode
from typing import Any, Literal

import msgspec
from msgspec import Struct

from watchdog.core.findings import Detail, Finding
from watchdog.core.snapshot import RefreshOutcome, TokenSnapshot

MAX_TOKEN_CHARACTERS = 16_384

EXPIRY_WARNINGS_SECONDS = (3_600.0, 86_400.0)
"""How long before a token's expiry a line is logged, ascending; a renewal that works keeps it silent."""

TOLERATED_SKEW_SECONDS = 1.0
"""When the two clocks are further apart, a token is judged by the provider's."""

TokenValidity = Literal["pending", "valid", "missing", "expired", "not_yet_valid", "rejected"]
"""Pending until it is known whether there is a token at all."""

_Trust = Literal["untried", "distrusted", "accepted", "refused", "revoked"]
"""What the hub makes of a token: a distrusted one follows a refused one, a revoked one was accepted once."""

_JWT_PARTS = 3
_LONGEST_NAME = 40
_LATEST = 1e12


class Claims(Struct, frozen=True):
    """What a token says of itself: its times, UNIX seconds, and whom it was issued to.

    Read from the JWT without verifying its signature, for which only the provider has the key: good
    for metrics and for planning, never for trust. A time that it doesn't name, or not sensibly, is None.
    """

    exp: float | None = None
    nbf: float | None = None
    partners: tuple[str, ...] = ()

    def other_partner(self, partner_client_id: int) -> str | None:
        """The partner the token names, if it isn't ours."""
        ours = str(partner_client_id)
        return next((name[:_LONGEST_NAME] for name in self.partners if name != ours), None)


def read_claims(token: str) -> Claims:
    """The claims of a JWT (RFC 7519); none at all for an opaque token, which is allowed.

    The partner's claim is not documented: whichever is called partner client id in any spelling counts.
    """
    try:
        claims = msgspec.json.decode(_payload(token), type=dict[str, Any])
        # What is nested as deep as can be decoded may be nested too deeply to be written.
        partners = [str(value) for name, value in claims.items() if _letters(name) == "partnerclientid"]
    except (ValueError, RecursionError):
        return Claims()
    return Claims(_time(claims.get("exp")), _time(claims.get("nbf")), tuple(partners))


def _payload(token: str) -> bytes:
    """The JSON that a JWT carries.

    Raises:
        ValueError: it is none.

    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        raise ValueError("not three parts")
    return urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _time(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and abs(value) <= _LATEST else None


class TokenState:
    """One feed's token as it is judged: it is given events, each with the time, and returns what to log.

    `wall` is UNIX seconds by our own clock. A token's own times are the provider's, so they are compared
    with the provider's clock as far as that is known.
    """

    def __init__(self, feed: str, partner_client_id: int) -> None:
        self.token: str | None = None
        self.claims = Claims()
        self._feed = feed
        self._partner_client_id = partner_client_id
        self._pending = True
        self._missing_because = ""
        self._renewing = False
        self._trust: _Trust = "untried"
        self._skew_seconds = 0.0
        self._logged: TokenValidity = "pending"
        self._warned_seconds = math.inf
        self._refreshes: dict[RefreshOutcome, int] = {"ok": 0, "failed": 0}
        self._rejections = 0

    def validity(self, wall: float) -> TokenValidity:
        """How the token stands at this time."""
        now = wall - self._skew_seconds
        if self._pending:
            return "pending"
        if self.token is None:
            return "missing"
        if self.claims.exp is not None and now >= self.claims.exp:
            return "expired"
        if self.claims.nbf is not None and now < self.claims.nbf:
            return "not_yet_valid"
        return "valid" if self._trust in ("untried", "accepted") else "rejected"

    def worth_trying(self, wall: float) -> bool:
        """Whether to open a connection with the token: it is valid, or only the one before was refused."""
        validity = self.validity(wall)
        return validity == "valid" or (validity == "rejected" and self._trust == "distrusted")

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
            expires_at=self.claims.exp,
            refreshes=dict(self._refreshes),
            rejections=self._rejections,
        )

    def obtained(self, token: str, wall: float) -> list[Finding]:
        """Another token was put where the feed's token is kept."""
        return [*self._replace(token), *self.judge(wall)]

    def unavailable(self, why: str, wall: float) -> list[Finding]:
        """There is no token."""
        self._missing_because = why
        return [*self._replace(None), *self.judge(wall)]

    def renewed(self, token: str, wall: float) -> list[Finding]:
        """The endpoint gave a token: after one that was refused, it is valid only once it is accepted."""
        self._refreshes["ok"] += 1
        self._renewing = True
        findings = self._replace(token, "distrusted" if self.unproven else "untried")
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
        if token == self.token:
            self._trust = "accepted"
        return self.judge(wall)

    def rejected(self, token: str, wall: float) -> list[Finding]:
        """The hub answered 401 or 403 to this token."""
        self._rejections += 1
        if token == self.token:
            self._trust = "revoked" if self._trust in ("accepted", "revoked") else "refused"
        return self.judge(wall)

    def skewed(self, offset_seconds: float, wall: float) -> list[Finding]:
        """Our clock is ahead of the provider's by so much (negative: behind), as its updates show."""
        before = self._skew_seconds
        self._skew_seconds = offset_seconds if abs(offset_seconds) > TOLERATED_SKEW_SECONDS else 0.0
        if before or not self._skew_seconds:
            return self.judge(wall)
        skewed = Finding("clock.skewed", "warning", {"offset_seconds": round(offset_seconds, 3)})
        return [skewed, *self.judge(wall)]

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

    def _replace(self, token: str | None, trust: _Trust = "untried") -> list[Finding]:
        """Take another token, or none; what was known of the one before no longer counts."""
        self.token = token
        self.claims = read_claims(token) if token is not None else Claims()
        self._pending = False
        self._trust = trust
        self._warned_seconds = math.inf
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
        limit = next((limit for limit in EXPIRY_WARNINGS_SECONDS if remaining < limit), math.inf)
        if limit >= self._warned_seconds:
            return []
        self._warned_seconds = limit
        detail: Detail = {"expires_at": self.claims.exp, "remaining_seconds": round(remaining)}
        return [Finding("token.expiring", "warning", detail)]
