"""Token: what its bearer can tell of a JWT without a key, and whether it is good at an instant."""

import re
from base64 import urlsafe_b64decode
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

TokenProblem = Literal["missing", "expired", "not_yet_valid", "rejected"]

MAX_TOKEN_CHARACTERS = 16_384

_NumericDate = Annotated[float, Meta(ge=-1e12, le=1e12)]
_JWT_PARTS = 3
_LONGEST_NAME = 40


class Claims(Struct, frozen=True):
    """The times of a token, UNIX seconds; None where it names none or is no JWT.

    Read from the JWT without verifying its signature, for which only the provider has the key: good
    for metrics and for planning, never for trust.
    """

    exp: _NumericDate | None = None
    nbf: _NumericDate | None = None
    iat: _NumericDate | None = None


def read_claims(token: str) -> Claims:
    """The claims of a JWT (RFC 7519); none at all for an opaque token, which is allowed."""
    try:
        return msgspec.json.decode(_payload(token), type=Claims)
    except (ValueError, RecursionError):
        return Claims()


def other_partner(token: str, partner_client_id: int) -> str | None:
    """The partner that a JWT names where that is another one than ours; None for all other tokens.

    The claim is not documented: whichever is called partner client id in any spelling counts, unverified.
    """
    try:
        claims = msgspec.json.decode(_payload(token))
    except (ValueError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    named = [str(value) for name, value in claims.items() if _letters(name) == "partnerclientid"]
    return next((name[:_LONGEST_NAME] for name in named if name != str(partner_client_id)), None)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _payload(token: str) -> bytes:
    """The JSON that a JWT carries.

    Raises:
        ValueError: it is none.

    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        raise ValueError("not three parts")
    return urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))


class TokenState:
    """The standing of one feed's token: missing, expired, not yet valid, rejected, or good (None)."""

    __slots__ = ("claims", "present", "rejected")

    def __init__(self) -> None:
        self.present = False
        self.rejected = False
        self.claims = Claims()

    def replaced(self, token: str | None) -> None:
        """A new token, or none; what was said of the old one no longer counts."""
        self.present = token is not None
        self.claims = read_claims(token) if token is not None else Claims()
        self.rejected = False

    def problem(self, wall: float) -> TokenProblem | None:
        """What is wrong with the token at this UNIX time, by the clock it is given."""
        if not self.present:
            return "missing"
        if self.claims.exp is not None and wall >= self.claims.exp:
            return "expired"
        if self.claims.nbf is not None and wall < self.claims.nbf:
            return "not_yet_valid"
        return "rejected" if self.rejected else None
