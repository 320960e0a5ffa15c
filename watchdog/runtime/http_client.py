"""The few HTTP requests of the watchdog's own, bounded in time and size."""

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar
from typing import Any

import httpx
import trio
from msgspec import Struct

from watchdog import __version__
from watchdog.core.errors import ProviderError
from watchdog.core.protocol.reasons import DisconnectReason
from watchdog.runtime.proxies import Proxy, ProxyError, proxy_for
from watchdog.runtime.tls import alert_in, failure_of

MAX_ANSWER_BYTES = 256 * 1024
TIMEOUT_SECONDS = 10.0
OK = 200
CREATED = 201

MAX_RETRY_AFTER_SECONDS = 300.0
"""The longest `Retry-After` that is respected, so that no server can end the watch with one."""

_LONGEST_NUMBER = 9
_ALERT_BYTES = 16 * 1024
_NO_REQUEST = "no request can be made of that URL and token"
_ENDED = re.compile("disconnected|closed connection")


class NoAnswerError(ProviderError):
    """No answer came; `reason` is a disconnect's, the words hold no URL."""

    def __init__(self, reason: DisconnectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: DisconnectReason = reason


class Answer(Struct, frozen=True):
    """An HTTP answer: status, the whole body, how long the server asks us to wait, and two headers."""

    status: int
    body: bytes
    retry_after_seconds: float | None = None
    content_type: str = ""
    challenge: str = ""
    """Its `WWW-Authenticate`."""


class _Request(Struct, frozen=True):
    """What is sent, and how long its answer may be."""

    method: str
    url: str
    headers: Mapping[str, str]
    json: Any
    cookies: CookieJar | None
    most_bytes: int


class Client:
    """Requests with TLS verified, no redirects followed, and a proxy as `proxy_for` has it."""

    def __init__(self, tls: ssl.SSLContext, proxy: str = "env") -> None:
        self._tls = tls
        self._proxy = proxy

    def trust(self, tls: ssl.SSLContext) -> None:
        """Verify servers by this context from now on."""
        self._tls = tls

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        cookies: CookieJar | None = None,
    ) -> Answer:
        """POST, with a JSON body or none; `cookies` go along where they belong, and are added to.

        Raises:
            NoAnswerError: none came, or one longer than `MAX_ANSWER_BYTES`.

        """
        request = _Request("POST", url, headers or {}, json, cookies, MAX_ANSWER_BYTES)
        return await self._answer_to(request)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, most_bytes: int) -> Answer:
        """GET what is no longer than so many bytes.

        Raises:
            NoAnswerError: no answer came, or a longer one.

        """
        return await self._answer_to(_Request("GET", url, headers or {}, None, None, most_bytes))

    async def _answer_to(self, request: "_Request") -> Answer:
        trace = _Trace()
        with trio.move_on_after(TIMEOUT_SECONDS):
            try:
                return await self._send(request, trace)
            except (httpx.InvalidURL, UnicodeError):
                # A redirecting hub chooses both the URL and the token in the headers.
                raise NoAnswerError("protocol", _NO_REQUEST) from None
            except httpx.HTTPError as error:
                causes = [cause for each in (error, *trace.failures) for cause in _causes(each)]
                raise NoAnswerError(_reason(error, causes), _words(error, causes)) from None
        raise NoAnswerError("timeout", f"no answer within {TIMEOUT_SECONDS:g} s")

    async def _send(self, request: "_Request", trace: "_Trace") -> Answer:
        headers = {"User-Agent": f"betcore-watchdog/{__version__}", "Accept-Encoding": "identity"}
        headers.update(request.headers)
        async with (
            self._client(request.url, request.cookies) as client,
            client.stream(
                request.method, request.url, headers=headers, json=request.json, extensions={"trace": trace}
            ) as response,
        ):
            body = bytearray()
            with trio.CancelScope() as reading:
                # Raw: decompressing would make gigabytes of a few bytes.
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > request.most_bytes:
                        # Leaving the loop instead would leave the library's generators half run.
                        reading.cancel()
            if len(body) > request.most_bytes:
                raise NoAnswerError("oversize", f"an answer longer than {request.most_bytes} bytes")
            return _answer(response, bytes(body))

    def _client(self, url: str, cookies: CookieJar | None) -> httpx.AsyncClient:
        try:
            proxy = proxy_for(url, self._proxy)
        except ProxyError as error:
            raise NoAnswerError("refused", str(error)) from None
        except ValueError:
            raise NoAnswerError("protocol", _NO_REQUEST) from None
        try:
            return httpx.AsyncClient(
                verify=self._tls,
                timeout=TIMEOUT_SECONDS,
                cookies=cookies,
                proxy=_proxy(proxy) if proxy is not None else None,
                # The environment has had its say: the WebSocket has to go the same way.
                trust_env=False,
            )
        except (httpx.InvalidURL, ValueError):
            # The library's own words repeat the proxy's URL.
            raise NoAnswerError("refused", "the proxy's address is no URL") from None


class _Trace:
    """Why sending the request failed, of which the library says nothing: it goes on to read the answer.

    A server of TLS 1.3 that refuses us does so when our handshake is done. It sends an alert and hangs up,
    and our request may meet the hanging up first.
    """

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a step of the library's."""
        if event.endswith(".start_tls.complete"):
            self._stream = info["return_value"]
        elif event.endswith(".failed"):
            self.failures.append(info["exception"])
            if ".send_request_" in event and self._stream is not None:
                await self._look_for_alert()

    async def _look_for_alert(self) -> None:
        tls, sock = (self._stream.get_extra_info(name) for name in ("ssl_object", "socket"))
        try:
            # The connection has ended: what came before that is here, or nothing comes.
            alert = alert_in(tls, await sock.recv(_ALERT_BYTES))
        except OSError:
            return
        if alert is not None:
            self.failures.append(alert)


def _proxy(proxy: Proxy) -> httpx.Proxy:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    auth = None if proxy.user is None else (proxy.user, proxy.password)
    return httpx.Proxy(f"http://{host}:{proxy.port}", auth=auth)


def _answer(response: httpx.Response, body: bytes) -> Answer:
    told = response.headers
    return Answer(
        response.status_code,
        body,
        retry_after_seconds(told.get("Retry-After", ""), told.get("Date", "")),
        told.get("Content-Type", ""),
        told.get("WWW-Authenticate", ""),
    )


def retry_after_seconds(value: str, date: str) -> float | None:
    """What a `Retry-After` of seconds or of an HTTP date asks for; None where it says nothing sensible.

    A date is counted from the answer's own `Date`, so our own clock doesn't matter where there is one.
    """
    if value.isascii() and value.isdecimal():
        return float(value) if len(value) <= _LONGEST_NUMBER else None
    until, now = _instant(value), _instant(date)
    return None if until is None else max(0.0, until - (time.time() if now is None else now))


def _instant(date: str) -> float | None:
    try:
        parsed = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).timestamp()


def _reason(error: httpx.HTTPError, causes: Sequence[BaseException]) -> DisconnectReason:
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if any(isinstance(cause, ssl.SSLEOFError) for cause in causes):
        return "closed"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "tls"
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return "dns" if any(isinstance(cause, socket.gaierror) for cause in causes) else "refused"
    if isinstance(error, httpx.NetworkError):
        return "closed"
    # The client has one class for garbage and for a connection that ends within an answer.
    ended = isinstance(error, httpx.RemoteProtocolError) and _ENDED.search(str(error)) is not None
    return "closed" if ended else "protocol"


def _words(error: httpx.HTTPError, causes: Sequence[BaseException]) -> str:
    """What there is to say of it: for TLS, OpenSSL's name of the alert or of what it can't verify."""
    failures = (failure_of(cause) for cause in causes if isinstance(cause, ssl.SSLError))
    return next(failures, type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
