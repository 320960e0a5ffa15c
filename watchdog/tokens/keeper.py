"""The keeper of a feed's token: reads or renews it, judges it, and tells when either changes."""

import math
from collections.abc import Callable
from typing import Literal

import trio

from watchdog.config.schema import Feed, Reconnect, Token
from watchdog.core.backoff import delay_seconds
from watchdog.core.findings import Detail, Finding
from watchdog.core.snapshot import RefreshOutcome, TokenSnapshot
from watchdog.core.token import TokenProblem, TokenState, other_partner
from watchdog.runtime.clock import Clock
from watchdog.runtime.http_client import Client
from watchdog.runtime.redaction import register_secret
from watchdog.tokens.endpoint import TokenEndpoint
from watchdog.tokens.sources import TokenUnavailableError, reader

POLL_SECONDS = 0.25
"""How often a token's file or variable is looked at."""

LOOK_SECONDS = 5.0
"""How often at least its times are looked at: the wall clock may be set meanwhile."""

EXPIRY_WARNINGS_SECONDS = (3_600.0, 86_400.0)
"""How long before a token's expiry a line is logged, ascending; a renewal that works keeps it silent."""

TOLERATED_SKEW_SECONDS = 1.0
"""When the two clocks are further apart, a token is judged by the provider's."""

MIN_PAUSE_SECONDS = 1.0
"""The endpoint is asked no more often than this, however eager the reconnecting is."""

TokenListener = Callable[[list[Finding]], None]


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
        client: Client,
        on_change: TokenListener,
        random: Callable[[], float],
    ) -> None:
        self._feed = feed
        self._reconnect = reconnect
        self._clock = clock
        self._on_change = on_change
        self._random = random
        self._endpoint = TokenEndpoint(feed, client)
        self._watch = TokenState()
        self._settings: Token = feed.token
        self._read = reader(feed.token.file, feed.token.env)
        self._refreshes: dict[RefreshOutcome, int] = {"ok": 0, "failed": 0}
        self._rejections = 0
        self._skew_seconds = 0.0
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
        return self._problem in ("missing", "expired", "rejected")

    @property
    def good(self) -> bool:
        """Whether there is nothing against the token."""
        return self._problem is None

    @property
    def _problem(self) -> TokenProblem | None:
        return self._watch.problem(self._wall())

    def _wall(self) -> float:
        """UNIX seconds as the hub counts them, by what is known of its clock."""
        return self._clock.wall() - self._skew_seconds

    def skewed(self, offset_seconds: float) -> None:
        """Our clock is ahead of the provider's by so much (negative: behind), as its updates show."""
        skew = offset_seconds if abs(offset_seconds) > TOLERATED_SKEW_SECONDS else 0.0
        began = skew != 0.0 and self._skew_seconds == 0.0
        self._skew_seconds = skew
        if began:
            self._on_change(
                [Finding("clock.skewed", "warning", {"offset_seconds": round(offset_seconds, 3)})]
            )
        self.announce()

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
            valid=self.good,
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
                await trio.sleep(POLL_SECONDS if self._read is not None else self._next_look_seconds())

    def _next_look_seconds(self) -> float:
        """Until the token becomes valid or expires, if that is soon."""
        claims, now = self._watch.claims, self._wall()
        times = (time - now for time in (claims.nbf, claims.exp) if time is not None)
        return min([LOOK_SECONDS, *(seconds for seconds in times if seconds > 0.0)])

    def _reread(self) -> None:
        try:
            token: str | None = self._read() if self._read is not None else None
        except TokenUnavailableError as problem:
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
        other = other_partner(token, self._feed.partner_client_id) if token is not None else None
        if other is not None:
            # Only the hub can tell whether it takes it.
            detail: Detail = {"expected": self._feed.partner_client_id, "claimed": other}
            self._on_change([Finding("token.other_partner", "warning", detail)])
        self._wake()

    def _wake(self) -> None:
        """Let the games try again that wait for a token the hub accepts."""
        self.changed.set()
        self.changed = trio.Event()

    def announce(self) -> None:
        """Tell of the token's standing if it is another than last told."""
        problem = self._problem
        if self.pending or problem == self._announced:
            return
        self._announced = problem
        if problem is None:
            self._wake()
            detail: Detail = {"expires_at": self._watch.claims.exp}
            self._on_change([Finding("token.valid", "info", detail)])
        else:
            detail = {"error": self._unavailable} if problem == "missing" else {}
            self._on_change([Finding(f"token.{problem}", "warning", detail)])

    def _warn_of_expiry(self) -> None:
        exp = self._watch.claims.exp
        if exp is None or self._renewing:
            return
        remaining = exp - self._wall()
        limit = next((limit for limit in EXPIRY_WARNINGS_SECONDS if remaining < limit), math.inf)
        if remaining > 0 and limit < self._warned_seconds:
            self._warned_seconds = limit
            detail: Detail = {"expires_at": exp, "remaining_seconds": round(remaining)}
            self._on_change([Finding("token.expiring", "warning", detail)])

    async def _keep_fresh(self) -> None:
        """Ask the endpoint ahead of the expiry, and at once, but once, after a rejection."""
        failures, distrusted, at_least_seconds = 0, False, 0.0
        while True:
            if failures:
                await self._pause(failures, at_least_seconds)
            try:
                token, expires_in_seconds = await self._endpoint.ask()
            except TokenUnavailableError as problem:
                failures += 1
                at_least_seconds = problem.retry_after_seconds or 0.0
                self._refresh_failed(str(problem))
                continue
            at_least_seconds = 0.0
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

    async def _pause(self, failures: int, at_least_seconds: float) -> None:
        bounds = self._reconnect
        delay = delay_seconds(
            failures,
            self._random(),
            initial_seconds=max(bounds.initial_seconds, MIN_PAUSE_SECONDS),
            max_seconds=max(bounds.max_seconds, MIN_PAUSE_SECONDS),
        )
        await trio.sleep(max(delay, at_least_seconds))

    def _good_for_seconds(self, expires_in_seconds: float | None) -> float:
        """How long to use a token before asking for the next one."""
        exp = self._watch.claims.exp
        lifetime = exp - self._wall() if exp is not None else expires_in_seconds
        if lifetime is None:
            return math.inf
        if lifetime <= 0.0:
            # By our clock. The hub has the last word; asking again and again would not change it.
            return self._reconnect.max_seconds
        ahead = min(self._settings.refresh_before_seconds, lifetime / 2.0)
        return max(lifetime - ahead, 1.0)
