"""JWTs as anybody could write them: the watchdog has no key to verify one with."""

import json
from base64 import urlsafe_b64encode


def with_payload(payload: str) -> str:
    """A token of three parts with this text in the middle."""
    return f"e30.{urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.c2ln"


def jwt(**claims: object) -> str:
    """A JWT with these claims."""
    return with_payload(json.dumps(claims))
