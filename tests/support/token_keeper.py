"""A token keeper on virtual time, and an endpoint that gives it tokens."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import trio

from tests.support.jwt import jwt
from watchdog.config.load import parse
from watchdog.config.schema import Feed
from watchdog.core.backoff import Backoff
from watchdog.core.findings import Finding
from watchdog.core.snapshot import TokenSnapshot
from watchdog.runtime.clock import Clock
from watchdog.runtime.http_client import Answer, NoAnswerError
from watchdog.tokens.endpoint import TokenEndpoint
from watchdog.tokens.keeper import TokenKeeper
from watchdog.tokens.polled import PolledToken
from watchdog.tokens.renewed import RenewedToken

SECRET = "p@ss wörd of 42"
URL = "https://auth.example/auth/token?partner=hidden"
MAX_SECONDS = 30.0
BACKOFF = Backoff(0.25, MAX_SECONDS)
BASE_WALL_SECONDS = 1_790_000_000.0
"""What the wall clock shows when a virtual clock shows 0."""


def wall() -> float:
    return BASE_WALL_SECONDS + trio.current_time()


def feed_with(**token: Any) -> Feed:
    """A feed whose token comes from there."""
    feed = {"name": "betcore", "url": "wss://hub.example/hubs", "partner_client_id": 42}
    document = {"feeds": [feed | {"token": token, "games": [{"type": 3}]}]}
    return parse(document, Path("watchdog.toml")).feeds[0]


def endpoint_of(client: Any, **token: Any) -> TokenEndpoint:
    """The endpoint of such a feed, asked through this client."""
    feed = feed_with(**{"url": URL, **token})
    assert feed.token.url is not None
    return TokenEndpoint(feed.token.url, feed, client)


class Keeping:
    """A token keeper at work, and all it reported."""

    def __init__(self) -> None:
        self.keeper: TokenKeeper
        self.findings: list[Finding] = []
        self._times: list[float] = []

    def report(self, findings: list[Finding]) -> None:
        self.findings += findings
        self._times += [trio.current_time()] * len(findings)

    @property
    def snapshot(self) -> TokenSnapshot:
        return self.keeper.snapshot()

    def events(self) -> list[str]:
        """The events but for the warnings of the expiry, which stand beside them."""
        return [finding.event for finding in self.findings if finding.event != "token.expiring"]

    def times_of(self, event: str) -> list[float]:
        found = zip(self._times, self.findings, strict=True)
        return [time for time, finding in found if finding.event == event]

    def assert_silent_about(self, *secrets: str) -> None:
        shown = repr(self.findings) + repr(self.keeper) + repr(self.snapshot)
        assert not [secret for secret in secrets if secret in shown]


@asynccontextmanager
async def polling(**token: Any) -> AsyncIterator[Keeping]:
    """A token from a file or the environment."""
    kept = Keeping()
    kept.keeper = PolledToken(feed_with(**token), Clock(wall), on_change=kept.report)
    async with _running(kept):
        yield kept


@asynccontextmanager
async def renewing(
    client: Any, *, random: float = 0.0, backoff: Backoff = BACKOFF, **token: Any
) -> AsyncIterator[Keeping]:
    """A token from the endpoint, asked through this client."""
    kept = Keeping()
    kept.keeper = RenewedToken(
        feed_with(**{"url": URL, **token}),
        Clock(wall),
        endpoint=endpoint_of(client, **token),
        backoff=backoff,
        on_change=kept.report,
        random=lambda: random,
    )
    assert kept.keeper.pending
    async with _running(kept):
        yield kept


@asynccontextmanager
async def _running(kept: Keeping) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.keeper.run)
        await trio.testing.wait_all_tasks_blocked()
        yield
        nursery.cancel_scope.cancel()


def ok(document: object) -> Answer:
    return Answer(200, json.dumps(document).encode())


def fresh(lifetime_seconds: float = 3600.0) -> Any:
    """An answer with a JWT that lives so long from the moment it is given."""
    return lambda: ok({"access_token": jwt(exp=wall() + lifetime_seconds)})


class FakeClient:
    """Answers in turn, the last answer forever, and notes when and what it was asked."""

    def __init__(self, *answers: Any, takes_seconds: float = 0.0) -> None:
        self._answers = list(answers)
        self._takes_seconds = takes_seconds
        self.asked_at: list[float] = []
        self.bodies: list[tuple[str, object, Any]] = []

    async def post(self, url: str, *, headers: object = None, json: Any = None) -> Answer:
        self.asked_at.append(trio.current_time())
        self.bodies.append((url, headers, json))
        await trio.sleep(self._takes_seconds)
        given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        given = given() if callable(given) else given
        if isinstance(given, NoAnswerError):
            raise given
        assert isinstance(given, Answer)
        return given

    @property
    def pauses(self) -> list[float]:
        return [later - sooner for sooner, later in pairwise(self.asked_at)]
