"""One connection of the web side: requests answered one after the other, within limits."""

import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import trio

from watchdog.readers.web.headers import SECURE_HEADERS
from watchdog.runtime.http_server import Application, HttpConnection, Scope

HANDSHAKE_SECONDS = 5.0
HEAD_SECONDS = 10.0
"""How long the head of a request may take: the first one from connecting on, others from their first byte."""

ANSWER_SECONDS = 15.0
"""How long an answer may take from the request's head to its last byte sent, however slowly it is read."""

IDLE_SECONDS = 75.0
"""How long a connection may stay without another request: longer than any usual scrape interval."""

PARTING_SECONDS = 1.0
HEAD_FIELDS: Final = 100
TARGET_BYTES: Final = 2 * 1024
GRACE = 4
"""How many times its limit a step may take in addition because our loop is always late."""

REQUESTS: Final = 10_000
"""How many requests a connection may make."""

_SECURE: Final = [(name.lower().encode(), value.encode()) for name, value in SECURE_HEADERS.items()]

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class WebConnection:
    """One connection from its first byte to its last.

    It does not end itself when its time is up. It says until when it may take, and `Connections` judges that,
    because a deadline that passed while our own loop was late says nothing about the client. `on_deadline`
    is called with each new one.
    """

    def __init__(self, stream: Stream, app: Application, on_deadline: Callable[[float], None]) -> None:
        self._stream = stream
        self._app = app
        self._http = HttpConnection(stream, refusal_headers=_SECURE)
        self._on_deadline = on_deadline
        self._scope = trio.CancelScope()
        self.deadline = math.inf
        """When the time for the present step is up, by Trio's clock."""
        self._grace_seconds = 0.0
        self.waiting_since: float | None = trio.current_time()
        """Since when no request is under way, by Trio's clock; None while one is."""

    def excuse(self, still_seconds: float, before_seconds: float) -> None:
        """Give the step more time: what our loop stood still, and within the grace what was before that.

        The client may have been waiting for us then too. But on a loop that is always late, clients that
        do nothing would stay forever and leave no room for others.
        """
        grace = min(before_seconds, self._grace_seconds)
        self._grace_seconds -= grace
        self.deadline += still_seconds + grace

    def end(self) -> None:
        """End the connection without a word."""
        self._scope.cancel()

    def finish(self) -> None:
        """End the connection after the answer under way, or now if there is none."""
        self._http.closing = True
        if self.waiting_since is not None:
            self.end()

    async def run(self) -> None:
        """Answer requests until either side has enough; the caller closes the stream."""
        with self._scope:
            if await self._shake_hands():
                await self._answer_requests()
                self._deadline_in(PARTING_SECONDS)
                await self._http.linger()

    async def _shake_hands(self) -> bool:
        if isinstance(self._stream, trio.SSLStream):
            self._deadline_in(HANDSHAKE_SECONDS)
            try:
                await self._stream.do_handshake()
            except trio.BrokenResourceError:
                return False
        return True

    async def _answer_requests(self) -> None:
        self._deadline_in(HEAD_SECONDS)
        answered = 0
        while (request := await self._http.next_request()) is not None:
            self.waiting_since = None
            self._deadline_in(ANSWER_SECONDS)
            answered += 1
            if answered == REQUESTS:
                self._http.closing = True
            await self._answer(request)
            self.waiting_since = trio.current_time()
            self._deadline_in(IDLE_SECONDS)
            await self._http.wait_for_request()
            self._deadline_in(HEAD_SECONDS)

    async def _answer(self, request: Scope) -> None:
        if len(request["raw_path"]) + len(request["query_string"]) > TARGET_BYTES:
            await self._http.refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif len(request["headers"]) > HEAD_FIELDS:
            await self._http.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            await self._http.answer(self._app, request)

    def _deadline_in(self, seconds: float) -> None:
        self.deadline = trio.current_time() + seconds
        self._grace_seconds = GRACE * seconds
        self._on_deadline(self.deadline)
