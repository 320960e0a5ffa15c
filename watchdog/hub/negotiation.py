"""SignalR's optional first step: a POST asks where to connect, and with which connection token."""

from collections.abc import Mapping
from http.cookiejar import CookieJar
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request

import msgspec
from msgspec import Struct, field

from watchdog.core.protocol.refusals import Refusal
from watchdog.hub.refusals import of_another_token, refused
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.http_client import OK, Client, NoAnswerError

MAX_REDIRECTS = 5

_WEBSOCKET_SCHEMES: Mapping[str, str] = {"ws": "http", "wss": "https"}
_HTTP_SCHEMES: Mapping[str, str] = {http: websocket for websocket, http in _WEBSOCKET_SCHEMES.items()}


class Negotiated(Struct, frozen=True):
    """Where the WebSocket is, the token for it, the connection's id for the query, and its cookies."""

    url: str
    token: str
    connection_id: str | None = None
    cookie: str = ""


class _Transport(Struct):
    transport: str


class _Answer(Struct):
    connection_id: str | None = field(name="connectionId", default=None)
    connection_token: str | None = field(name="connectionToken", default=None)
    transports: list[_Transport] | None = field(name="availableTransports", default=None)
    url: str | None = None
    access_token: str | None = field(name="accessToken", default=None)
    error: str | None = None


_decode_answer = msgspec.json.Decoder(_Answer).decode


async def negotiate(client: Client, url: str, token: str) -> Negotiated:
    """Negotiate with the hub at `url` (ws or wss), following redirects as SignalR words them.

    Cookies live for this attempt only. A load balancer knows by one which node it has sent the negotiation
    to, and the connection must reach the same.

    Raises:
        ConnectionLostError: with the reason why there is no connection.

    """
    cookies, ours = CookieJar(), token
    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer = await _ask(client, url, token, cookies)
        except ConnectionLostError as lost:
            raise (lost if token == ours else of_another_token(lost)) from None
        if answer.error is not None:
            raise ConnectionLostError("rejected", f"negotiate: {answer.error}")
        if answer.url is None:
            return Negotiated(url, token, _connection_id(answer), _cookie(cookies, url))
        url = _redirected(url, answer.url)
        token = answer.access_token or token
    raise ConnectionLostError("rejected", f"negotiate: more than {MAX_REDIRECTS} redirects")


async def _ask(client: Client, url: str, token: str, cookies: CookieJar) -> _Answer:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = await client.post(_negotiate_url(url), headers=headers, cookies=cookies)
    except NoAnswerError as error:
        raise ConnectionLostError(error.reason, f"negotiate: {error}") from None
    if answer.status != OK:
        refusal = Refusal(answer.status, answer.content_type, answer.challenge, answer.body)
        raise refused(refusal, answer.retry_after_seconds, "negotiate: ")
    try:
        return _decode_answer(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ConnectionLostError("protocol", "negotiate: the answer is not the documented JSON") from None


def _connection_id(answer: _Answer) -> str:
    if answer.transports is not None and not any(
        each.transport == "WebSockets" for each in answer.transports
    ):
        raise ConnectionLostError("rejected", "negotiate: the hub offers no WebSockets")
    # Version 0 of the negotiation knows no connection token; its connection id takes that place.
    connection_id = answer.connection_token or answer.connection_id
    if not connection_id:
        raise ConnectionLostError("protocol", "negotiate: neither connectionToken nor url in the answer")
    return connection_id


def _cookie(cookies: CookieJar, url: str) -> str:
    """The `Cookie` header for the WebSocket, by the rules of its host, path and scheme; empty for none."""
    parts = urlsplit(url)
    # The rules know only HTTP's schemes, and only wss is as secure as https.
    request = Request(urlunsplit(parts._replace(scheme=_WEBSOCKET_SCHEMES[parts.scheme])))  # noqa: S310
    cookies.add_cookie_header(request)
    return request.get_header("Cookie") or ""


def _negotiate_url(url: str) -> str:
    parts = urlsplit(url)
    query = f"{parts.query}&negotiateVersion=1" if parts.query else "negotiateVersion=1"
    scheme = _WEBSOCKET_SCHEMES[parts.scheme]
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/negotiate", query, ""))


def _redirected(url: str, to: str) -> str:
    """The hub's new address as ws or wss; never from an encrypted one to a plain one."""
    try:
        old, new = urlsplit(url), urlsplit(to)
        scheme = _HTTP_SCHEMES.get(new.scheme, new.scheme)
        valid = scheme in _WEBSOCKET_SCHEMES and bool(new.hostname) and (new.port or 1) > 0
    except ValueError:
        raise ConnectionLostError("protocol", "negotiate: redirected to no URL") from None
    if not valid:
        raise ConnectionLostError("protocol", "negotiate: redirected to no http, https, ws or wss URL")
    if old.scheme == "wss" and scheme != "wss":
        raise ConnectionLostError("tls", "negotiate: redirected from an encrypted to a plain connection")
    return urlunsplit((scheme, new.netloc, new.path, new.query, ""))
