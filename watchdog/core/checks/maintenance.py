"""Maintenance: the flag `im`, believed until an update says otherwise, but not forever."""

import math

from watchdog.core.checks.settings import CheckSettings


class Maintenance:
    """Whether the game is in maintenance, which is agreed and nobody's fault.

    Source: "Game maintenance status indicator" in the specification.
    """

    __slots__ = ("_hold_seconds", "flag", "until")

    def __init__(self, settings: CheckSettings) -> None:
        self._hold_seconds = settings.maintenance_hold_seconds
        self.flag: bool | None = None
        self.until = -math.inf

    def received(self, *, flag: bool, at: float) -> None:
        """Take in the flag of an update."""
        self.flag = flag
        self.until = at + self._hold_seconds if flag else -math.inf

    def in_force(self, at: float) -> bool:
        """Whether the flag is set and not older than `maintenance_hold_seconds`."""
        return at < self.until
