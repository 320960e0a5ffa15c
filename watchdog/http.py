"""The few HTTP requests of the watchdog's own: small POSTs, bounded in time and size."""

import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from msgspec import Struct

from watchdog import __version__
from watchdog.feed.reasons import DisconnectReason

MAX_ANSWER_BYTES = 256 * 1024
TIMEOUT_SECONDS = 10.0


class AnswerTooLarge(Exception):  # noqa: N818 - it is the provider's doing, not an error of ours
    """The answer is longer than `MAX_ANSWER_BYTES`."""

    def __init__(self) -> None:
        super().__init__(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")


class Answer(Struct, frozen=True):
    """An HTTP answer: status, headers and the whole body."""

    status: int
    headers: httpx.Headers
    body: bytes


class Client:
    """POSTs with TLS verified, no redirects followed, and the environment's proxies."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    async def post(self, url: str, *, headers: Mapping[str, str] | None = None, json: Any = None) -> Answer:
        """POST, with a JSON body or none.

        Raises:
            httpx.HTTPError: there is no answer.
            AnswerTooLarge: it is longer than a negotiation's or a token's could be.

        """
        headers = {"User-Agent": f"betcore-watchdog/{__version__}", **(headers or {})}
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=TIMEOUT_SECONDS) as client,
            client.stream("POST", url, headers=headers, json=json) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise AnswerTooLarge
            return Answer(response.status_code, response.headers, bytes(body))


def failure_reason(error: httpx.HTTPError) -> DisconnectReason:
    """The named reason for a request that got no answer."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ConnectError):
        chain: BaseException | None = error
        while chain is not None:
            if isinstance(chain, ssl.SSLError):
                return "tls"
            if isinstance(chain, OSError) and type(chain).__name__ == "gaierror":
                return "dns"
            chain = chain.__cause__ or chain.__context__
        return "refused"
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
        return "closed"
    return "protocol"
