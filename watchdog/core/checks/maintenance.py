"""Maintenance: the flag `im`, believed until an update says otherwise, but not forever."""

import math

from watchdog.core.checks.settings import CheckSettings


class Maintenance:
    """Whether the game is in maintenance, which is agreed and nobody's fault.

    Source: "Game maintenance status indicator" in the specification.
    """

    __slots__ = ("_hold_seconds", "begun", "flag", "until")

    def __init__(self, settings: CheckSettings) -> None:
        self._hold_seconds = settings.maintenance_hold_seconds
        self.flag: bool | None = None
        # Whether the last update began or held maintenance, however long ago it came.
        self.begun = False
        self.until = -math.inf

    def received(self, *, flag: bool, at: float) -> bool:
        """Take in the flag of an update; return whether what the update shows is agreed.

        That has happened since the update before, so it is where either of the two is in maintenance: a hub
        that comes back from it counts anew, and its table has gone on.
        """
        was = at < self.until
        self.flag = flag
        self.until = at + self._hold_seconds if flag else -math.inf
        self.begun = at < self.until
        return was or self.begun

    def in_force(self, at: float) -> bool:
        """Whether the flag is set and not older than `maintenance_hold_seconds`."""
        return at < self.until
