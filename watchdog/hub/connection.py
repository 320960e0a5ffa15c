"""A hub connection: the SignalR protocol over one WebSocket, with updates passed on as they come."""

import math
from typing import Protocol

import trio

from watchdog.core.arrival import Arrival
from watchdog.core.protocol.events import (
    Closed,
    Established,
    Event,
    HandshakeRefused,
    Invalid,
    Invocation,
    RecordTooLong,
    TooManyRecords,
    UpdateReceived,
)
from watchdog.core.protocol.signalr import MAX_RECORDS, Session
from watchdog.core.protocol.updates import Update, UpdateDecoder, UpdateError, decode_update, is_update
from watchdog.hub.attempt import Attempt
from watchdog.hub.transport import ConnectionLostError
from watchdog.hub.websocket import Message, WebSocket
from watchdog.runtime.clock import Clock


class Listener(Protocol):
    """The receiver of what comes over an attempt."""

    def established(self, attempt: Attempt, at: float) -> None:
        """The hub accepted the handshake, and the subscription goes out."""

    def updated(self, attempt: Attempt, update: Update, size_bytes: int, arrival: Arrival) -> None:
        """An update came."""

    def invalid(self, attempt: Attempt, event: Invalid, at: float) -> None:
        """A message came that neither the protocol nor the feed knows."""

    def look_up_at(self, attempt: Attempt) -> float:
        """When the listener has something to do if nothing comes."""

    def time_passed(self, attempt: Attempt, now: float) -> None:
        """The time has come to `now`, and everything that had arrived by then was read."""

    def silent_until(self, attempt: Attempt) -> float:
        """Until when the hub may send no update before the connection is given up."""


class HubConnection:
    """Speaks with the hub until the connection is lost."""

    def __init__(
        self,
        connection: WebSocket,
        subscribe: str,
        *,
        attempt: Attempt,
        listener: Listener,
        clock: Clock,
        keep_alive_seconds: float,
    ) -> None:
        self._connection = connection
        self._attempt = attempt
        self._listener = listener
        self._clock = clock
        self._session = Session(
            subscribe, clock.now(), expected=UpdateDecoder().decode, keep_alive_seconds=keep_alive_seconds
        )

    async def run(self) -> None:
        """Shake hands, subscribe, listen.

        Raises:
            ConnectionLostError: always, in the end.

        """
        while True:
            # One scope lasts for as long as messages come in time: moving its deadline costs less than
            # opening a new scope for each message.
            with trio.CancelScope() as waiting:
                await self._listen(waiting)
            message = await self._connection.look_again()
            if message is None:
                self._time_passed()
            else:
                self._on_message(message)

    async def _listen(self, waiting: trio.CancelScope) -> None:
        """Take what comes, until a deadline passes before the next message."""
        connection, session = self._connection, self._session
        while True:
            if data := session.data_to_send():
                waiting.deadline = math.inf
                await connection.send(data)
            waiting.deadline = min(session.next_deadline, self._listener.look_up_at(self._attempt))
            self._on_message(await connection.receive())

    def _time_passed(self) -> None:
        now, session = self._clock.now(), self._session
        self._listener.time_passed(self._attempt, now)
        if not session.tick(now):
            if session.established:
                raise ConnectionLostError("keepalive", "the hub sent nothing, not even a ping")
            raise ConnectionLostError("handshake", "the hub did not answer the handshake")
        if now >= self._listener.silent_until(self._attempt):
            raise ConnectionLostError("silence", "the hub sent no update")

    def _on_message(self, message: Message) -> None:
        if message.text is None:
            self._listener.invalid(self._attempt, Invalid("protocol", "a binary message"), message.arrival.at)
            return
        for event in self._session.receive(message.text, message.arrival.at):
            if isinstance(event, UpdateReceived):
                self._listener.updated(self._attempt, event.update, event.size_bytes, message.arrival)
            else:
                self._handle(event, message.arrival)

    def _handle(self, event: Event, arrival: Arrival) -> None:
        match event:
            case Invocation():
                self._invoked(event, arrival)
            case Established():
                self._listener.established(self._attempt, arrival.at)
            case Invalid():
                self._listener.invalid(self._attempt, event, arrival.at)
            case HandshakeRefused():
                raise ConnectionLostError("handshake", event.error)
            case RecordTooLong():
                raise ConnectionLostError("oversize", "a record without an end")
            case TooManyRecords():
                raise ConnectionLostError("protocol", f"more than {MAX_RECORDS} records in one message")
            case Closed():
                raise ConnectionLostError(
                    "server_close", event.error or "", allow_reconnect=event.allow_reconnect
                )

    def _invoked(self, event: Invocation, arrival: Arrival) -> None:
        if not is_update(event.target):
            return
        try:
            update = decode_update(event.arguments)
        except UpdateError as error:
            self._listener.invalid(self._attempt, Invalid(error.reason, str(error)), arrival.at)
        else:
            self._listener.updated(self._attempt, update, event.size_bytes, arrival)
