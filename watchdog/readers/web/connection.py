"""One connection of the web side: Hypercorn's HTTP/1.1 between a stream and the application, within limits.

Hypercorn's own driver speaks HTTP/2 to whoever begins with it, ends with an error of its own when a refused
WebSocket goes on talking, waits for ever with a body that nobody takes, keeps a connection for the whole
idle time after its client has gone, and shields its sending from every deadline. So the driving is done
here, and Hypercorn's part is the protocol.
"""

from http import HTTPStatus
from typing import Any, Final, cast

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState, H11SendableEvent

from watchdog.readers.web.headers import SECURE_HEADERS

HANDSHAKE_SECONDS = 5.0
HEAD_SECONDS = 10.0
"""How long the head of a request may take: the first one from connecting on, others from their first byte."""

ANSWER_SECONDS = 15.0
"""How long an answer may take from the request's head to its last byte sent, however slowly it is read."""

IDLE_SECONDS = 75.0
"""How long a connection may stay without another request: longer than any usual scrape interval."""

PARTING_SECONDS = 1.0
HEAD_BYTES: Final = 16 * 1024
HEAD_FIELDS: Final = 100
TARGET_BYTES: Final = 2 * 1024
BODY_BYTES: Final = 64 * 1024
"""How much is read of a body, which nobody here wants; the rest stays with the client."""

_PARTING_READS: Final = 64
_SECURE: Final = [(name.lower().encode(), value.encode()) for name, value in SECURE_HEADERS.items()]

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class HttpConnection:
    """One connection from its first byte to its last."""

    def __init__(self, stream: Stream, app: AppWrapper, config: Config, context: WorkerContext) -> None:
        self._stream = stream
        self._scope = trio.CancelScope()
        self._reading = trio.CancelScope()
        self._sending = trio.Lock()
        self._tasks = TaskGroup()
        self._protocol = _Http1(
            app,
            config,
            cast("Any", context),
            cast("Any", self._tasks),
            ConnectionState({}),
            isinstance(stream, trio.SSLStream),
            None,
            None,
            self._send,
        )
        self.waiting_since: float | None = trio.current_time()
        """Since when no request is under way, by Trio's clock; None while one is."""
        self._begun = False
        self._body_bytes = 0

    def end(self) -> None:
        """End the connection without a word."""
        self._scope.cancel()

    async def run(self) -> None:
        """Answer requests until either side has enough; the stream is left for the caller to close."""
        with self._scope:
            if not await self._shake_hands():
                return
            self._deadline_in(HEAD_SECONDS)
            async with self._tasks:
                with self._reading:
                    await self._read()
                # Whoever is still answering learns that nobody listens.
                await self._protocol.handle(Closed())
            await self._linger_close()

    async def _shake_hands(self) -> bool:
        if isinstance(self._stream, trio.SSLStream):
            self._deadline_in(HANDSHAKE_SECONDS)
            try:
                await self._stream.do_handshake()
            except trio.BrokenResourceError:
                return False
        return True

    async def _read(self) -> None:
        data: bytes | bytearray = b"-"
        while data:
            if self._body_bytes > BODY_BYTES:
                # As the request never gets complete, its answer is the last one and ends this wait.
                await trio.sleep_forever()
            try:
                data = await self._stream.receive_some(HEAD_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if self.waiting_since is None:
                self._body_bytes += len(data)
            elif not self._begun:
                self._begun = True
                self._deadline_in(HEAD_SECONDS)
            await self._protocol.handle(RawData(bytes(data)))

    async def _send(self, event: Event) -> None:
        match event:
            case RawData():
                async with self._sending:
                    try:
                        await self._stream.send_all(event.data)
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        self._reading.cancel()
            case Updated(idle=True):
                self.waiting_since = trio.current_time()
                # A part of the next request may have come along with the last one.
                self._begun = bool(self._protocol.connection.trailing_data[0])
                self._deadline_in(HEAD_SECONDS if self._begun else IDLE_SECONDS)
            case Updated():
                self.waiting_since, self._body_bytes = None, 0
                self._deadline_in(ANSWER_SECONDS)
            case Closed():
                self._reading.cancel()

    def _deadline_in(self, seconds: float) -> None:
        self._scope.deadline = trio.current_time() + seconds

    async def _linger_close(self) -> None:
        """Wait for the client to close: with something of it unread the system would destroy the answer."""
        stream = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
        self.waiting_since = trio.current_time()
        self._deadline_in(PARTING_SECONDS)
        try:
            await stream.send_eof()
            for _ in range(_PARTING_READS):
                if not await stream.receive_some(HEAD_BYTES):
                    return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass


class _Http1(H11Protocol):
    """HTTP/1.1 and nothing else, with the security headers on the server's own refusals as well."""

    async def _check_protocol(self, event: h11.Request) -> None:
        """Change over to nothing: Hypercorn would to HTTP/2."""

    async def _create_stream(self, request: h11.Request) -> None:
        """Have the application answer, unless the head is out of bounds; any upgrade is ignored."""
        if len(request.target) > TARGET_BYTES:
            await self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif len(request.headers) > HEAD_FIELDS:
            await self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            kept = [(name, value) for name, value in request.headers if name != b"upgrade"]
            await super()._create_stream(
                h11.Request(
                    method=request.method,
                    target=request.target,
                    headers=kept,
                    http_version=request.http_version,
                )
            )

    async def _refuse(self, status: HTTPStatus) -> None:
        await self._send_error_response(status)
        await self.send(Closed())

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        if isinstance(event, h11.Response):
            present = {name for name, _ in event.headers}
            missing = [header for header in _SECURE if header[0] not in present]
            event = h11.Response(status_code=event.status_code, headers=[*event.headers, *missing])
        await super()._send_h11_event(event)
