"""One attempt to hold a game's subscription: a connection with its token, and what it has delivered."""

import trio

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.handover import Delivery, Role
from watchdog.hub.connection import HubConnection


class Attempt:
    """One connection with its token, from its first step to its last.

    `settled` is set once it is known whether it takes over from the attempt before.
    """

    __slots__ = ("connection", "delivery", "scope", "settled", "token")

    def __init__(self, token: str, role: Role, checks: CheckSettings) -> None:
        self.token = token
        self.scope = trio.CancelScope()
        self.settled = trio.Event()
        self.delivery = Delivery(role, checks)
        self.connection: HubConnection | None = None
