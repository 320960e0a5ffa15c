"""The hub of one row: real sockets, raw bytes. It strikes as it is told and is healthy afterwards."""

import json
import math
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import Any, NoReturn

import trio

from tests.support import wire
from tests.support.raw_server import Peer
from tests.support.wire import CLOSE, HANDSHAKE, TEXT, accept_key, answer, frame, invocation, switching

UPDATES_BEFORE, UPDATES_AFTER = 2, 2
GAME_TYPE = 1
LATE_SEND_SECONDS = 0.01

_CONNECTION_ENDED = (trio.BrokenResourceError, trio.ClosedResourceError)


class GoneError(Exception):
    """The connection is over."""


class Hub:
    """Listens on a port of its own, plays the row's fault on as many connections as told, then serves.

    `strikes` is how many connections the fault strikes; without an end it strikes each one again and again.
    """

    def __init__(
        self,
        play: Callable[["Talk"], Awaitable[None]] | None,
        strikes: float,
        *,
        interval_seconds: float,
        tls: Mapping[str, ssl.SSLContext] | None = None,
    ) -> None:
        self.tls = tls
        self.interval_seconds = interval_seconds
        self.sequence_id = 0
        self.game = wire.game(time.time(), GAME_TYPE)
        self.ended_at: float | None = None
        """When the fault was over, in UNIX seconds."""
        self.recovered_at: float | None = None
        """When the game was subscribed to again or, on the same connection, the next good update was sent."""
        self.served = 0
        """Updates sent since then."""
        self.called = trio.Event()
        """Somebody has connected."""
        self.released = trio.Event()
        """From now on the hub says something: what begins all at once would tell of the rush only."""
        self.longest_pause_seconds = 0.0
        """Between two updates of one connection."""
        self.late_sends = 0
        """Updates that the kernel got later than `LATE_SEND_SECONDS` after the stamp in them."""
        self._play = play
        self.strikes_left = strikes
        self._accepting = trio.Event()
        self._files = ExitStack()
        self._socket = self._files.enter_context(socket.socket())
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def listen(self, port: str) -> None:
        """Prepare the port: `open`, `closed`, `not accepting` or `full`."""
        if port == "full":
            # The kernel drops what does not fit into the backlog: for the client it is a black hole.
            self._socket.listen(0)
            for _ in range(2):
                filler = self._files.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", self.port))
        elif port != "closed":
            self._socket.listen(64)
        if port == "open":
            self._accepting.set()

    def recover(self) -> None:
        """Open the port for good."""
        self.ended_at = time.time()
        self._socket.listen(64)
        self._accepting.set()
        self.released.set()

    def note_recovery(self) -> None:
        if self.ended_at is not None and self.recovered_at is None:
            self.recovered_at = time.time()

    async def run(self) -> None:
        with self._files:
            await self._accepting.wait()
            self._socket.setblocking(False)
            listener = trio.SocketListener(trio.socket.from_stdlib_socket(self._socket))
            await trio.serve_listeners(self._serve, [listener])

    async def _serve(self, stream: trio.SocketStream) -> None:
        try:
            async with trio.open_nursery() as nursery:
                await self._converse(Talk(self, stream, nursery))
        except* (GoneError, *_CONNECTION_ENDED):
            pass
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)

    async def _converse(self, talk: "Talk") -> None:
        self.called.set()
        await self.released.wait()
        if self._play is not None and self.strikes_left:
            self.strikes_left -= 1
            await self._strike(talk)
            while self.strikes_left == math.inf:
                await self._strike(talk)
        while True:
            await talk.updates(1)
            self.served += 1
            self.note_recovery()

    async def _strike(self, talk: "Talk") -> None:
        assert self._play is not None
        try:
            await self._play(talk)
        finally:
            if not self.strikes_left:
                # Where a second connection delivers beside the silent one, the fault ends when that goes.
                self.ended_at, self.recovered_at = time.time(), None


class Talk:
    """One connection. Each step makes the ones before it, unless they are made."""

    def __init__(self, hub: Hub, stream: trio.SocketStream, nursery: trio.Nursery) -> None:
        self.hub = hub
        self.peer = Peer(stream)
        self._socket = stream
        self._nursery = nursery
        self._steps: set[str] = set()
        self._due_at = 0.0
        self._sent_at = math.inf

    async def secured(self, certificate: str = "good") -> None:
        """TLS, if the row is about wss."""
        if self.hub.tls is not None and self._new("secured"):
            self.peer.stream = trio.SSLStream(
                self._socket, self.hub.tls[certificate], server_side=True, https_compatible=True
            )
            await self.peer.stream.do_handshake()

    async def requested(self) -> None:
        """The head of the request is read."""
        await self.secured()
        if self._new("requested"):
            await self.peer.request()

    async def upgraded(self) -> None:
        """The WebSocket is open; a negotiation is answered instead."""
        await self.requested()
        if not self._new("upgraded"):
            return
        if self.peer.head.startswith(b"POST"):
            body = {"connectionToken": "t", "availableTransports": [{"transport": "WebSockets"}]}
            await self.send(answer(200, json.dumps(body).encode()))
            await self.until_gone()
        await self.send(switching(accept_key(self.peer.head)))

    async def greeted(self) -> None:
        """The client has sent its handshake record."""
        await self.upgraded()
        if self._new("greeted"):
            said = await self.peer.frame()
            if said[0] == CLOSE:  # on a busy machine an attempt may have been given up already
                raise GoneError
            assert said == (TEXT, b'{"protocol":"json","version":1}\x1e')

    async def subscribed(self, hello: str = HANDSHAKE) -> None:
        """The handshake is answered, and the subscription has come."""
        await self.greeted()
        if self._new("subscribed"):
            await self.send(hello)
            await self.peer.frame()
            self.hub.note_recovery()
            self._nursery.start_soon(self._listen)

    async def opened(self) -> None:
        """There have been some updates, as promised."""
        await self.updates(UPDATES_BEFORE)

    async def updates(self, count: int, **changes: Any) -> None:
        """So many updates, at the promised interval."""
        await self.subscribed()
        for _ in range(count):
            await self.beat()
            async with self.peer.sending:
                # Made only now: no other task may come between the stamp in it and the kernel.
                self._note_pause()
                await self.peer.stream.send_all(frame(TEXT, self.update(**changes).encode()))
                self.hub.late_sends += trio.current_time() - self._sent_at > LATE_SEND_SECONDS

    async def beat(self, beats: int = 1) -> None:
        """Wait for the instant of the next update, or of a later one."""
        interval_seconds = self.hub.interval_seconds
        self._due_at = (
            max(self._due_at, trio.current_time() - interval_seconds / 2) + interval_seconds * beats
        )
        await trio.sleep_until(self._due_at)

    def _note_pause(self) -> None:
        now = trio.current_time()
        self.hub.longest_pause_seconds = max(self.hub.longest_pause_seconds, now - self._sent_at)
        self._sent_at = now

    def update(self, *, game: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """The next update's record; with an `sId` among the changes the count goes on from that."""
        argument = self.argument(game=game, **changes)
        self.hub.sequence_id = argument["sId"]
        return invocation(argument)

    def argument(self, *, game: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """The next update's argument, without counting it as sent."""
        game = self.hub.game | dict(game or {})
        return wire.update(time.time(), self.hub.sequence_id + 1, game, **changes)

    async def send(self, *chunks: str | bytes) -> None:
        """Write bytes as they are, and a text as a message."""
        await self.peer.send(*chunks)

    def mind(self) -> None:
        """End whatever is being sent as soon as the client goes."""
        if "subscribed" not in self._steps:
            self._nursery.start_soon(self.until_gone)

    async def until_gone(self) -> NoReturn:
        """Say nothing until the client goes."""
        if "subscribed" in self._steps:
            await trio.sleep_forever()  # the reader ends it
        await self.peer.until_gone()
        raise GoneError

    async def hang_up(self) -> NoReturn:
        """End the TCP connection without a word of the WebSocket's."""
        await trio.aclose_forcefully(self._socket)
        raise GoneError

    async def reset(self) -> NoReturn:
        await Peer(self._socket).reset()
        raise GoneError

    async def _listen(self) -> NoReturn:
        await self.peer.listen()
        raise GoneError

    def _new(self, step: str) -> bool:
        new = step not in self._steps
        self._steps.add(step)
        return new
