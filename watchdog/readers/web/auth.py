"""HTTP basic auth for every path."""

import hmac
import re
import secrets
from base64 import b64decode
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import bcrypt
import trio
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from watchdog.core.errors import ClientError

LONGEST_PASSWORD_BYTES: Final = 72
"""What bcrypt looks at; the rest of a longer password would be ignored."""

MOST_WAITING: Final = 8
"""How many password checks may wait for their turn; there is one at a time, on one core."""

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="betcore-watchdog", charset="UTF-8"'}
_BASIC: Final = re.compile(rb"basic +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_RETRY_SECONDS: Final = "1"


class BusyError(ClientError):
    """Too many password checks are waiting already."""


class Passwords:
    """The users' bcrypt hashes; a password is checked against them without stalling the loop.

    A right password is remembered by a keyed hash, one for each user, so that a scraper costs one bcrypt
    check and not one a scrape. A wrong password and an unknown user cost the same: the hash that is
    checked for an unknown user is the costliest one of the file.
    """

    def __init__(
        self, hashes: Mapping[str, bytes], *, check: Callable[[bytes, bytes], bool] = bcrypt.checkpw
    ) -> None:
        self._check = check
        self._key = secrets.token_bytes(32)
        self._turn = trio.Lock()
        self._threads = trio.CapacityLimiter(1)
        self.replace(hashes)

    def replace(self, hashes: Mapping[str, bytes]) -> None:
        """Take over another set of users, at least one; what was remembered of the old ones is forgotten."""
        self._hashes = dict(hashes)
        self._costliest = max(self._hashes.values(), key=_cost)
        self._remembered: dict[str, bytes] = {}

    async def match(self, user: str, password: bytes) -> bool:
        """Whether this is the user's password, which has at most 72 bytes.

        Raises:
            BusyError: too many checks are waiting already.

        """
        own = self._hashes.get(user)
        hashed = own or self._costliest
        proof = hmac.digest(self._key, hashed + password, "sha256")
        if self._remembers(user, proof):
            return True
        if self._turn.statistics().tasks_waiting >= MOST_WAITING:
            raise BusyError
        async with self._turn:
            # In the meantime another request may have had the same one checked.
            if self._remembers(user, proof):
                return True
            equal = await trio.to_thread.run_sync(
                self._check, password, hashed, limiter=self._threads, abandon_on_cancel=True
            )
        right = equal and own is not None
        # A reload may have come in between.
        if right and self._hashes.get(user) == own:
            self._remembered[user] = proof
        return right

    def _remembers(self, user: str, proof: bytes) -> bool:
        return hmac.compare_digest(self._remembered.get(user, b""), proof)


class BasicAuth:
    """A layer that lets only requests with a user's password through.

    It doesn't read the body of any other.
    """

    def __init__(self, app: ASGIApp, passwords: Passwords) -> None:
        self._app = app
        self._passwords = passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have the application do so."""
        refusal = await self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        credentials = _credentials(scope)
        if credentials is None:
            return _unauthorized("unauthorized\n")
        user, password = credentials
        if len(password) > LONGEST_PASSWORD_BYTES:
            return _unauthorized(f"unauthorized: a password has at most {LONGEST_PASSWORD_BYTES} bytes\n")
        try:
            right = await self._passwords.match(user, password)
        except BusyError:
            return PlainTextResponse(
                "too many password checks are waiting\n",
                HTTPStatus.SERVICE_UNAVAILABLE,
                {"Retry-After": _RETRY_SECONDS},
            )
        return None if right else _unauthorized("unauthorized\n")


def _cost(hashed: bytes) -> int:
    """The cost in a bcrypt hash, `$2b$12$…`."""
    return int(hashed.split(b"$")[2])


def _credentials(scope: Scope) -> tuple[str, bytes] | None:
    """User and password of the one `Authorization` header; None if there is no such thing."""
    values = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    basic = _BASIC.fullmatch(values[0].strip()) if len(values) == 1 else None
    if basic is None:
        return None
    try:
        decoded = b64decode(basic[1], validate=True)
        user = decoded.partition(b":")[0].decode()
    except ValueError:
        return None
    _, colon, password = decoded.partition(b":")
    return (user, password) if colon and not _CONTROL.search(decoded) else None


def _unauthorized(text: str) -> Response:
    return PlainTextResponse(text, HTTPStatus.UNAUTHORIZED, _CHALLENGE)
