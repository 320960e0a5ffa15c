"""A hub connection: the SignalR protocol spoken over one WebSocket, its updates handed on as they come."""

import math
from typing import Protocol

import trio

from watchdog.core.protocol.events import (
    Closed,
    Established,
    Event,
    Expected,
    Flood,
    HandshakeRefused,
    Invalid,
    Invocation,
    Oversize,
)
from watchdog.core.protocol.signalr import MAX_RECORDS, Session
from watchdog.core.protocol.updates import Deliveries, Update, UpdateError, decode_update, is_update
from watchdog.hub.attempt import Line
from watchdog.hub.stamped_stream import Stamp
from watchdog.hub.transport import ConnectionLost
from watchdog.hub.websocket import Connection, Message
from watchdog.runtime.clock import Clock


class Listener(Protocol):
    """Who hears what comes over a line."""

    def established(self, line: Line, at: float) -> None:
        """The hub accepted the handshake, and the subscription goes out."""

    def updated(self, line: Line, update: Update, size_bytes: int, stamp: Stamp) -> None:
        """An update came."""

    def invalid(self, line: Line, event: Invalid, at: float) -> None:
        """A message came that says nothing the protocol or the feed knows."""

    def look_up_at(self, line: Line) -> float:
        """When the listener has something to do if nothing comes."""

    def time_passed(self, line: Line, now: float) -> None:
        """Nothing that has arrived by now is left unread."""

    def silent_until(self, line: Line) -> float:
        """For how long the hub may send no update before the connection is given up."""


class HubConnection:
    """Speaks with the hub until the connection is lost."""

    def __init__(
        self,
        connection: Connection,
        subscribe: str,
        *,
        line: Line,
        listener: Listener,
        clock: Clock,
        keep_alive_seconds: float,
    ) -> None:
        self._connection = connection
        self._line = line
        self._listener = listener
        self._clock = clock
        self._session = Session(
            subscribe, clock.now(), expected=Deliveries().decode, keep_alive_seconds=keep_alive_seconds
        )

    async def run(self) -> None:
        """Shake hands, subscribe, listen.

        Raises:
            ConnectionLost: always, in the end.

        """
        while True:
            # One scope for as long as messages come in time: moving its deadline costs less than a new one
            # for each.
            with trio.CancelScope() as waiting:
                await self._listen(waiting)
            message = await self._connection.look_again()
            if message is None:
                self._time_passed()
            else:
                self._take(message)

    async def _listen(self, waiting: trio.CancelScope) -> None:
        """Take what comes, until a deadline passes before the next message."""
        connection, session = self._connection, self._session
        while True:
            if data := session.data_to_send():
                waiting.deadline = math.inf
                await connection.send(data)
            waiting.deadline = min(session.next_deadline, self._listener.look_up_at(self._line))
            self._take(await connection.receive())

    def _time_passed(self) -> None:
        now, session = self._clock.now(), self._session
        self._listener.time_passed(self._line, now)
        if not session.tick(now):
            if session.established:
                raise ConnectionLost("keepalive", "the hub sent nothing, not even a ping")
            raise ConnectionLost("handshake", "the hub did not answer the handshake")
        if now >= self._listener.silent_until(self._line):
            raise ConnectionLost("silence", "the hub sent no update")

    def _take(self, message: Message) -> None:
        if message.text is None:
            self._listener.invalid(self._line, Invalid("protocol", "a binary message"), message.stamp.at)
            return
        for event in self._session.receive(message.text, message.stamp.at):
            if isinstance(event, Expected):
                self._listener.updated(self._line, event.content, event.size_bytes, message.stamp)
            else:
                self._handle(event, message.stamp)

    def _handle(self, event: Event, stamp: Stamp) -> None:
        match event:
            case Invocation():
                self._invoked(event, stamp)
            case Established():
                self._listener.established(self._line, stamp.at)
            case Invalid():
                self._listener.invalid(self._line, event, stamp.at)
            case HandshakeRefused():
                raise ConnectionLost("handshake", event.error)
            case Oversize():
                raise ConnectionLost("oversize", "a record without an end")
            case Flood():
                raise ConnectionLost("protocol", f"more than {MAX_RECORDS} records in one message")
            case Closed():
                raise ConnectionLost("server_close", event.error or "", allow_reconnect=event.allow_reconnect)

    def _invoked(self, event: Invocation, stamp: Stamp) -> None:
        if not is_update(event.target):
            return
        try:
            update = decode_update(event.arguments)
        except UpdateError as error:
            self._listener.invalid(self._line, Invalid(error.reason, str(error)), stamp.at)
        else:
            self._listener.updated(self._line, update, event.size_bytes, stamp)
