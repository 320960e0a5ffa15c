"""The web application: its routes, what each answers, and the headers on everything."""

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from http import HTTPStatus

import trio
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchdog.core.errors import ClientError, OperatorError
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.render import Rendering
from watchdog.readers.web.auth import BasicAuth, Passwords
from watchdog.readers.web.headers import SECURE_HEADERS
from watchdog.readers.web.page import asset, page
from watchdog.readers.web.status import encode, status_of

_ASSETS: Mapping[str, str] = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
}

_AT_ONCE = 2
"""How many snapshots are worked on at the same time; further requests wait before taking a snapshot."""

_SHORT_TURN_SECONDS = 0.005
_SHARE_OF_A_LONG_TURN = 0.05

Read = Callable[[], Snapshot]
ReadHistory = Callable[[Mapping[str, str]], bytes]
Render = Callable[[Snapshot, str, str], Rendering]
_Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(
    read: Read, render: Render, passwords: Passwords | None = None, history: ReadHistory | None = None
) -> Starlette:
    """The application over the whole watch.

    `read` takes a snapshot, `render` encodes it for an `Accept` and an `Accept-Encoding` header. With
    `passwords`, nothing at all is answered without one of them. `history` reads the rows that a query asks
    for; it runs in a thread.
    """
    readers = _Readers(read, render, history)
    routes = [
        Route("/", readers.page),
        Route("/metrics", readers.metrics),
        Route("/healthz", _healthz),
        Route("/readyz", readers.readyz),
        Route("/api/v1/status", readers.status),
        Route("/api/v1/history", readers.history),
        *(Route(f"/static/{name}", _static(asset(name), kind)) for name, kind in _ASSETS.items()),
    ]
    protection = [Middleware(BasicAuth, passwords)] if passwords is not None else []
    app = Starlette(
        routes=routes,
        middleware=[Middleware(_SecureHeaders), *protection],
        exception_handlers={HTTPStatus.INTERNAL_SERVER_ERROR: _mistake},
    )
    # A redirect would echo the Host header, and nobody needs one.
    app.router.redirect_slashes = False
    return app


class _Readers:
    """The endpoints that show a snapshot.

    Each takes it in the loop, so that a loop that hangs fails the scrape. The metrics are encoded in the
    loop as well, piece by piece: a thread would take the interpreter from it for longer, and cost three times
    as much. What people look at now and then is made in a thread of our own limiter, because name resolution
    that hangs may hold every thread of the common one.
    """

    def __init__(self, read: Read, render: Render, history: ReadHistory | None) -> None:
        self._read = read
        self._render = render
        self._history = history
        self._turns = trio.Semaphore(_AT_ONCE)
        self._threads = trio.CapacityLimiter(_AT_ONCE)

    async def metrics(self, request: Request) -> Response:
        accept = ",".join(request.headers.getlist("accept"))
        accept_encoding = ",".join(request.headers.getlist("accept-encoding"))
        async with self._turns:
            rendering = self._render(self._read(), accept, accept_encoding)
            await trio.lowlevel.checkpoint()
            body = await _made_between_others(rendering.pieces)
        headers = {"Content-Type": rendering.content_type, "Vary": "Accept, Accept-Encoding"}
        if rendering.content_encoding is not None:
            headers["Content-Encoding"] = rendering.content_encoding
        return Response(body, headers=headers)

    async def status(self, request: Request) -> Response:
        del request
        body = await self._shown(lambda snapshot: encode(status_of(snapshot)))
        return Response(body, media_type="application/json")

    async def history(self, request: Request) -> Response:
        if self._history is None:
            return PlainTextResponse("no history: the configuration has no [history]\n", HTTPStatus.NOT_FOUND)
        query = dict(request.query_params)
        try:
            async with self._turns:
                body = await trio.to_thread.run_sync(self._history, query, limiter=self._threads)
        except ClientError as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.BAD_REQUEST)
        except OperatorError as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(body, media_type="application/jsonl")

    async def page(self, request: Request) -> Response:
        del request
        body = await self._shown(lambda snapshot: page(status_of(snapshot)).encode())
        return Response(body, media_type="text/html; charset=utf-8")

    async def readyz(self, request: Request) -> Response:
        del request
        games = self._read().games
        untried = sum(not game.tried for game in games)
        if untried:
            reason = f"not ready: {untried} of {len(games)} subscriptions not tried yet\n"
            return PlainTextResponse(reason, HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ready\n")

    async def _shown(self, show: Callable[[Snapshot], bytes]) -> bytes:
        async with self._turns:
            return await trio.to_thread.run_sync(show, self._read(), limiter=self._threads)


async def _made_between_others(pieces: Iterator[bytes]) -> bytes:
    """All pieces together, made while other tasks take turns.

    They have a turn after each piece. Where such a turn takes long, we take a share of that time for further
    pieces: a thousand games need four hundred, and no scraper waits for so many turns of a loop that is late.
    """
    made = []
    until = -math.inf
    for piece in pieces:
        made.append(piece)
        paused_at = trio.current_time()
        if paused_at < until:
            continue
        await trio.lowlevel.checkpoint()
        now = trio.current_time()
        until = now + (now - paused_at - _SHORT_TURN_SECONDS) * _SHARE_OF_A_LONG_TURN
    return b"".join(made)


async def _healthz(request: Request) -> Response:
    del request
    await trio.lowlevel.checkpoint()
    return PlainTextResponse("ok\n")


def _static(body: bytes, content_type: str) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        del request
        return Response(body, media_type=content_type)

    return endpoint


async def _mistake(request: Request, error: Exception) -> Response:
    """The answer to our own bug: the server logs it with its traceback, the client learns nothing of it."""
    del request, error
    # Made outside of the middleware, so the headers are named here.
    return PlainTextResponse("internal error\n", HTTPStatus.INTERNAL_SERVER_ERROR, dict(SECURE_HEADERS))


class _SecureHeaders:
    """A layer that puts the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURE_HEADERS)
            await send(message)

        await self._app(scope, receive, secured)
