"""One game's supervised life: token, connect, subscribe, updates, backoff, and again."""

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from watchdog.config.schema import Reconnect
from watchdog.core.arrival import Arrival, Finding
from watchdog.core.backoff import delay_seconds
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import Invalid
from watchdog.core.protocol.signalr import KEEP_ALIVE_SECONDS
from watchdog.core.protocol.updates import Update, subscribe_record
from watchdog.hub.attempt import Line
from watchdog.hub.connection import HubConnection
from watchdog.hub.stamped_stream import Stamp
from watchdog.hub.transport import ConnectionLost
from watchdog.hub.websocket import Connection
from watchdog.runtime.clock import Clock
from watchdog.runtime.log import redact

TAKE_OVER_SECONDS = 30.0
"""A line with a new token has to deliver within this time, or that of two updates; the old one goes on."""

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
    """Watches one game for as long as `run` runs; nothing the hub or the network does ends it.

    One line is in charge: what it delivers is judged. While a line with a new token stands by, the old one
    goes on until the new one has shown that it delivers.
    """

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
        self._checks = checks
        self._take_over_seconds = max(TAKE_OVER_SECONDS, 2.0 * checks.late_after_seconds)
        self._silence_seconds = checks.silence_reconnect_seconds - checks.late_after_seconds
        self._record = subscribe_record(monitor.game_type, partner_client_id)
        self._keeper = keeper
        self._connect = connect
        self._clock = clock
        self._report = report
        self._draw = draw
        self._failures = 0
        self._in_charge: Line | None = None
        self._standby: Line | None = None
        self._nursery: trio.Nursery | None = None
        self._lost: ConnectionLost | None = None

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
                line, lost = await self._hold(token)
            except* trio.Cancelled:  # it comes as a group out of the connection's nursery
                self._found(self.monitor.lost("shutdown", self._clock.now()))
                raise
            unauthorized = lost.reason == "unauthorized"
            await self._rest(self._delay_seconds(line, lost), changed if unauthorized else None)

    async def rotate(self, token: str) -> bool:
        """Go over to a connection with another token while the present one goes on; False if that failed.

        A game without a connection has nothing to go over from: it will connect with the new token anyway.
        """
        line, nursery = self._in_charge, self._nursery
        if line is None or nursery is None or line.token == token or not self.monitor.connected:
            return True
        standby = self._standby = Line(token, self._checks)
        self._found(self.monitor.connecting(self._clock.now()))
        nursery.start_soon(self._serve, standby)
        try:
            with trio.move_on_after(self._take_over_seconds):
                await standby.settled.wait()
            if not standby.settled.is_set():
                self._ended(standby, ConnectionLost("timeout", "the new connection did not deliver"))
        finally:
            self._standby = None
            if standby is not self._in_charge:
                standby.scope.cancel()
        return standby is self._in_charge

    async def _hold(self, token: str) -> tuple[Line, ConnectionLost]:
        """Be subscribed until the line in charge is lost, whichever took over from which."""
        self._found(self.monitor.connecting(self._clock.now()))
        first = self._in_charge = Line(token, self._checks)
        try:
            async with trio.open_nursery() as self._nursery:
                await self._serve(first)
            line, lost = self._in_charge, self._lost
        finally:
            self._in_charge = self._nursery = self._lost = None
        if lost is None:
            raise RuntimeError("a conversation ended without a reason")
        return line, lost

    async def _serve(self, line: Line) -> None:
        """One connection from its first step to its end, for whichever reason."""
        with line.scope:
            try:
                async with self._connect(line.token) as connection:
                    try:
                        await self._hub(connection, line).run()
                    except ConnectionLost as lost:
                        # Told at once: closing may take a second if the hub does not play along.
                        self._ended(line, lost)
            except ConnectionLost as lost:
                self._ended(line, lost)
        line.settled.set()

    def _hub(self, connection: Connection, line: Line) -> HubConnection:
        return HubConnection(
            connection,
            self._record,
            line=line,
            listener=self,
            clock=self._clock,
            # Games that connected together would ping together, and hold up the loop: up to a second sooner.
            keep_alive_seconds=KEEP_ALIVE_SECONDS - self._draw(),
        )

    def _ended(self, line: Line, lost: ConnectionLost) -> None:
        if line is not self._in_charge and line is not self._standby:
            return  # it is being hung up
        now = self._clock.now()
        if lost.reason == "unauthorized":
            self._keeper.rejected(line.token)
        if line is not self._in_charge:
            # At once: the line in charge may be lost in the same instant, and a dead one must not take over.
            self._standby = None
            self._found(self.monitor.not_rotated(lost.reason, now, redact(lost.detail)))
            return
        if lost.reason == "oversize" or (lost.reason == "protocol" and self.monitor.connected):
            # It was a message that ended the connection, so it counts as one that is invalid.
            self.invalid(line, Invalid(lost.reason, lost.detail), now)
        self._found(self.monitor.lost(lost.reason, now, redact(lost.detail)))
        standby = self._standby
        if standby is not None and standby.subscribed_at is not None:
            self._take_over(standby, now)
            self._found(self.monitor.subscribed(now))
            return
        self._lost = lost
        if standby is not None:
            standby.scope.cancel()

    def established(self, line: Line, at: float) -> None:
        """The hub accepted the handshake, and with it the token."""
        self._keeper.accepted(line.token)
        line.subscribed(at)
        if line is self._in_charge:
            self._found(self.monitor.subscribed(at))

    def updated(self, line: Line, update: Update, size_bytes: int, stamp: Stamp) -> None:
        """An update came: judge it if the line is in charge, or has shown by it that it may be."""
        line.delivered(stamp.at)
        if line is not self._in_charge:
            known_id = self.monitor.sequence_id
            if line is not self._standby or line.is_ahead(update.sequence_id, known_id, stamp.at):
                self.monitor.overlapped()
                return
            self._take_over(line, stamp.at)
            self._found(self.monitor.rotated(stamp.at))
        if line.repeats(update.sequence_id, stamp.at):
            self._found(self.monitor.repeated(stamp.at))
            return
        arrival = Arrival(stamp.at, stamp.wall, size_bytes, stamp.exact)
        self._found(self.monitor.received(update, arrival))

    def invalid(self, line: Line, event: Invalid, at: float) -> None:
        """A message that is no valid update; one beside the line in charge is carried by that as well."""
        if line is self._in_charge:
            self._found(self.monitor.invalid(event.reason, at, self._clock.wall(), redact(event.detail)))

    def look_up_at(self, line: Line) -> float:
        """When something falls due if no message comes."""
        if line is self._in_charge:
            return min(self.monitor.next_deadline, self.silent_until(line))
        # It may come to be in charge meanwhile, and then has to keep the monitor's deadlines.
        return self._clock.now() + self._checks.late_after_seconds

    def time_passed(self, line: Line, now: float) -> None:
        """Judge what has fallen due."""
        if line is self._in_charge:
            self._found(self.monitor.advance(now))

    def silent_until(self, line: Line) -> float:
        """For how long the line may deliver no update; one that is not in charge need not."""
        return self.monitor.update_due_at + self._silence_seconds if line is self._in_charge else math.inf

    def _take_over(self, line: Line, at: float) -> None:
        """Listen to another line from now on, and hang up the one before."""
        before, self._in_charge, self._standby = self._in_charge, line, None
        line.takes_over(self.monitor.sequence_id, at)
        if before is not None:
            if before.good:
                self._failures = 0
            before.scope.cancel()

    def _delay_seconds(self, line: Line, lost: ConnectionLost) -> float:
        self._failures = 1 if line.good else self._failures + 1
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
