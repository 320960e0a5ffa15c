"""The hub's side of one connection, without I/O: what a client sends in, what to send back out.

Words, escapes and times are those of ASP.NET Core SignalR with the JSON protocol.
"""

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from watchdog.simulator.update import RECORD_SEPARATOR, record

HANDSHAKE_TIMEOUT_SECONDS = 15.0
KEEP_ALIVE_SECONDS = 15.0
CLIENT_TIMEOUT_SECONDS = 30.0
MAX_RECORD_CHARACTERS = 16 * 1024
MAX_SUBSCRIPTIONS = 16

SUBSCRIPTION = "SubOnWholeGamesInfo"

_INVOCATION, _STREAM_INVOCATION, _PING, _CLOSE = 1, 4, 6, 7
_PING_RECORD = record({"type": _PING})
_BROKEN = record({"type": _CLOSE, "error": "Connection closed with an error.", "allowReconnect": True})


@dataclass(frozen=True, slots=True)
class Send:
    """A record to send."""

    text: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription to the updates of a game type, as a partner."""

    game: int
    partner: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A request to close the WebSocket in order (code 1000)."""


Event = Send | Subscribed | Closing


class _ProtocolError(Exception):
    """A breach of the protocol by the client, which ends the connection."""


class HubSession:
    """One connection's protocol state; times are seconds of any one monotonic clock.

    The caller passes in what arrives (`receive`) and notes every record sent (`sent`). It calls `tick` when
    `next_deadline` has come, and does what the returned events say, in their order.
    """

    def __init__(self, games: Collection[int], now: float) -> None:
        self._games = games
        self._partial = ""
        self._established = False
        self._closed = False
        self._began = now
        self._sent_at = now
        self._received_at = now
        self._client_pings = False
        self._subscriptions: set[Subscribed] = set()

    @property
    def next_deadline(self) -> float:
        """When `tick` has something to do, if nothing is sent or received until then."""
        if self._closed:
            return math.inf
        if not self._established:
            return self._began + HANDSHAKE_TIMEOUT_SECONDS
        due = self._sent_at + KEEP_ALIVE_SECONDS
        if self._client_pings:
            due = min(due, self._received_at + CLIENT_TIMEOUT_SECONDS)
        # The server looks at its connections once a second.
        return self._began + math.ceil(due - self._began)

    def sent(self, now: float) -> None:
        """Note that a record was sent."""
        self._sent_at = now

    def tick(self, now: float) -> list[Event]:
        """What is due by time alone: a ping, or the end of a client that fell silent."""
        if self._closed or now < self.next_deadline:
            return []
        if not self._established:
            return self._end(record({"error": "Handshake was canceled."}))
        if self._client_pings and now >= self._received_at + CLIENT_TIMEOUT_SECONDS:
            return self._end()
        self._sent_at = now
        return [Send(_PING_RECORD)]

    def receive(self, text: str, now: float) -> list[Event]:
        """What follows from the text of one frame; records may be split and joined over frames anywhere."""
        self._received_at = now
        *records, self._partial = (self._partial + text).split(RECORD_SEPARATOR)
        events: list[Event] = []
        for one in records:
            if self._closed:
                break
            events += self._oversize() if len(one) > MAX_RECORD_CHARACTERS else self._record(one)
        if not self._closed and len(self._partial) > MAX_RECORD_CHARACTERS:
            events += self._oversize()
        return events

    def _record(self, text: str) -> list[Event]:
        if not self._established:
            return self._handshake(text)
        try:
            return self._message(_object(text))
        except _ProtocolError:
            return self._end(_BROKEN)

    def _handshake(self, text: str) -> list[Event]:
        try:
            request = _object(text)
            protocol, version = _required(request, "protocol", str), _required(request, "version", int)
        except _ProtocolError:
            return self._refuse("An unexpected error occurred during connection handshake.")
        if protocol != "json":
            return self._refuse(f"The protocol '{protocol}' is not supported.")
        if version != 1:
            return self._refuse(f"The server does not support version {version} of the 'json' protocol.")
        self._established = True
        return [Send(record({}))]

    def _refuse(self, error: str) -> list[Event]:
        return self._end(record({"error": error}))

    def _oversize(self) -> list[Event]:
        return self._end(_BROKEN) if self._established else self._refuse("Handshake was canceled.")

    def _end(self, text: str | None = None) -> list[Event]:
        self._closed = True
        return [Closing()] if text is None else [Send(text), Closing()]

    def _message(self, message: dict[str, Any]) -> list[Event]:
        kind = _required(message, "type", int)
        if kind == _PING:
            self._client_pings = True
        elif kind == _CLOSE:
            return self._end()
        elif kind in (_INVOCATION, _STREAM_INVOCATION):
            return self._invocation(message)
        return []

    def _invocation(self, message: dict[str, Any]) -> list[Event]:
        target, arguments = _required(message, "target", str), _required(message, "arguments", list)
        invocation_id = message.get("invocationId")
        if invocation_id is not None and not isinstance(invocation_id, str):
            raise _ProtocolError
        events: list[Event] = []
        if target.lower() != "subscribe":
            error = f"{_failed(target)} HubException: Method does not exist."
        else:
            subscription = self._subscription(arguments)
            error = subscription if isinstance(subscription, str) else ""
            if isinstance(subscription, Subscribed):
                self._subscriptions.add(subscription)
                events.append(subscription)
        if invocation_id is None:
            return events
        outcome = {"error": error} if error else {"result": None}
        return [Send(record({"type": 3, "invocationId": invocation_id, **outcome})), *events]

    def _subscription(self, arguments: list[Any]) -> Subscribed | str:
        """What is subscribed to, or why nothing is."""
        failed = _failed("Subscribe")
        match arguments:
            case [str(name), str(text)]:
                pass
            case [_, _]:
                return f"{failed} InvalidDataException: Error binding arguments."
            case _:
                return (
                    f"{failed} InvalidDataException: Invocation provides {len(arguments)} argument(s) "
                    "but target expects 2."
                )
        try:
            request = _object(text)
            game, partner = _required(request, "GameType", int), _required(request, "PartnerClientId", int)
            count = _required(request, "Count", int)
        except _ProtocolError:
            return f"{failed} HubException: The subscription is not as documented."
        if name != SUBSCRIPTION or game not in self._games or count != 1 or not 0 <= partner < 2**63:
            return f"{failed} HubException: There is no such subscription."
        subscription = Subscribed(game, partner)
        if len(self._subscriptions | {subscription}) > MAX_SUBSCRIPTIONS:
            return f"{failed} HubException: Too many subscriptions."
        return subscription


def _failed(target: str) -> str:
    return f"Failed to invoke '{target}' due to an error on the server."


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _ProtocolError from None
    if not isinstance(document, dict):
        raise _ProtocolError
    return document


def _required(document: dict[str, Any], key: str, kind: type) -> Any:
    value = document.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _ProtocolError
    return value
