"""Which HTTP proxy, if any, a connection goes through: the same for requests and for WebSockets."""

import re
from base64 import b64encode
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies

from msgspec import Struct

from watchdog.core.errors import ProviderError
from watchdog.runtime.redaction import register_secret

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_PLAIN_SCHEMES = {"ws": "http", "wss": "https"}
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):([0-9]{1,5})")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


class ProxyError(ProviderError):
    """The proxy that is named can't be used; the words hold nothing of its URL."""


class Proxy(Struct, frozen=True):
    """An HTTP proxy, spoken to without TLS. It never shows its credentials."""

    host: str
    port: int
    user: str | None = None
    password: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"

    @property
    def authorization(self) -> bytes | None:
        """The value of `Proxy-Authorization`, if the proxy's URL had a user."""
        if self.user is None:
            return None
        return b"Basic " + b64encode(f"{self.user}:{self.password}".encode())


def proxy_for(url: str, setting: str) -> Proxy | None:
    """The proxy on the way to a URL (http, https, ws or wss); None for the direct way.

    `setting` is "none", "env" for what the environment says, or the proxy's URL. The environment is read as
    HTTP clients do: `HTTPS_PROXY` for https and wss, `HTTP_PROXY` for http and ws, `ALL_PROXY` for the rest,
    and `NO_PROXY` for hosts that are reached directly; names in small letters win.

    Raises:
        ProxyError: there is one, but it can't be used.

    """
    if setting == "none":
        return None
    if setting != "env":
        return _proxy(setting)
    target, environment = urlsplit(url), getproxies()
    address = environment.get(_PLAIN_SCHEMES.get(target.scheme, target.scheme)) or environment.get("all")
    if not address or _is_direct(target, environment.get("no", "")):
        return None
    return _proxy(address)


def _proxy(address: str) -> Proxy:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ProxyError("the proxy's address is no URL") from None
    if parts.scheme != "http":
        raise ProxyError("only proxies with an http:// address can be used")
    if not host or port == 0 or _CONTROL.search(host):
        raise ProxyError("the proxy's address is no URL with a host")
    proxy = Proxy(
        host,
        port or _PORTS["http"],
        None if parts.username is None else unquote(parts.username),
        unquote(parts.password or ""),
    )
    register_secret(proxy.password)
    if proxy.authorization is not None:
        register_secret(proxy.authorization.removeprefix(b"Basic ").decode())
    return proxy


def _is_direct(target: SplitResult, no_proxy: str) -> bool:
    """Whether `NO_PROXY` names the target: a host with all below it, `.below.it`, an address, a network."""
    scheme = _PLAIN_SCHEMES.get(target.scheme, target.scheme)
    port = str(target.port or _PORTS.get(target.scheme))
    for entry in no_proxy.lower().split(","):
        wanted_scheme, separator, rest = entry.strip().rpartition("://")
        match = _HOST_AND_PORT.fullmatch(rest)
        name, wanted_port = (match[1], match[2]) if match else (rest, port)
        if name == "*":
            return True
        if wanted_scheme in ("", "all", scheme) and wanted_port == port:
            host = (target.hostname or "").removesuffix(".")
            if _names(name.strip("[]").removesuffix("."), host, alone=bool(separator)):
                return True
    return False


def _names(name: str, host: str, *, alone: bool) -> bool:
    if not name:
        return False
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:
        pass
    if alone or name == "localhost":
        return host == name
    if name.startswith((".", "*.")):
        return host.endswith(name.removeprefix("*"))
    return host == name or host.endswith(f".{name}")
