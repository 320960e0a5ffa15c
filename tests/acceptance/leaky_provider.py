"""A provider that says back whatever secret it is told, in every place where a provider can say something."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import trio

from tests.support.raw_server import Peer
from tests.support.wire import SEPARATOR, accept_key, answer, close_frame, switching

EXAMPLE = Path(__file__).parents[1] / "core" / "protocol" / "specification-example.json"
ISSUED = "issued-token-canary-0815"


class Call:
    """One request of the watchdog, and what secret came with it."""

    def __init__(self, peer: Peer, target: str, body: str) -> None:
        self.peer = peer
        self.name = urlsplit(target).path.strip("/").split("/")[0]
        self.negotiating = urlsplit(target).path.endswith("/negotiate")
        query = urlsplit(target).query
        bearer = peer.head.decode().partition("Bearer ")[2].split("\r\n")[0]
        token = parse_qs(query).get("access_token", [bearer])[0]
        # Raw, as it came, the parts of a token, and the URL's own query.
        parts = [part for part in token.split(".") if len(part) > 15]
        self.echo = " ".join([token, quote(token, safe=""), *parts, unquote(query), query, body])
        self.short = token[-60:]

    async def refuse(self, status: int) -> None:
        echo = quote(self.echo)
        lines = (
            f"X-Echo: {echo}",
            f"Location: http://127.0.0.1:1/?access_token={echo}",
            f"Retry-After: {echo}",
        )
        await self.peer.send(answer(status, self.echo.encode(), *lines))

    async def say(self, *records: Any) -> None:
        texts = [each if isinstance(each, str) else json.dumps(each) for each in records]
        await self.peer.send(*(text + SEPARATOR for text in texts))

    async def upgrade(self, *records: Any) -> None:
        await self.peer.send(switching(accept_key(self.peer.head)))
        await self.say(*records)


def update(**changes: Any) -> dict[str, Any]:
    record = json.loads(EXAMPLE.read_text())
    record["arguments"][0].update(changes)
    return record


async def handshake(call: Call) -> None:
    await call.upgrade({"error": f"no: {call.echo}"})


async def close(call: Call) -> None:
    await call.upgrade({}, {"type": 7, "error": call.echo})


async def close_reason(call: Call) -> None:
    await call.upgrade({})
    await call.peer.send(close_frame(1008, call.short))


async def updates(call: Call) -> None:
    texts = update()
    for game in texts["arguments"][0]["wgi"]:
        game["ge"] = call.echo
    changed = update(sId=texts["arguments"][0]["sId"] + 1)
    for result in changed["arguments"][0]["wgi"][0]["r"]:
        result["v"] = call.echo
    invalid = [update(**{field: call.echo}) for field in ("tst", "bt", "sId", "wgi")]
    await call.upgrade({}, texts, changed, *invalid)


async def nonsense(call: Call) -> None:
    # Apart from the updates, for of one kind of line only five go out at once.
    call_for_all = {**update(), "target": call.echo}
    await call.upgrade(
        {},
        f"no JSON: {call.echo}",
        {"type": call.echo},
        {**update(), "arguments": [call.echo]},
        {"type": 3, "invocationId": call.echo, "error": call.echo},
        {**call_for_all, "invocationId": call.echo},
        call_for_all,
    )


async def negotiation(call: Call) -> None:
    await call.peer.send(answer(200, json.dumps({"error": call.echo}).encode()))


async def negotiated_elsewhere(call: Call) -> None:
    url = f"http://127.0.0.1:1/?access_token={quote(call.echo)}"
    await call.peer.send(answer(200, json.dumps({"url": url, "accessToken": call.short}).encode()))


async def garbage(call: Call) -> None:
    await call.peer.send(b"HTTP/1.1 " + call.echo.replace("\n", " ").encode() + b"\r\n\r\n")


async def token_without_end(call: Call) -> None:
    await call.peer.send(answer(200, json.dumps({"token": f"{call.echo} and that"}).encode()))


async def no_json(call: Call) -> None:
    await call.peer.send(answer(200, call.echo.encode()))


async def good_token(call: Call) -> None:
    await call.peer.send(answer(200, json.dumps({"token": ISSUED, "said": call.echo}).encode()))


def refusing_with(status: int) -> Callable[[Call], Any]:
    return lambda call: call.refuse(status)


HUBS: dict[str, Callable[[Call], Any]] = {
    **{f"hub-{status}": refusing_with(status) for status in (302, 401, 403, 429, 500)},
    "hub-handshake": handshake,
    "hub-close": close,
    "hub-close-reason": close_reason,
    "hub-updates": updates,
    "hub-nonsense": nonsense,
    "hub-garbage": garbage,
}
NEGOTIATIONS: dict[str, Callable[[Call], Any]] = {
    "negotiate-error": negotiation,
    "negotiate-elsewhere": negotiated_elsewhere,
    "negotiate-401": refusing_with(401),
    "negotiate-500": refusing_with(500),
}
ENDPOINTS: dict[str, Callable[[Call], Any]] = {
    **{f"token-{status}": refusing_with(status) for status in (307, 401, 429, 500)},
    "token-no-json": no_json,
    "token-no-token": token_without_end,
    "token-garbage": garbage,
    "token-good": good_token,
}
SCRIPTS = {**HUBS, **NEGOTIATIONS, **ENDPOINTS}


async def _serve(stream: trio.SocketStream) -> None:
    peer = Peer(stream)
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        with trio.move_on_after(2.0):
            await peer.request()
        if not peer.head:
            # Somebody tries TLS.
            await peer.send(answer(400))
            return
        head = peer.head.decode()
        call = Call(peer, head.split()[1], (await peer.body()).decode())
        await SCRIPTS[call.name](call)
        with trio.move_on_after(2.0):
            await peer.until_gone()


@contextmanager
def leaky_provider() -> Iterator[int]:
    """The provider on a port of loopback, in a thread of its own, for the tests block theirs."""
    told: SimpleQueue[tuple[int, trio.lowlevel.TrioToken, trio.CancelScope]] = SimpleQueue()

    async def main() -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        with trio.CancelScope() as scope:
            told.put((listeners[0].socket.getsockname()[1], trio.lowlevel.current_trio_token(), scope))
            await trio.serve_listeners(_serve, listeners)

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    port, loop, scope = told.get(timeout=10)
    try:
        yield port
    finally:
        loop.run_sync_soon(scope.cancel)
        thread.join(10)
