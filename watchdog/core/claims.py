"""What its bearer can read of a JWT without a key: its times, and whom it was issued to."""

import math
import re
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
from msgspec import Struct

_JWT_PARTS = 3
_LONGEST_NAME = 40
_NUMBER = re.compile(r"[-+]?[0-9]{1,20}(?:\.[0-9]{0,20})?(?:[eE][-+]?[0-9]{1,2})?")

_LATEST_SECONDS = 253_402_300_800.0
"""The year 10000. Nobody means a later time, so a larger number counts milliseconds."""


class Claims(Struct, frozen=True):
    """What a token says of itself: its times, UNIX seconds, and whom it was issued to.

    Read from the JWT without verifying its signature, for which only the provider has the key: good
    for metrics and for planning, never for trust. A time that it doesn't name, or not sensibly, is None;
    `unreadable` names those of the latter sort.
    """

    exp: float | None = None
    nbf: float | None = None
    partners: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    def other_partner(self, partner_client_id: int) -> str | None:
        """The partner the token names, if it isn't ours."""
        ours = str(partner_client_id)
        return next((name[:_LONGEST_NAME] for name in self.partners if name != ours), None)


def read_claims(token: str) -> Claims:
    """The claims of a JWT (RFC 7519); none at all for an opaque token, which is allowed.

    Each claim is read by itself, so one that makes no sense takes no other with it. Names count in any
    capitals. The partner's claim is not documented: whichever is called partner client id in any spelling
    counts.
    """
    try:
        raw = msgspec.json.decode(_payload(token), type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return Claims()
    claims = {name.lower(): _value(text) for name, text in raw.items()}
    given = {name: claims[name] for name in ("exp", "nbf") if claims.get(name) is not None}
    times = {name: unix_seconds_of(value) for name, value in given.items()}
    return Claims(
        times.get("exp"),
        times.get("nbf"),
        tuple(partner for name, text in raw.items() if (partner := _partner(name, text)) is not None),
        tuple(name for name, seconds in times.items() if seconds is None),
    )


def number_of(value: Any) -> float | None:
    """A number, or one that is written in a text; None for anything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def unix_seconds_of(value: Any) -> float | None:
    """A time as issuers write it: UNIX seconds or milliseconds, as a number or in a text; else None."""
    number = number_of(value)
    if number is not None and abs(number) >= _LATEST_SECONDS:
        number /= 1000.0
    return number if number is not None and abs(number) < _LATEST_SECONDS else None


def _payload(token: str) -> bytes:
    """The JSON that a JWT carries.

    Raises:
        ValueError: it is none.

    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        raise ValueError("not three parts")
    payload = urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    # One claim in another encoding is not to cost us the others.
    return payload.decode("utf-8-sig", "replace").encode()


def _value(raw: msgspec.Raw) -> Any:
    """What a claim says; NaN for what can't be decoded by itself."""
    try:
        return msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return math.nan


def _partner(name: str, raw: msgspec.Raw) -> str | None:
    if _letters(name) != "partnerclientid":
        return None
    try:
        # What is nested as deep as can be decoded may be nested too deeply to be written.
        return str(msgspec.json.decode(raw))
    except (ValueError, RecursionError):
        return None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
