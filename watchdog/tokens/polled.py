"""A token that somebody else keeps up to date: in a file, or in the environment."""

import trio

from watchdog.config.schema import Feed
from watchdog.runtime.clock import Clock
from watchdog.runtime.redaction import register_secret
from watchdog.tokens.keeper import TokenKeeper, TokenListener
from watchdog.tokens.sources import CredentialError, SecretFile, reader, token_in

POLL_SECONDS = 2.0
"""How often a token's file is looked at."""


class PolledToken(TokenKeeper):
    """Reads a feed's token, from a file again whenever that changes."""

    def __init__(self, feed: Feed, clock: Clock, *, on_change: TokenListener) -> None:
        super().__init__(feed, clock, on_change)
        self._file = SecretFile(feed.token.file, token_in) if feed.token.file is not None else None
        self._read = self._file.read if self._file is not None else reader(None, feed.token.env, token_in)

    async def _obtain(self) -> None:
        self._look()
        # Nobody can change the environment of a running process from outside.
        while self._file is not None:
            await trio.sleep(POLL_SECONDS)
            self._look()

    def _look(self) -> None:
        try:
            token = self._read()
        except CredentialError as problem:
            if self.token is not None or self.pending:
                self._report(self._state.unavailable(str(problem), self._clock.wall()), another=True)
        else:
            if token != self.token:
                register_secret(token)
                written_at = None if self._file is None else self._file.written_at
                self._report(self._state.obtained(token, self._clock.wall(), written_at), another=True)
