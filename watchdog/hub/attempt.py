"""One attempt to hold a game's subscription: a connection with its token, and what it has delivered."""

import math
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.connections import Ending
from watchdog.core.handover import Delivery, Role
from watchdog.hub.channel import Channel
from watchdog.hub.connection import HubConnection
from watchdog.hub.reader import MAX_READS, Hear
from watchdog.runtime.clock import Clock

LOOK_SECONDS = 0.001
"""How long after a deadline it is judged where no kernel says what had arrived before it."""

FLOOD_SECONDS = 0.05
"""How long to read before a deadline is judged where there is always more, and when to look at it again."""

Connect = Callable[[str], Awaitable[tuple[Channel, bytes]]]
"""Opens a channel with a token; raises `ConnectionLostError`."""


class Keeper(Protocol):
    """What a subscription needs from the keeper of the feed's token."""

    @property
    def token(self) -> str | None:
        """The token to connect with, if there is one."""

    @property
    def pending(self) -> bool:
        """Whether it is not known yet if there is a token."""

    @property
    def changed(self) -> trio.Event:
        """What is set, and replaced, when there is another token or the one there is has become valid."""

    def accepted(self, token: str) -> None:
        """The hub accepted this token."""

    def rejected(self, token: str) -> None:
        """The hub refused this token."""


class Attempt:
    """One connection with its token, from its first step to its last.

    `settled` is set once it is known whether it takes over from the attempt before. `rotates_by` is when it
    must have done so if it is to switch to a renewed token; infinite if it is not.
    """

    __slots__ = ("connection", "delivery", "rotates_by", "scope", "settled", "token")

    def __init__(self, token: str, role: Role, checks: CheckSettings) -> None:
        self.token = token
        self.scope = trio.CancelScope()
        self.settled = trio.Event()
        self.delivery = Delivery(role, checks)
        self.rotates_by = math.inf
        self.connection: HubConnection | None = None

    @property
    def subscribed(self) -> bool:
        """Whether it was ever subscribed."""
        return self.delivery.subscribed_at is not None

    @property
    def ending(self) -> Ending:
        """What to call its end while it stands by."""
        if self.rotates:
            return "connection.rotation_failed"
        return "connection.lost" if self.subscribed else "connection.failed"

    @property
    def rotates(self) -> bool:
        """Whether it is there to switch to a renewed token."""
        return self.rotates_by < math.inf

    def due(self, due: float) -> float:
        """When something falls due with its connection, if something else does so at `due`."""
        connection = self.connection
        if connection is None:
            return due
        return min(due, connection.due) + (0.0 if connection.stamped else LOOK_SECONDS)

    def read(self, hear: Hear, clock: Clock) -> bool:
        """Take in all that has arrived; returns whether that is all."""
        until = clock.now() + FLOOD_SECONDS
        for _ in range(MAX_READS):
            if self.connection is None:
                return True
            hear(self.connection.receive())
            if self.connection.drained:
                return True
            if clock.now() >= until:
                # Much takes long to read: the other games must not wait for all of it.
                break
        return False

    def hang_up(self) -> None:
        """End it. Its task wakes up and closes the connection later: nothing it has to say counts by then."""
        self.scope.cancel()
        if self.connection is not None:
            self.connection.give_up()
