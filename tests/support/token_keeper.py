"""A token keeper on virtual time, and an endpoint that gives it tokens."""

import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from watchdog.config.schema import Reconnect, parse
from watchdog.core.findings import Finding
from watchdog.core.snapshot import TokenSnapshot
from watchdog.runtime.clock import Clock
from watchdog.runtime.http_client import Answer, Client, NoAnswerError
from watchdog.tokens.keeper import POLL_SECONDS, TokenKeeper

SECRET = "p@ss wörd of 42"
URL = "https://auth.example/auth/token?partner=hidden"
MAX_SECONDS = 30.0
BASE_WALL_SECONDS = 1_790_000_000.0
"""What the wall clock shows when a virtual clock shows 0."""


def jwt(**claims: float) -> str:
    """A JWT with these claims, as anybody could write one."""
    parts: tuple[dict[str, Any], ...] = ({"alg": "none"}, claims, {})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )


class Keeping:
    """A token keeper on virtual time, and all it told."""

    def __init__(
        self, token: dict[str, Any], *, reconnect: Reconnect | None = None, random: float = 0.0
    ) -> None:
        document = {
            "feeds": [
                {
                    "name": "betcore",
                    "url": "wss://hub.example/hubs",
                    "partner_client_id": 42,
                    "token": token,
                    "games": [{"type": 3}],
                }
            ]
        }
        self.findings: list[Finding] = []
        self._times: list[float] = []
        self.keeper = TokenKeeper(
            parse(document, Path("watchdog.toml")).feeds[0],
            reconnect or Reconnect(),
            Clock(wall=self.wall),
            client=Client(ssl.create_default_context()),
            on_change=self._changed,
            random=lambda: random,
        )

    def _changed(self, findings: list[Finding]) -> None:
        self.findings += findings
        self._times += [trio.current_time()] * len(findings)

    def wall(self) -> float:
        return BASE_WALL_SECONDS + trio.current_time()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Keeping"]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.keeper.run)
            await trio.testing.wait_all_tasks_blocked()
            yield self
            nursery.cancel_scope.cancel()

    async def settle(self) -> None:
        """Lets the keeper look at its file and its times."""
        await trio.sleep(2 * POLL_SECONDS)

    @property
    def snapshot(self) -> TokenSnapshot:
        return self.keeper.snapshot()

    def events(self) -> list[str]:
        return [finding.event for finding in self.findings]

    def times_of(self, event: str) -> list[float]:
        return [time for time, told in zip(self._times, self.events(), strict=True) if told == event]

    def standings(self) -> list[str]:
        """The events without the warnings of a token's end, which stand beside them."""
        return [event for event in self.events() if event != "token.expiring"]

    def assert_silent_about(self, *secrets: str) -> None:
        told = repr(self.findings) + repr(self.keeper) + repr(self.snapshot)
        assert not [secret for secret in secrets if secret in told]


def ok(document):
    return Answer(200, json.dumps(document).encode())


def fresh(lifetime_seconds=3600.0):
    """An answer with a JWT that lives so long from the moment it is given."""
    return lambda: ok({"access_token": jwt(exp=BASE_WALL_SECONDS + trio.current_time() + lifetime_seconds)})


class Endpoint:
    """Answers in turn, the last answer for ever, and notes when and what it was asked."""

    def __init__(self, *answers, takes_seconds=0.0):
        self._answers = list(answers)
        self._takes_seconds = takes_seconds
        self.asked_at = []
        self.bodies = []

    async def post(self, url, *, headers=None, json=None):
        self.asked_at.append(trio.current_time())
        self.bodies.append((url, headers, json))
        await trio.sleep(self._takes_seconds)
        given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(given, NoAnswerError):
            raise given
        return given() if callable(given) else given

    @property
    def pauses(self):
        return [later - sooner for sooner, later in zip(self.asked_at, self.asked_at[1:], strict=False)]


def asking(endpoint: Endpoint, secret_file: Path, *, random: float = 0.0, **settings: Any) -> Keeping:
    """A keeper that asks this endpoint."""
    reconnect = settings.pop("reconnect", Reconnect(max_seconds=MAX_SECONDS))
    kept = Keeping(
        {"url": URL, "secret_file": str(secret_file), **settings}, reconnect=reconnect, random=random
    )
    kept.keeper._endpoint._client = endpoint  # type: ignore[assignment]
    return kept
