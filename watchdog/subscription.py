"""One game's supervised life: token, connect, subscribe, updates, backoff, and again."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from watchdog.backoff import delay_seconds
from watchdog.checks.settings import CheckSettings
from watchdog.clock import Clock
from watchdog.config import Reconnect
from watchdog.connection import Connection, ConnectionLost, Message
from watchdog.feed.messages import UpdateError, decode_update, is_update, subscribe_record
from watchdog.feed.signalr import (
    Closed,
    Established,
    Event,
    HandshakeRefused,
    Invalid,
    Invocation,
    Oversize,
    Session,
)
from watchdog.log import redact
from watchdog.monitor import Monitor
from watchdog.records import Arrival, Finding

GOOD_SECONDS = 30.0
"""A subscription that delivered for this long was good: the next failure is a first one again."""

Report = Callable[[Monitor, list[Finding]], None]


class Keeper(Protocol):
    """What a subscription needs of the one who keeps the feed's token."""

    token: str | None
    pending: bool
    changed: trio.Event

    def accepted(self, token: str) -> None:
        """The hub accepted this token."""

    def rejected(self, token: str) -> None:
        """The hub refused this token."""


Connect = Callable[[str], AbstractAsyncContextManager[Connection]]
"""Opens a connection with a token."""


class Subscription:
    """Watches one game for as long as `run` runs; nothing the hub or the network does ends it."""

    def __init__(
        self,
        monitor: Monitor,
        checks: CheckSettings,
        partner_client_id: int,
        *,
        keeper: Keeper,
        connect: Connect,
        clock: Clock,
        reconnect: Reconnect,
        report: Report,
        draw: Callable[[], float],
    ) -> None:
        """`draw` answers random numbers from [0, 1); `report` takes what the monitor found."""
        self.monitor = monitor
        self.reconnect = reconnect
        self._silence_seconds = checks.silence_reconnect_seconds - checks.late_after_seconds
        self._record = subscribe_record(monitor.game_type, partner_client_id)
        self._keeper = keeper
        self._connect = connect
        self._clock = clock
        self._report = report
        self._draw = draw
        self._failures = 0
        self._subscribed_at: float | None = None
        self._last_update_at = 0.0

    async def run(self) -> None:
        """Keep the game subscribed until cancelled."""
        while True:
            token, changed = self._keeper.token, self._keeper.changed
            if token is None:
                if not self._keeper.pending:
                    self._found(self.monitor.unable(self._clock.now()))
                await self._rest(float("inf"), changed)
                continue
            try:
                lost = await self._attempt(token)
            except* trio.Cancelled:  # it comes as a group out of the connection's nursery
                self._found(self.monitor.lost("shutdown", self._clock.now()))
                raise
            unauthorized = lost.reason == "unauthorized"
            if unauthorized:
                self._keeper.rejected(token)
            await self._rest(self._delay_seconds(lost), changed if unauthorized else None)

    async def _attempt(self, token: str) -> ConnectionLost:
        """One connection from its first step to its end, for whichever reason."""
        self._subscribed_at = None
        self._found(self.monitor.connecting(self._clock.now()))
        try:
            async with self._connect(token) as connection:
                try:
                    await self._converse(connection, token)
                except ConnectionLost as lost:
                    # Told at once: closing may take a second if the hub does not play along.
                    return self._ended(lost)
        except ConnectionLost as lost:
            return self._ended(lost)
        raise RuntimeError("a conversation ended without a reason")

    def _ended(self, lost: ConnectionLost) -> ConnectionLost:
        now = self._clock.now()
        if lost.reason == "oversize" or (lost.reason == "protocol" and self.monitor.connected):
            # It was a message that ended the connection, so it counts as one that is invalid.
            self._invalid(Invalid(lost.reason, lost.detail), now)
        self._found(self.monitor.lost(lost.reason, now, redact(lost.detail)))
        return lost

    async def _converse(self, connection: Connection, token: str) -> None:
        session = Session(self._record, self._clock.now())
        while True:
            if data := session.data_to_send():
                await connection.send(data)
            reconnect_at = self.monitor.update_due_at + self._silence_seconds
            message = await connection.receive(
                min(session.next_deadline, self.monitor.next_deadline, reconnect_at)
            )
            if message is None:
                self._time_passed(session, reconnect_at)
            elif message.text is None:
                self._invalid(Invalid("protocol", "a binary message"), message.stamp.at)
            else:
                for event in session.receive(message.text, message.stamp.at):
                    self._handle(event, message, token)

    def _time_passed(self, session: Session, reconnect_at: float) -> None:
        now = self._clock.now()
        self._found(self.monitor.advance(now))
        if not session.tick(now):
            if session.established:
                raise ConnectionLost("keepalive", "the hub sent nothing, not even a ping")
            raise ConnectionLost("handshake", "the hub did not answer the handshake")
        if now >= reconnect_at:
            raise ConnectionLost("silence", "the hub sent no update")

    def _handle(self, event: Event, message: Message, token: str) -> None:
        stamp = message.stamp
        match event:
            case Invocation():
                self._invoked(event, message)
            case Established():
                self._keeper.accepted(token)
                self._subscribed_at = self._last_update_at = stamp.at
                self._found(self.monitor.subscribed(stamp.at))
            case Invalid():
                self._invalid(event, stamp.at)
            case HandshakeRefused():
                raise ConnectionLost("handshake", event.error)
            case Oversize():
                raise ConnectionLost("oversize", "a record without an end")
            case Closed():
                raise ConnectionLost("server_close", event.error or "", allow_reconnect=event.allow_reconnect)

    def _invoked(self, event: Invocation, message: Message) -> None:
        if not is_update(event.target):
            return
        stamp = message.stamp
        try:
            update = decode_update(event.arguments)
        except UpdateError as error:
            self._invalid(Invalid(error.reason, str(error)), stamp.at)
            return
        self._last_update_at = stamp.at
        arrival = Arrival(stamp.at, stamp.wall, event.size_bytes, stamp.exact)
        self._found(self.monitor.received(update, arrival))

    def _invalid(self, event: Invalid, at: float) -> None:
        self._found(self.monitor.invalid(event.reason, at, self._clock.wall(), redact(event.detail)))

    def _delay_seconds(self, lost: ConnectionLost) -> float:
        good = self._subscribed_at is not None and self._last_update_at - self._subscribed_at >= GOOD_SECONDS
        self._failures = 1 if good else self._failures + 1
        if not lost.allow_reconnect:
            # The hub asks not to be called again; a watchdog does not stop watching, but it obliges.
            return self.reconnect.max_seconds
        return delay_seconds(
            self._failures,
            self._draw(),
            initial_seconds=self.reconnect.initial_seconds,
            max_seconds=self.reconnect.max_seconds,
        )

    async def _rest(self, seconds: float, sooner: trio.Event | None) -> None:
        """Wait, judging what falls due meanwhile; an event may end the wait sooner."""
        until = self._clock.now() + seconds
        while (now := self._clock.now()) < until and not (sooner is not None and sooner.is_set()):
            self._found(self.monitor.advance(now))
            with trio.CancelScope(deadline=min(until, self.monitor.next_deadline)):
                if sooner is not None:
                    await sooner.wait()
                else:
                    await trio.sleep_forever()

    def _found(self, findings: list[Finding]) -> None:
        if findings:
            self._report(self.monitor, findings)
