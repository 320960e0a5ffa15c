"""Configuration values that are written as one text and read as several things: addresses, templates."""

import json
import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv6Address
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

_HOST_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_LISTEN = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*)):([0-9]{1,5})")
_LAST_PORT = 65_535
_HOST_NAME_CHARACTERS = 253
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDERS = ("partner_client_id", "secret")
_TEMPLATE_DEPTH = 8
_INT64 = 2**63


class Value:
    """What the parsed values have in common: two are equal if their texts are."""

    __slots__ = ("_text",)

    allowed: ClassVar[str]
    """What may stand in the file, in words, for the message about a mistake."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and (type(other), other._text) == (type(self), self._text)

    def __hash__(self) -> int:
        return hash((type(self), self._text))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class Listen(Value):
    """The host and port that one of our own servers binds to, written `host:port` or `[ipv6]:port`.

    The port is 0 (the system chooses one) to 65535.

    Raises:
        ValueError: for any other text.

    """

    __slots__ = ("host", "port")

    allowed = '"host:port" with a port from 0 to 65535 and an IPv6 address in brackets'

    def __init__(self, text: str) -> None:
        super().__init__(text)
        match = _LISTEN.fullmatch(text)
        ipv6, name, port = match.groups() if match else (None, "", "0")
        self.host = name if ipv6 is None else ipv6
        self.port = int(port)
        _expect(_is_host(self.host, ipv6=ipv6 is not None) and self.port <= _LAST_PORT, self.allowed)

    def __str__(self) -> str:
        return self._text


class Url(Value):
    """An absolute URL whose query never shows in `str`, `repr` or a format: it may identify a partner.

    Raises:
        ValueError: for another scheme, no or a bad host, a bad port, user and password, a fragment,
            characters that don't belong in a URL, and an access token in the query.

    """

    __slots__ = ("_parts",)

    schemes: ClassVar[tuple[str, str]]
    """The plain scheme and the one under TLS."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        # urlsplit drops line breaks and tabs silently, so look before it does.
        plain = text.isascii() and text.isprintable() and " " not in text
        _expect(plain, "only printable ASCII characters without spaces in a URL")
        self._parts = self._split(text)
        user = self._parts.username is not None or self._parts.password is not None
        _expect(not user, "a URL without user and password: secrets never stand in this file")
        _expect("#" not in text, 'a URL without a fragment ("#…")')
        names = {name.casefold() for name, _ in parse_qsl(self._parts.query, keep_blank_values=True)}
        _expect("access_token" not in names, "a URL without access_token: secrets never stand in this file")

    def _split(self, text: str) -> SplitResult:
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            parts, host, port = SplitResult("", "", "", "", ""), "", None
        right = parts.scheme in self.schemes and port != 0 and _is_host(host, ipv6=":" in host)
        _expect(right, f"{self.allowed} and, if any, a port from 1 to 65535")
        return parts

    @property
    def text(self) -> str:
        """The whole URL as it stands in the file, query included: to connect with, never to show."""
        return self._text

    @property
    def query(self) -> str:
        """The query without its question mark, empty where none is written: never to show."""
        return self._parts.query

    def __str__(self) -> str:
        shown = self._parts._replace(query="").geturl()
        return f"{shown}?…" if self.query else shown


class WebSocketUrl(Url):
    """Where a hub listens."""

    __slots__ = ()
    schemes = ("ws", "wss")
    allowed = "a ws:// or wss:// URL with a host"


class HttpUrl(Url):
    """Where a token is requested."""

    __slots__ = ()
    schemes = ("http", "https")
    allowed = "an http:// or https:// URL with a host"


class ExternalUrl(HttpUrl):
    """Where people reach the web side: links begin with it, so it ends without a slash.

    Raises:
        ValueError: as any URL does, and for one with a query.

    """

    __slots__ = ()

    def __init__(self, text: str) -> None:
        super().__init__(text.rstrip("/"))
        _expect("?" not in text, 'a URL without a query ("?…")')


class _ProxyUrl(Url):
    __slots__ = ()
    schemes = ("http", "http")
    allowed = '"env", "none", or the address of an HTTP proxy, such as "http://proxy.example:3128",'


class Proxy(Value):
    """The proxy of a feed: that of the environment (`env`), none (`none`), or the HTTP proxy at an address.

    An address is written `http://host:port` or `host:port`; without a port it is 80.

    Raises:
        ValueError: for anything else, and for an address with user and password.

    """

    __slots__ = ("address",)

    allowed = _ProxyUrl.allowed.rstrip(",")

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.address: str | None = None
        """`http://host:port`; None where the text is `env` or `none`."""
        if text in ("env", "none"):
            return
        parts = urlsplit(_ProxyUrl(text if "://" in text else f"http://{text}").text)
        _expect(parts.path in ("", "/") and not parts.query, f"{self.allowed}, without a path")
        self.address = f"http://{parts.netloc}"

    @property
    def from_environment(self) -> bool:
        """Whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say which."""
        return self._text == "env"

    def __str__(self) -> str:
        return self._text


class RequestTemplate(Value):
    """The JSON body of a token request, with placeholders for what is known only when it is sent.

    Values are texts, numbers, booleans, arrays and tables, at most 8 levels deep. `{partner_client_id}`
    and `{secret}` in a text stand for the two. It never shows its values: somebody may have written a
    secret into one.

    Raises:
        ValueError: for anything else.

    """

    __slots__ = ()

    allowed = "a table of texts, numbers and booleans with the placeholders {partner_client_id} and {secret}"

    def __init__(self, body: Mapping[str, Any]) -> None:
        _check_template(body, _TEMPLATE_DEPTH)
        super().__init__(json.dumps(body))

    def fill(self, *, partner_client_id: int, secret: str) -> dict[str, Any]:
        """The body to send; a text that is nothing but a placeholder becomes the value itself."""
        values: dict[str, int | str] = {"partner_client_id": partner_client_id, "secret": secret}
        body: dict[str, Any] = _fill(json.loads(self._text), values)
        return body

    def __str__(self) -> str:
        return "…"


def _expect(right: object, what: str) -> None:
    if not right:
        raise ValueError(f"expected {what}")


def _is_host(text: str, *, ipv6: bool) -> bool:
    if not ipv6:
        return len(text) <= _HOST_NAME_CHARACTERS and _HOST_NAME.fullmatch(text) is not None
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _check_template(value: object, depth: int) -> None:
    _expect(depth >= 0, f"at most {_TEMPLATE_DEPTH} levels of tables and arrays")
    if isinstance(value, str):
        unknown = set(_PLACEHOLDER.findall(value)).difference(_PLACEHOLDERS)
        _expect(not unknown, "no placeholders but {partner_client_id} and {secret}")
    elif isinstance(value, Mapping):
        for item in value.values():
            _check_template(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check_template(item, depth - 1)
    else:
        number = isinstance(value, int | float) and abs(value) < _INT64
        _expect(number, "texts, finite numbers, booleans, arrays and tables as values")


def _fill(value: Any, values: Mapping[str, int | str]) -> Any:
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        if whole is not None:
            return values[whole[1]]
        # One pass, so that braces inside a secret are left alone.
        return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), value)
    if isinstance(value, dict):
        return {key: _fill(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, values) for item in value]
    return value
