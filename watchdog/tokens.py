"""Where a feed's token comes from: a file, the environment or the provider's endpoint."""

import math
import os
import re
import ssl
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import trio

from watchdog.backoff import delay_seconds
from watchdog.checks.token import MAX_TOKEN_CHARACTERS, TokenProblem, TokenWatch
from watchdog.clock import Clock
from watchdog.config import Feed, Reconnect, Token
from watchdog.http import CREATED, OK, Answer, Client, NoAnswer
from watchdog.log import register_secret
from watchdog.records import Finding
from watchdog.snapshot import RefreshOutcome, TokenSnapshot

POLL_SECONDS = 0.25
"""How often a token's file and its times are looked at."""

EXPIRY_WARNINGS_SECONDS = (3_600.0, 86_400.0)
"""How long before a token's expiry a line is logged, ascending; a renewal that works keeps it silent."""

MIN_PAUSE_SECONDS = 1.0
"""The endpoint is asked no more often than this, however eager the reconnecting is."""

_TOKEN_FIELDS = ("access_token", "accessToken", "token")
_EXPIRES_FIELDS = ("expires_in", "expiresIn")
_WRAPPERS = ("data", "result")
_LONGEST_LIFE_SECONDS = 1e12
_MOST_BYTES = 8 * MAX_TOKEN_CHARACTERS
_USABLE = re.compile(r"[\x21-\x7e]+")

TokenListener = Callable[[list[Finding]], None]


class TokenUnavailable(Exception):  # noqa: N818 - the partner's or the provider's doing, not an error of ours
    """There is no token to be had; the words say why and hold nothing secret."""


def clean_token(text: str) -> str:
    """The token in a text as people and secret stores write it: with a `Bearer`, quotes, a newline.

    Raises:
        TokenUnavailable: it is empty, too long or no token.

    """
    token = text.strip().strip("\"'").strip()
    scheme, _, credentials = token.partition(" ")
    if scheme.lower() == "bearer":
        token = credentials.strip().strip("\"'")
    _check_length(token)
    if not _USABLE.fullmatch(token):
        raise TokenUnavailable("it holds characters that no token has")
    return token


def clean_secret(text: str) -> str:
    """The client's secret in a text, as it stands there but for white space around it.

    Raises:
        TokenUnavailable: it is empty, too long or not printable.

    """
    secret = text.strip()
    _check_length(secret)
    if not secret.isprintable() or "\N{REPLACEMENT CHARACTER}" in secret:
        raise TokenUnavailable("it is not one line of readable UTF-8")
    return secret


def _check_length(text: str) -> None:
    if not text:
        raise TokenUnavailable("it is empty")
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise TokenUnavailable(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")


class SecretFile:
    """A token or a secret in a file, read again when the file changes.

    The file behind a symbolic link counts, so the swap of a Kubernetes secret mount is seen as well.
    """

    def __init__(self, path: Path, clean: Callable[[str], str] = clean_token) -> None:
        """`clean` makes the secret out of the file's text, or raises `TokenUnavailable`."""
        self._path = path
        self._clean = clean
        self._seen: tuple[int, ...] | None = None
        self._secret: str | None = None
        self._problem = ""

    def read(self) -> str:
        """The secret as it is now.

        Raises:
            TokenUnavailable: there is none.

        """
        try:
            status = self._path.stat()
            seen = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                self._secret, self._problem = None, ""
                content = self._content(status.st_mode)
                self._seen = seen
                self._secret = self._clean(content.decode("utf-8-sig", "replace"))
        except OSError as error:
            self._seen = None
            raise TokenUnavailable(f"{self._path}: {error.strerror or type(error).__name__}") from None
        except TokenUnavailable as problem:
            self._problem = f"{self._path}: {problem}"
        if self._secret is None:
            raise TokenUnavailable(self._problem)
        return self._secret

    def _content(self, mode: int) -> bytes:
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for its writer, and the whole loop with it.
            raise TokenUnavailable("it is not a regular file")
        with self._path.open("rb") as file:
            return file.read(_MOST_BYTES)


def _from_environment(name: str, clean: Callable[[str], str]) -> Callable[[], str]:
    def read() -> str:
        try:
            return clean(os.environ.get(name, ""))
        except TokenUnavailable as problem:
            raise TokenUnavailable(f"environment variable {name}: {problem}") from None

    return read


def _reader(
    file: Path | None, env: str | None, clean: Callable[[str], str] = clean_token
) -> Callable[[], str] | None:
    if file is not None:
        return SecretFile(file, clean).read
    return _from_environment(env, clean) if env is not None else None


class TokenKeeper:
    """Holds one feed's token, judges it, and tells when either changes.

    `on_change` is called with what there is to log whenever the token's standing may have changed;
    `changed` is an event that the tasks waiting for another token can wait for.
    """

    def __init__(
        self,
        feed: Feed,
        reconnect: Reconnect,
        clock: Clock,
        *,
        tls: ssl.SSLContext,
        on_change: TokenListener,
        draw: Callable[[], float],
    ) -> None:
        self._feed = feed
        self._reconnect = reconnect
        self._clock = clock
        self._on_change = on_change
        self._draw = draw
        self._client = Client(tls)
        self._watch = TokenWatch()
        self._settings: Token = feed.token
        self._read = _reader(feed.token.file, feed.token.env)
        self._read_secret = _reader(feed.token.secret_file, feed.token.secret_env, clean_secret)
        self._refreshes: dict[RefreshOutcome, int] = {"ok": 0, "failed": 0}
        self._rejections = 0
        self._announced: TokenProblem | Literal["nothing"] | None = "nothing"
        self._unavailable = "not yet read"
        self._warned_seconds = math.inf
        self._renewing = self._read is None
        self._refresh_now = trio.Event()
        # Whether the hub has accepted a token since the endpoint last gave one.
        self._proven = True
        self.changed = trio.Event()
        self.token: str | None = None
        # An endpoint that has not answered yet: the token is not missing, it is on its way.
        self.pending = self._read is None
        if self._read is not None:
            self._reread()

    @property
    def unauthorized(self) -> bool:
        """Whether the token is missing, expired or was rejected."""
        return self._watch.problem(self._clock.wall()) in ("missing", "expired", "rejected")

    def accepted(self, token: str) -> None:
        """The hub accepted this token."""
        self._proven = True
        if token == self.token and self._watch.rejected:
            self._watch.rejected = False
            self._wake()
            self.announce()

    def rejected(self, token: str) -> None:
        """The hub answered 401 or 403 to this token."""
        self._rejections += 1
        if token == self.token:
            self._watch.rejected = True
            self._refresh_now.set()
            self.announce()

    def snapshot(self) -> TokenSnapshot:
        """What is known of the token; never the token."""
        return TokenSnapshot(
            feed=self._feed.name,
            valid=self._watch.problem(self._clock.wall()) is None,
            expires_at=self._watch.claims.exp,
            refreshes=dict(self._refreshes),
            rejections=self._rejections,
        )

    async def run(self) -> None:
        """Keep the token for as long as this task runs."""
        async with trio.open_nursery() as nursery:
            if self._read is None:
                nursery.start_soon(self._keep_fresh)
            while True:
                if self._read is not None:
                    self._reread()
                self.announce()
                self._warn_of_expiry()
                await trio.sleep(POLL_SECONDS)

    def _reread(self) -> None:
        try:
            token: str | None = self._read() if self._read is not None else None
        except TokenUnavailable as problem:
            token, self._unavailable = None, str(problem)
        if token != self.token:
            self._replace(token)

    def _replace(self, token: str | None, *, keep_rejected: bool = False) -> None:
        if token is not None:
            register_secret(token)
        self.pending = False
        self.token = token
        self._watch.replaced(token)
        self._watch.rejected = keep_rejected
        self._warned_seconds = math.inf
        self._wake()

    def _wake(self) -> None:
        """Let the games try again that wait for a token the hub accepts."""
        self.changed.set()
        self.changed = trio.Event()

    def announce(self) -> None:
        """Tell of the token's standing if it is another than last told."""
        problem = self._watch.problem(self._clock.wall())
        if self.pending or problem == self._announced:
            return
        self._announced = problem
        if problem is None:
            detail: dict[str, object] = {"expires_at": self._watch.claims.exp}
            self._on_change([Finding("token.valid", "info", detail)])
        else:
            detail = {"error": self._unavailable} if problem == "missing" else {}
            self._on_change([Finding(f"token.{problem}", "warning", detail)])

    def _warn_of_expiry(self) -> None:
        exp = self._watch.claims.exp
        if exp is None or self._renewing:
            return
        remaining = exp - self._clock.wall()
        limit = next((limit for limit in EXPIRY_WARNINGS_SECONDS if remaining < limit), math.inf)
        if remaining > 0 and limit < self._warned_seconds:
            self._warned_seconds = limit
            detail: dict[str, object] = {"expires_at": exp, "remaining_seconds": round(remaining)}
            self._on_change([Finding("token.expiring", "warning", detail)])

    async def _keep_fresh(self) -> None:
        """Ask the endpoint ahead of the expiry, and at once, but once, after a rejection."""
        failures, distrusted = 0, False
        while True:
            if failures:
                await self._pause(failures)
            try:
                token, expires_in_seconds = await self._ask()
            except TokenUnavailable as problem:
                failures += 1
                self._refresh_failed(str(problem))
                continue
            self._refreshes["ok"] += 1
            self._renewing = True
            self._refresh_now = trio.Event()
            self._proven = False
            self._replace(token, keep_rejected=distrusted)
            self._on_change([Finding("token.refreshed", "info", {"expires_at": self._watch.claims.exp})])
            self.announce()
            with trio.move_on_after(self._good_for_seconds(expires_in_seconds)):
                await self._refresh_now.wait()
            # A new token that is rejected too is a failure like no answer: the pause grows.
            distrusted = self._watch.rejected and not self._proven
            failures = failures + 1 if distrusted else 0

    def _refresh_failed(self, problem: str) -> None:
        self._refreshes["failed"] += 1
        self._renewing = False
        self._unavailable = problem
        self._on_change([Finding("token.refresh_failed", "warning", {"error": problem})])
        if self.token is None:
            self._replace(None)
        self.announce()

    async def _pause(self, failures: int) -> None:
        bounds = self._reconnect
        await trio.sleep(
            delay_seconds(
                failures,
                self._draw(),
                initial_seconds=max(bounds.initial_seconds, MIN_PAUSE_SECONDS),
                max_seconds=max(bounds.max_seconds, MIN_PAUSE_SECONDS),
            )
        )

    def _good_for_seconds(self, expires_in_seconds: float | None) -> float:
        """How long to use a token before asking for the next one."""
        exp = self._watch.claims.exp
        lifetime = exp - self._clock.wall() if exp is not None else expires_in_seconds
        if lifetime is None:
            return float("inf")
        if lifetime <= 0.0:
            # By our clock. The hub has the last word; asking again and again would not change it.
            return self._reconnect.max_seconds
        ahead = min(self._settings.refresh_before_seconds, lifetime / 2.0)
        return max(lifetime - ahead, 1.0)

    async def _ask(self) -> tuple[str, float | None]:
        if self._settings.url is None or self._read_secret is None:
            raise RuntimeError("asked for a token without an endpoint")
        try:
            secret = self._read_secret()
        except TokenUnavailable as problem:
            raise TokenUnavailable(f"the secret is unavailable: {problem}") from None
        register_secret(secret)
        body = self._settings.request.fill(partner_client_id=self._feed.partner_client_id, secret=secret)
        try:
            answer = await self._client.post(self._settings.url.text, json=body)
        except NoAnswer as error:
            raise TokenUnavailable(f"{error.reason}: {error}") from None
        return _parse(answer, self._settings)


def _parse(answer: Answer, settings: Token) -> tuple[str, float | None]:
    if answer.status not in (OK, CREATED):
        raise TokenUnavailable(f"HTTP status {answer.status}")
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TokenUnavailable("the answer is no JSON") from None
    token = _find(document, settings.token_field, _TOKEN_FIELDS)
    if not isinstance(token, str):
        raise TokenUnavailable("the answer holds no token")
    expires_in = _find(document, settings.expires_field, _EXPIRES_FIELDS)
    number = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    sensible = number and 0.0 < expires_in < _LONGEST_LIFE_SECONDS
    return clean_token(token), float(expires_in) if sensible else None


def _find(document: Any, path: str | None, names: tuple[str, ...]) -> Any:
    """The field at a dotted path, or under one of the usual names, at the top or in a wrapper."""
    if path is not None:
        for key in path.split("."):
            document = document.get(key) if isinstance(document, Mapping) else None
        return document
    if not isinstance(document, Mapping):
        return None
    for place in (document, *(document.get(wrapper) for wrapper in _WRAPPERS)):
        if isinstance(place, Mapping):
            found = next((place[name] for name in names if place.get(name) is not None), None)
            if found is not None:
                return found
    return None
