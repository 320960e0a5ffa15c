"""Servers that misbehave on purpose: raw bytes on loopback sockets, and how a connection to them ends."""

import datetime as dt
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trio
import trustme

from tests.support.opened import open_connection
from tests.support.wire import CLOSE, PING, PONG, SEPARATOR, TEXT, accept_key, frame, switching
from watchdog.hub.transport import ConnectionLostError, Endpoint
from watchdog.runtime.clock import Clock

TOKEN = "sesame.open.now"
RESOURCE = f"/hubs?access_token={TOKEN}"

BOUND_SECONDS = 60.0
"""What takes longer hangs; on a slow machine, too."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Script = Callable[["Peer"], Awaitable[Any]]


class Peer:
    """The server's end of a connection, which writes whatever it is told to."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.head = b""
        self.records: list[dict[str, Any]] = []
        """What the client has said to `listen`."""
        self.close_code: int | None = None
        """With what the client said goodbye to it."""
        self.sending = trio.Lock()
        self._unread = b""
        self._heard = trio.Event()

    async def send(self, *chunks: str | bytes) -> None:
        """Write bytes as they are, and a text as a message."""
        frames = (frame(TEXT, each.encode()) if isinstance(each, str) else each for each in chunks)
        async with self.sending:  # whoever listens answers pings and a close
            await self.stream.send_all(b"".join(frames))

    async def request(self) -> bytes:
        """Reads up to the end of the request's head, which stays in `head`."""
        while b"\r\n\r\n" not in self._unread:
            self._unread += await self._more()
        self.head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return self.head

    async def body(self) -> bytes:
        """The rest of a request whose head has been read."""
        length = self.head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        return await self._exactly(int(length or 0))

    async def upgrade(self, *after: str | bytes) -> None:
        """Accepts the WebSocket; `after` goes out in the same segment."""
        await self.request()
        await self.send(switching(accept_key(self.head)), *after)

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of the client: its opcode and the unmasked payload."""
        opcode, length = await self._exactly(2)
        length &= 0x7F
        if length == 126:
            length = int.from_bytes(await self._exactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await self._exactly(8), "big")
        mask = await self._exactly(4)
        payload = await self._exactly(length)
        return opcode & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    async def listen(self) -> None:
        """Keeps the records of the client and answers its pings, until it says goodbye or is gone."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while self.close_code is None:
                opcode, payload = await self.frame()
                if opcode == TEXT:
                    self.records += [json.loads(each) for each in payload.decode().split(SEPARATOR)[:-1]]
                    self._heard.set()
                    self._heard = trio.Event()
                elif opcode == PING:
                    await self.send(frame(PONG, payload))
                elif opcode == CLOSE:
                    self.close_code = int.from_bytes(payload[:2], "big")
                    await self.send(frame(CLOSE, payload))

    async def heard(self, **wanted: Any) -> dict[str, Any]:
        """The first record with these values that `listen` has kept, once there is one."""
        while not (found := [each for each in self.records if wanted.items() <= each.items()]):
            await self._heard.wait()
        return found[0]

    async def until_gone(self) -> None:
        """Reads on until the client has closed or reset the connection."""
        with suppress(trio.BrokenResourceError):
            while await self.stream.receive_some(65_536):
                pass

    async def flood(self, chunk: bytes) -> NoReturn:
        """Sends the chunk again and again for as long as the client is there."""
        while True:
            await self.send(chunk)

    async def reset(self) -> None:
        """Breaks the connection with a TCP reset."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        await self.stream.aclose()

    async def _exactly(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._unread += await self._more()
        data, self._unread = self._unread[:count], self._unread[count:]
        return data

    async def _more(self) -> bytes:
        data = await self.stream.receive_some(65_536)
        if not data:
            raise trio.BrokenResourceError
        return data


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Plays the script to every client on a free port of loopback, within bounded time.

    Afterwards no more sockets may be open than before.
    """
    sockets = open_sockets()

    async def play(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            served = stream if tls is None else trio.SSLStream(stream, tls, server_side=True)
            await script(Peer(served))

    with trio.fail_after(BOUND_SECONDS):
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, play, listeners)
            yield listeners[0].socket.getsockname()[1]
            nursery.cancel_scope.cancel()
    assert open_sockets() == sockets


@asynccontextmanager
async def refusing() -> AsyncIterator[int]:
    """A port on which nobody listens, and on which nobody else will."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def block(seconds: float) -> None:
    """Stalls the loop: nothing else runs meanwhile."""
    time.sleep(seconds)


def open_sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            count += str(entry.readlink()).startswith("socket:")
    return count


class Resolver(trio.abc.HostnameResolver):
    """Resolves every name to loopback, or fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    async def getaddrinfo(self, host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        if self._failure is not None:
            raise self._failure
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> NoReturn:
        raise NotImplementedError


class Authority:
    """A private certificate authority and what it issues."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    def server(self, name: str = "127.0.0.1", *, expired: bool = False) -> ssl.SSLContext:
        long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        certificate = self.ca.issue_cert(name, not_after=long_ago if expired else None)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context


def both_sides(*, encrypted: bool) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """The contexts of a server and of a client that trusts it; none for a plain connection."""
    authority = Authority()
    return (authority.server(), authority.client()) if encrypted else (None, None)


def without_proxies(monkeypatch: Any) -> None:
    """The HTTP client heeds the environment's proxies; a test's machine may have some."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def at(port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Endpoint:
    return Endpoint(host, port, RESOURCE, tls)


async def end_of(
    endpoint: Endpoint, *, say: str | None = None
) -> tuple[ConnectionLostError, list[str | None]]:
    """Receives until the connection is lost, and answers the loss and the messages before it."""
    messages = []

    async def receive_all() -> None:
        async with open_connection(endpoint, Clock()) as connection:
            if say is not None:
                await connection.send(say)
            while message := await connection.receive():
                messages.append(message.text)

    with pytest.raises(ConnectionLostError) as lost:
        await receive_all()
    assert TOKEN not in f"{lost.value!s} {lost.value!r} {lost.value.detail}"
    return lost.value, messages


async def reason_from(
    script: Script,
    *,
    tls: ssl.SSLContext | None = None,
    client_tls: ssl.SSLContext | None = None,
    say: str | None = None,
) -> str:
    """Why a connection to a server with this script is lost."""
    async with serving(script, tls) as port:
        lost, _ = await end_of(at(port, client_tls), say=say)
    return lost.reason


def saying(*chunks: bytes) -> Script:
    """A script: upgrade, say this, and wait for the client to go."""

    async def script(peer: Peer) -> None:
        await peer.upgrade(*chunks)
        await peer.until_gone()

    return script


def answering(*chunks: bytes, then: str = "wait") -> Script:
    """A script: answer the request with these bytes, then wait for the client to go, close or reset."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*chunks)
        if then == "wait":
            await peer.until_gone()
        elif then == "reset":
            await peer.reset()

    return script


async def black_hole(peer: Peer) -> None:
    await peer.until_gone()


async def hang_up(_: Peer) -> None:
    """Closes before anything is said."""


async def reset_at_once(peer: Peer) -> None:
    await peer.reset()


async def reset_after_request(peer: Peer) -> None:
    await peer.request()
    await peer.reset()
