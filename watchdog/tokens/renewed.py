"""A token from the provider's endpoint, renewed before it expires and after the hub has refused it."""

import math
from collections.abc import Callable

import trio

from watchdog.config.schema import Feed
from watchdog.core.backoff import Backoff
from watchdog.runtime.clock import Clock
from watchdog.runtime.redaction import register_secret
from watchdog.tokens.endpoint import TokenEndpoint, TokenEndpointError
from watchdog.tokens.keeper import TokenKeeper, TokenListener
from watchdog.tokens.sources import CredentialError

MIN_PAUSE_SECONDS = 1.0
"""The endpoint is asked no more often than this, however eager the reconnecting is."""


class RenewedToken(TokenKeeper):
    """Asks the endpoint ahead of the expiry, and once, immediately, after a rejection."""

    def __init__(
        self,
        feed: Feed,
        clock: Clock,
        *,
        endpoint: TokenEndpoint,
        backoff: Backoff,
        on_change: TokenListener,
        random: Callable[[], float],
    ) -> None:
        super().__init__(feed, clock, on_change)
        self._endpoint = endpoint
        self.pause_within(backoff)
        self._refresh_before_seconds = feed.token.refresh_before_seconds
        self._random = random
        self._rejected = trio.Event()

    def pause_within(self, backoff: Backoff) -> None:
        """Take over the bounds of the pauses after failures."""
        self._backoff = Backoff(
            max(backoff.initial_seconds, MIN_PAUSE_SECONDS), max(backoff.max_seconds, MIN_PAUSE_SECONDS)
        )

    def rejected(self, token: str) -> None:
        """The hub answered 401 or 403 to this token, which is a reason to ask for the next one."""
        super().rejected(token)
        if token == self.token:
            self._rejected.set()

    async def _obtain(self) -> None:
        failures, pause_seconds = 0, 0.0
        while True:
            await trio.sleep(pause_seconds)
            asked_at, waited_for = trio.current_time(), self.pending
            try:
                token, lifetime_seconds = await self._endpoint.ask()
            except (CredentialError, TokenEndpointError) as problem:
                failures += 1
                pause_seconds = self._backoff.delay_seconds(failures, self._random())
                if isinstance(problem, TokenEndpointError):
                    pause_seconds = max(pause_seconds, problem.retry_after_seconds)
                findings = self._state.not_renewed(str(problem), self._clock.wall())
                self._report(findings, another=waited_for)
                continue
            self._rejected = trio.Event()
            register_secret(token)
            self._report(self._state.renewed(token, self._clock.wall()), another=True)
            use_for_seconds = self._use_for_seconds(lifetime_seconds)
            self._state.renewals.planned(self._clock.wall() + use_for_seconds)
            with trio.move_on_after(use_for_seconds):
                await self._rejected.wait()
            # A new token that is rejected too is a failure like no answer: the pause grows.
            failures = failures + 1 if self._state.unproven else 0
            pause_seconds = self._backoff.delay_seconds(failures, self._random())
            # A hub may accept each token once and then refuse it.
            since_seconds = trio.current_time() - asked_at
            pause_seconds = max(pause_seconds, MIN_PAUSE_SECONDS - since_seconds)

    def _use_for_seconds(self, lifetime_seconds: float | None) -> float:
        """How long to use the token before asking for the next one; its own expiry counts first."""
        remaining = self._state.remaining_seconds(self._clock.wall())
        if remaining is None or (remaining <= 0.0 and lifetime_seconds is not None):
            lifetime = lifetime_seconds
        else:
            lifetime = remaining
        if lifetime is None:
            return math.inf
        if lifetime <= 0.0:
            # By our clock. The hub has the last word; asking again and again would not change it.
            return self._backoff.max_seconds
        ahead = min(self._refresh_before_seconds, lifetime / 2.0)
        return max(lifetime - ahead, 1.0)
