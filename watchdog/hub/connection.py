"""A hub connection: SignalR over one WebSocket, from the bytes of one read to events, without an await."""

import trio
from msgspec.structs import replace

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
from watchdog.core.protocol.signalr import MAX_RECORDS, PROTOCOL_TIMEOUTS, Session, Timeouts
from watchdog.core.protocol.updates import UpdateDecoder, UpdateError, decode_update, is_update
from watchdog.hub.channel import Channel
from watchdog.hub.transport import ConnectionLostError
from watchdog.hub.websocket import Message, WebSocket
from watchdog.runtime.clock import Clock

SEND_TIMEOUT_SECONDS = 10.0
CLOSE_TIMEOUT_SECONDS = 1.0
FLUSH_SECONDS = 0.1
"""How often to try again to send what the kernel did not take."""

_TOO_MANY = f"more than {MAX_RECORDS} records at once that say something"

Heard = UpdateReceived | Established | Invalid | ConnectionLostError
"""What a connection has to say; `ConnectionLostError` comes once, last, and as a value."""


class HubConnection:
    """Speaks with the hub over an open channel until the connection is lost.

    Its owner calls `receive` when there may be something to read, and `tick` once `due` has passed and
    nothing that had arrived before is left unread.
    """

    __slots__ = (
        *("_begin", "_channel", "_clock", "_lost", "_session", "_unsent_since", "_websocket"),
        *("drained", "due", "read_late", "stamped"),
    )

    def __init__(
        self,
        channel: Channel,
        begin: bytes,
        subscribe: str,
        *,
        clock: Clock,
        timeouts: Timeouts = PROTOCOL_TIMEOUTS,
    ) -> None:
        """`begin` is what came of the WebSocket along with the answer to the upgrade."""
        self._channel = channel
        self._begin = begin
        self._clock = clock
        self._websocket = WebSocket()
        self._session = Session(subscribe, clock.now(), expected=UpdateDecoder().decode, timeouts=timeouts)
        self.stamped = channel.stamped
        """Whether the kernel stamps what arrives."""
        self.drained = True
        """Whether all that the kernel held has been received; nothing more is once the connection is lost."""
        self._lost = False
        self._unsent_since: float | None = None
        self.read_late = False
        """Whether several messages may wait in the kernel for one read, which then has one stamp for all."""
        self.due = 0.0
        """When `tick` has something to do or to say if nothing is received until then."""
        self._send()

    @property
    def established(self) -> bool:
        """Whether the hub has accepted the handshake, and the subscription has been sent."""
        return self._session.established

    def receive(self) -> list[tuple[Heard, Arrival]]:
        """What has arrived, up to 64 KiB of it, and when."""
        if self._lost:
            return []
        data = self._begin or self._channel.read()
        self._begin = b""
        self.drained = self._channel.drained
        if data is None:
            return []
        arrival = self._channel.arrival
        messages = self._websocket.receive(data)
        if len(messages) == 1:
            heard = self._understand(messages[0], arrival)
        else:
            heard = self._understand_all(messages, arrival)
        lost = self._channel.failure or self._websocket.lost
        if lost is not None and not self._lost:
            heard.append((lost, arrival))
            self._lost = True
        if self._lost:
            self.drained = True
        if self._session.wants_to_send or self._websocket.outbox:
            self._send()
        return heard

    def tick(self, now: float) -> ConnectionLostError | None:
        """Ping when it is time to; returns why the connection is lost if by now it is."""
        if self._lost:
            return None
        lost = None
        if not self._session.tick(now):
            lost = (
                ConnectionLostError("keepalive", "the hub sent nothing, not even a ping")
                if self._session.established
                else ConnectionLostError("handshake", "the hub did not answer the handshake")
            )
        self._send()
        if self._unsent_since is not None and now >= self._unsent_since + SEND_TIMEOUT_SECONDS:
            lost = ConnectionLostError("timeout", "the hub does not read what is sent to it")
        if lost is not None:
            self.give_up()
        return lost

    def fileno(self) -> int:
        """The number of the socket."""
        return self._channel.fileno()

    async def wait_readable(self) -> None:
        """Wait until there is something to receive."""
        await self._channel.wait_readable()

    def give_up(self) -> None:
        """Say nothing more: whoever owns the connection is done with it."""
        self._lost = self.drained = True

    async def aclose(self) -> None:
        """Close properly if the hub plays along, and in any case soon."""
        await close(self._websocket, self._channel)

    def _understand_all(self, messages: list[Message], arrival: Arrival) -> list[tuple[Heard, Arrival]]:
        """What several messages of one read say: the stamp is that of the last one."""
        heard: list[tuple[Heard, Arrival]] = []
        earlier = replace(arrival, exact=False) if self.read_late else arrival
        for number, message in enumerate(messages, 1):
            heard += self._understand(message, arrival if number == len(messages) else earlier)
            if not self._lost and len(heard) > MAX_RECORDS:
                heard.append((ConnectionLostError("protocol", _TOO_MANY), arrival))
                self._lost = True
            if self._lost:
                break
        return heard

    def _understand(self, message: Message, arrival: Arrival) -> list[tuple[Heard, Arrival]]:
        if isinstance(message, bytes):
            return [(Invalid("protocol", "a binary message"), arrival)]
        heard: list[tuple[Heard, Arrival]] = []
        for event in self._session.receive(message, arrival.at):
            meaning = event if isinstance(event, UpdateReceived) else _meaning(event)
            if meaning is None:
                continue
            heard.append((meaning, arrival))
            if isinstance(meaning, ConnectionLostError):
                self._lost = True
                break
        return heard

    def _send(self) -> None:
        """Send what session and WebSocket want sent, as far as the kernel takes it."""
        channel, websocket, session = self._channel, self._websocket, self._session
        channel.flush()
        data = websocket.data_to_send()
        if channel.unsent and websocket.state == "open":
            # Whoever reads nothing gets no answers to its pings either: they would pile up here.
            data = b""
        if (text := session.data_to_send()) and websocket.state == "open" and not self._lost:
            data += websocket.send(text)
        if data:
            channel.write(data)
        self.due = session.next_deadline
        if not channel.unsent:
            self._unsent_since = None
            return
        now = self._clock.now()
        if self._unsent_since is None:
            self._unsent_since = now
        self.due = min(self.due, now + FLUSH_SECONDS)


async def close(websocket: WebSocket, channel: Channel) -> None:
    """Close a WebSocket and its channel: properly if the hub plays along, and in any case soon."""
    try:
        with trio.move_on_after(CLOSE_TIMEOUT_SECONDS, shield=True):
            websocket.close()
            await channel.send(websocket.data_to_send())
            while websocket.state != "closed":
                websocket.receive(await channel.receive())
    finally:
        channel.close()


def _meaning(event: Event) -> Heard | None:
    """What an event of the session is to a subscriber; None for what it need not know."""
    match event:
        case Invocation():
            return _invoked(event)
        case HandshakeRefused():
            return ConnectionLostError("handshake", event.error)
        case RecordTooLong():
            return ConnectionLostError("oversize", "a record without an end")
        case TooManyRecords():
            return ConnectionLostError("protocol", f"more than {MAX_RECORDS} records in one message")
        case Closed():
            return ConnectionLostError(
                "server_close", event.error or "", allow_reconnect=event.allow_reconnect
            )
    return event


def _invoked(event: Invocation) -> Heard | None:
    if not is_update(event.target):
        return None
    try:
        return UpdateReceived(decode_update(event.arguments), event.size_bytes)
    except UpdateError as error:
        return Invalid(error.reason, str(error))
