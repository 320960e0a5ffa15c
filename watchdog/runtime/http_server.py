"""HTTP/1.1 for an ASGI application: h11 keeps the protocol, this moves its bytes over one connection.

The caller limits the number of connections and the time for each step.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import h11
import trio

READ_BYTES = 16 * 1024
"""How much is read at once, and how long the head of a request may be."""

_BODY_PIECES = 8
"""How many pieces of an unwanted body are skipped; each costs as much as a small request."""

_ABSOLUTE = re.compile(rb"^https?://[^/?#]*", re.IGNORECASE)
_PARTING_READS = 64
_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application, of which only `http` is asked."""

ServedStream = trio.abc.HalfCloseableStream | trio.SSLStream[trio.SocketStream]


class HttpConnection:
    """The server's side of one connection: its requests, one after the other, and their answers.

    The caller asks for a request, has it answered, and goes on until there is none. Everything runs in the
    caller's task, so its cancel scopes bound whatever they enclose. A client that goes away is no error:
    there is just no further request, and what is sent goes nowhere.
    """

    def __init__(self, stream: ServedStream, *, refusal_headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """`refusal_headers` go with the answers that no application gives."""
        self._stream = stream
        self._scheme = "https" if isinstance(stream, trio.SSLStream) else "http"
        self._refusal_headers = refusal_headers
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=READ_BYTES)
        self._method = ""
        self._response: h11.Response
        self.closing = False
        """Whether the next answer to begin is the last one."""

    @property
    def unread(self) -> bytes:
        """What has come and does not belong to the request that was taken last."""
        return self._h11.trailing_data[0]

    async def wait_for_request(self) -> None:
        """Wait for the first byte of the next request, or for the end of the connection."""
        # In any other state the last answer has ended the connection.
        if self._h11.our_state is h11.IDLE and not self.unread:
            await self._read_more()

    async def next_request(self) -> Scope | None:
        """The next request as the scope of its answer; None if none will come."""
        while self._h11.our_state is h11.IDLE:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                await self.refuse(error.error_status_hint)
                return None
            if isinstance(event, h11.Request):
                return self._scope_of(event)
            if event is not h11.NEED_DATA:
                return None
            await self._read_more()
        return None

    async def answer(self, app: Application, scope: Scope) -> None:
        """Have the application answer a request.

        The application reads the request's body before it begins its answer, or not at all. What it raises
        goes through. An answer that it did not begin becomes a status of 500, one that it did not finish
        ends the connection.
        """
        await app(scope, self._receive, self._send_message)
        await self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
        if not self.closing and self._h11.our_state is self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()

    async def refuse(self, status: int) -> None:
        """Answer with a status alone, as the last answer, unless one has begun."""
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [*self._refusal_headers, (b"content-length", b"0"), (b"connection", b"close")]
            await self._send(h11.Response(status_code=status, headers=_dated(headers)), h11.EndOfMessage())

    async def linger(self) -> None:
        """Stop sending and wait until the client closes.

        If the connection were closed while something of the client's is unread, the system would reset it,
        and the client would lose an answer that it had not read yet.
        """
        stream = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
        try:
            await stream.send_eof()
            for _ in range(_PARTING_READS):
                if not await stream.receive_some(READ_BYTES):
                    return
        except _GONE:
            pass

    def _scope_of(self, request: h11.Request) -> Scope:
        self._method = request.method.decode("ascii")
        # Some ask as if we were a proxy, with scheme and host, which are of no interest (RFC 9112, section
        # 3.2.2: "a server MUST accept the absolute-form").
        target = _ABSOLUTE.sub(b"", request.target, count=1)
        path, _, query = target.partition(b"?")
        if target is not request.target and not path:
            path = b"/"
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.http_version.decode("ascii"),
            "method": self._method,
            "scheme": self._scheme,
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(request.headers),
            "client": None,
            "server": None,
        }

    async def _receive(self) -> Message:
        """The next piece of the body, and after it word of a client that has closed its side."""
        await trio.lowlevel.checkpoint()
        while True:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError:
                return {"type": "http.disconnect"}
            match event:
                case h11.Data():
                    return {"type": "http.request", "body": bytes(event.data), "more_body": True}
                case h11.EndOfMessage():
                    return {"type": "http.request", "body": b"", "more_body": False}
                case h11.NEED_DATA:
                    if self._h11.they_are_waiting_for_100_continue:
                        await self._send(h11.InformationalResponse(status_code=100, headers=[]))
                    await self._read_more()
                case h11.PAUSED:
                    # Another request has come: the client is there, and there is nothing else to report.
                    await trio.sleep_forever()
                case _:
                    return {"type": "http.disconnect"}

    async def _send_message(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # Sent with the first piece of the body: one packet, and one wake-up of the client.
            headers = _dated(message["headers"])
            self._response = h11.Response(status_code=message["status"], headers=headers)
            return
        events: list[h11.Event] = []
        if self._h11.our_state is h11.SEND_RESPONSE:
            events.append(self._head())
        body = message.get("body", b"")
        if body and self._method != "HEAD" and self._response.status_code not in _NO_BODY:
            events.append(h11.Data(data=body))
        if not message.get("more_body", False):
            events.append(h11.EndOfMessage())
        await self._send(*events)

    def _head(self) -> h11.Response:
        """The head of the answer, which says whether it is the last one."""
        self._pass_over_body()
        # What is missing of the body would be taken for the next request.
        if not self.closing and self._h11.their_state not in (h11.SEND_BODY, h11.ERROR):
            return self._response
        headers = [*self._response.headers, (b"connection", b"close")]
        return h11.Response(status_code=self._response.status_code, headers=headers)

    def _pass_over_body(self) -> None:
        """Take what has come of the body; a small one is then complete and leaves the connection open."""
        try:
            for _ in range(_BODY_PIECES):
                if self._h11.their_state is not h11.SEND_BODY or self._h11.next_event() is h11.NEED_DATA:
                    return
        except h11.RemoteProtocolError:
            # The client's state is an error from now on.
            return

    async def _read_more(self) -> None:
        try:
            data = await self._stream.receive_some(READ_BYTES)
        except _GONE:
            data = b""
        self._h11.receive_data(bytes(data))

    async def _send(self, *events: h11.Event) -> None:
        if self._h11.our_state is h11.ERROR:
            await trio.lowlevel.checkpoint()
            return
        data = b"".join(self._h11.send(event) or b"" for event in events)
        try:
            await self._stream.send_all(data)
        except _GONE:
            self._h11.send_failed()


def _dated(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [*headers, (b"date", formatdate(usegmt=True).encode("ascii"))]
