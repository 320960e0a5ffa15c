"""Access tokens of the simulator: JWTs signed with a key that lives as long as the process."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

_KEY = secrets.token_bytes(32)
_JWT_PARTS = 3


def issue_token(
    *,
    partner_client_id: int = 1,
    lifetime_seconds: float = 3600.0,
    scope: str = "feed",
    now: float | None = None,
) -> str:
    """A JWT (HS256) that is valid from `now` (UNIX seconds, default: this machine's clock) on.

    Negative lifetimes make tokens that have expired already.
    """
    issued = int(time.time() if now is None else now)
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "sub": str(partner_client_id),
        "scope": scope,
        "iat": issued,
        "nbf": issued,
        "exp": int(issued + lifetime_seconds),
        "jti": secrets.token_hex(8),
    }
    signed = f"{_encode(_json(header))}.{_encode(_json(claims))}"
    signature = hmac.new(_KEY, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_encode(signature)}"


def acceptable(token: str, now: float) -> bool:
    """Whether a client with this token is let in at `now` (UNIX seconds).

    Signatures are not checked, and a token that is no JWT is taken as it is: any client shall be able to
    practise here. What counts is that there is one, and that it is not expired and not for later.
    """
    if not token:
        return False
    claims = _claims(token)
    expires, begins = claims.get("exp"), claims.get("nbf")
    if isinstance(expires, int | float) and expires <= now:
        return False
    return not (isinstance(begins, int | float) and begins > now + 1)


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(payload)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
