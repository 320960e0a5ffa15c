"""A tunnel through an HTTP proxy: `CONNECT` first, and then the socket is as good as the hub's own."""

import h11

from watchdog import __version__
from watchdog.hub.channel import Channel
from watchdog.hub.refusals import ended, wait_in
from watchdog.hub.transport import ConnectionLostError, Endpoint
from watchdog.runtime.proxies import Proxy

_SUCCESSFUL = 2


async def tunnel(channel: Channel, proxy: Proxy, endpoint: Endpoint) -> None:
    """Have the proxy at the other end of the channel connect it with the hub.

    What the proxy refuses is the path's trouble, whichever status it chooses: our token is not for it.

    Raises:
        ConnectionLostError: it doesn't.

    """
    http = h11.Connection(h11.CLIENT)
    await channel.send(_request(http, proxy, endpoint))
    while True:
        try:
            event = http.next_event()
        except h11.RemoteProtocolError:
            raise ConnectionLostError("protocol", "the proxy's answer is no HTTP") from None
        if isinstance(event, h11.Response):
            break
        if event is h11.NEED_DATA:
            if not (data := await channel.receive()):
                raise ConnectionLostError("closed", "the proxy ended the connection")
            http.receive_data(data)
    if event.status_code // 100 != _SUCCESSFUL:
        lost = ConnectionLostError("refused", f"the proxy refused: HTTP status {event.status_code}")
        raise ended(lost, event.status_code, wait_in(event))
    if http.trailing_data[0]:
        # In TLS and in HTTP the client speaks first.
        raise ConnectionLostError("protocol", "the proxy spoke before the hub could")


def _request(http: h11.Connection, proxy: Proxy, endpoint: Endpoint) -> bytes:
    # Unlike a Host header, the target of a CONNECT always has its port (RFC 9112, section 3.2.3).
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    target = f"{host}:{endpoint.port}"
    headers = [(b"Host", target.encode()), (b"User-Agent", f"betcore-watchdog/{__version__}".encode())]
    if proxy.authorization is not None:
        headers.append((b"Proxy-Authorization", proxy.authorization))
    try:
        head = http.send(h11.Request(method="CONNECT", target=target, headers=headers))
    except (h11.LocalProtocolError, UnicodeError):
        # A redirecting hub chooses the name.
        raise ConnectionLostError("protocol", "no CONNECT can be made of that host") from None
    return (head or b"") + (http.send(h11.EndOfMessage()) or b"")
