"""The few HTTP requests of the watchdog's own: small POSTs, bounded in time and size."""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from email.utils import mktime_tz, parsedate_tz
from typing import Any

import httpx
import trio
from msgspec import Struct

from watchdog import __version__
from watchdog.core.errors import ProviderError
from watchdog.core.protocol.reasons import DisconnectReason

MAX_ANSWER_BYTES = 256 * 1024
TIMEOUT_SECONDS = 10.0
OK = 200
CREATED = 201

_LONGEST_NUMBER = 9
_ENDED = re.compile("disconnected|closed connection")


class NoAnswerError(ProviderError):
    """No answer came; `reason` is a disconnect's, the words hold no URL."""

    def __init__(self, reason: DisconnectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: DisconnectReason = reason


class Answer(Struct, frozen=True):
    """An HTTP answer: status, the whole body, and how long the server asks us to wait."""

    status: int
    body: bytes
    retry_after_seconds: float | None = None


class Client:
    """POSTs with TLS verified, no redirects followed, and the environment's proxies."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    async def post(self, url: str, *, headers: Mapping[str, str] | None = None, json: Any = None) -> Answer:
        """POST, with a JSON body or none.

        Raises:
            NoAnswerError: none came, or one longer than `MAX_ANSWER_BYTES`.

        """
        with trio.move_on_after(TIMEOUT_SECONDS):
            try:
                return await self._post(url, headers or {}, json)
            except (httpx.InvalidURL, UnicodeError):
                # A redirecting hub chooses both the URL and the token in the headers.
                raise NoAnswerError("protocol", "no request can be made of that URL and token") from None
            except httpx.HTTPError as error:
                raise NoAnswerError(_reason(error), type(error).__name__) from None
        raise NoAnswerError("timeout", f"no answer within {TIMEOUT_SECONDS:g} s")

    async def _post(self, url: str, headers: Mapping[str, str], json: Any) -> Answer:
        headers = {"User-Agent": f"betcore-watchdog/{__version__}", "Accept-Encoding": "identity", **headers}
        async with (
            self._client() as client,
            client.stream("POST", url, headers=headers, json=json) as response,
        ):
            body = bytearray()
            with trio.CancelScope() as reading:
                # Raw: decompressing would make gigabytes of a few bytes.
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        # Leaving the loop instead would leave the library's generators half run.
                        reading.cancel()
            if len(body) > MAX_ANSWER_BYTES:
                raise NoAnswerError("oversize", f"an answer longer than {MAX_ANSWER_BYTES} bytes")
            told = response.headers
            wait = retry_after_seconds(told.get("Retry-After", ""), told.get("Date", ""))
            return Answer(response.status_code, bytes(body), wait)

    def _client(self) -> httpx.AsyncClient:
        try:
            return httpx.AsyncClient(verify=self._tls, timeout=TIMEOUT_SECONDS)
        except (httpx.InvalidURL, ValueError, ImportError):
            # The library's own words repeat the proxy's URL, with its password.
            raise NoAnswerError("refused", "the proxy in the environment can't be used") from None


def retry_after_seconds(value: str, date: str) -> float | None:
    """What a `Retry-After` of seconds or of an HTTP date asks for; None where it says nothing sensible.

    A date is counted from the answer's own `Date`, so our own clock doesn't matter.
    """
    if value.isdecimal() and len(value) <= _LONGEST_NUMBER:
        return float(value)
    until, now = parsedate_tz(value), parsedate_tz(date)
    try:
        return max(0.0, float(mktime_tz(until) - mktime_tz(now))) if until and now else None
    except (ValueError, OverflowError):
        return None


def _reason(error: httpx.HTTPError) -> DisconnectReason:
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    causes = list(_causes(error))
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


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
