"""The keeper of a feed's token, wherever that comes from: reports what becomes of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import trio

from watchdog.config.schema import Feed
from watchdog.core.findings import Finding
from watchdog.core.snapshot import TokenSnapshot, TokenSource
from watchdog.core.token import TokenState, TokenValidity
from watchdog.runtime.clock import Clock

LOOK_SECONDS = 5.0
"""How often at least a token's times are looked at: the wall clock may have been set in the meantime."""

TokenListener = Callable[[list[Finding]], None]


class TokenKeeper(ABC):
    """Holds one feed's token and has it judged.

    `on_change` is called with what there is to log whenever the token's validity may have changed.
    """

    def __init__(self, feed: Feed, clock: Clock, on_change: TokenListener) -> None:
        token = feed.token
        source: TokenSource = "url" if token.url else "env" if token.env else "file"
        self._state = TokenState(feed.name, feed.partner_client_id, source)
        self._unauthorized = False
        self._clock = clock
        self._on_change = on_change
        self._changed = trio.Event()

    @property
    def token(self) -> str | None:
        """The token to connect with, if there is one."""
        return self._state.token

    @property
    def pending(self) -> bool:
        """Whether we don't know yet if there is a token; it is on its way."""
        return self._validity == "pending"

    @property
    def changed(self) -> trio.Event:
        """Set, then replaced, when there is a new token or the current one becomes valid."""
        return self._changed

    @property
    def worth_trying(self) -> bool:
        """Whether to open a connection with the token, as far as is known without trying."""
        return self._state.worth_trying(self._clock.wall())

    @property
    def unauthorized(self) -> bool:
        """Whether the token is missing, surely expired, or was rejected."""
        return self._state.unauthorized(self._clock.wall())

    @property
    def _validity(self) -> TokenValidity:
        return self._state.validity(self._clock.wall())

    def accepted(self, token: str) -> None:
        """The hub accepted this token."""
        self._report(self._state.accepted(token, self._clock.wall()))

    def rejected(self, token: str) -> None:
        """The hub answered 401 or 403 to this token."""
        self._report(self._state.rejected(token, self._clock.wall()))

    def skewed(self, offset_seconds: float) -> None:
        """Our clock is ahead of the provider's by so much (negative: behind), as its updates show."""
        self._report(self._state.skewed(offset_seconds, self._clock.wall()))

    def snapshot(self) -> TokenSnapshot:
        """What is known of the token; never the token."""
        return self._state.snapshot(self._clock.wall())

    async def run(self) -> None:
        """Keep the token for as long as this task runs."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._obtain)
            while True:
                self._report(self._state.judge(self._clock.wall()))
                with trio.move_on_after(min(LOOK_SECONDS, self._state.seconds_to_change(self._clock.wall()))):
                    await self._changed.wait()

    @abstractmethod
    async def _obtain(self) -> None:
        """Get the token, and each one after it."""

    def _report(self, findings: list[Finding], *, another: bool = False) -> None:
        """Report what was found, and let the games try again that wait for another token or a valid one."""
        if another or any(finding.event == "token.valid" for finding in findings):
            self._changed.set()
            self._changed = trio.Event()
        before, self._unauthorized = self._unauthorized, self.unauthorized
        if findings or before != self._unauthorized:
            self._on_change(findings)
