"""How a feed's games get to the hub: negotiation, proxy, and the connection itself."""

import ssl
from urllib.parse import quote, urlsplit

from watchdog.config.schema import Feed
from watchdog.hub.channel import Channel
from watchdog.hub.negotiation import Negotiated, negotiate
from watchdog.hub.opening import open_channel
from watchdog.hub.refusals import of_another_token
from watchdog.hub.transport import ConnectionLostError, Dial, Endpoint
from watchdog.runtime.clock import Clock
from watchdog.runtime.http_client import Client
from watchdog.runtime.proxies import Proxy, ProxyError, proxy_for
from watchdog.runtime.redaction import register_query, register_secret
from watchdog.runtime.stalls import Stalls


class Connector:
    """Opens connections to one feed's hub."""

    def __init__(
        self, feed: Feed, tls: ssl.SSLContext, client: Client, clock: Clock, stalls: Stalls, dial: Dial | None
    ) -> None:
        self._feed = feed
        self._tls = tls
        self._client = client
        self._clock = clock
        self._stalls = stalls
        self._dial = dial

    def trust(self, tls: ssl.SSLContext) -> None:
        """Verify the hub by this context from the next connection on."""
        self._tls = tls

    async def connect(self, token: str) -> tuple[Channel, bytes]:
        """An open channel, and what came along with the answer to the upgrade.

        Raises:
            ConnectionLostError: there is no connection; `unauthorized` only where this token was refused.

        """
        # Registered for each attempt, because only the last few hundred secrets are kept.
        register_query(self._feed.url.query)
        register_secret(token)
        to = Negotiated(self._feed.url.text, token)
        if self._feed.negotiate:
            to = await negotiate(self._client, to.url, token)
            register_secret(to.token)
        endpoint = endpoint_of(to, self._tls, self._proxy(to.url))
        try:
            return await open_channel(endpoint, self._clock, self._stalls, self._dial)
        except ConnectionLostError as lost:
            raise (lost if to.token == token else of_another_token(lost)) from None

    def _proxy(self, url: str) -> Proxy | None:
        try:
            return proxy_for(url, str(self._feed.proxy))
        except ProxyError as error:
            raise ConnectionLostError("refused", str(error)) from None


def endpoint_of(to: Negotiated, tls: ssl.SSLContext, proxy: Proxy | None = None) -> Endpoint:
    """Where to connect: the URL's own query first, then the connection's id and the token."""
    parts = urlsplit(to.url)
    secure = parts.scheme == "wss"
    query = [parts.query] if parts.query else []
    if to.connection_id is not None:
        query.append(f"id={quote(to.connection_id, safe='')}")
    query.append(f"access_token={quote(to.token, safe='')}")
    return Endpoint(
        host=parts.hostname or "",
        port=parts.port or (443 if secure else 80),
        resource=f"{parts.path or '/'}?{'&'.join(query)}",
        tls=tls if secure else None,
        cookie=to.cookie,
        proxy=proxy,
    )
