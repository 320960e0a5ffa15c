"""The thresholds of the checks, as the configuration's `[checks]` table names them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(ge=0.001, le=86_400.0)]
"""Seconds above zero: 1 ms to one day."""

NotNegative = Annotated[float, Meta(ge=0.0, le=86_400.0)]
"""Seconds, zero allowed: up to one day."""

TimerUnit = Literal["auto", "seconds", "unix", "unix_ms"]
SequenceMode = Literal["contiguous", "increasing"]

DEFAULT_OBJECTIVE = 0.999
"""The share of the accountable time in which a game is to be fresh, where the configuration names none."""


class CheckSettings(Struct, frozen=True, kw_only=True):
    """When an update counts as late, silent, frozen or overdue.

    All values ending in `_seconds` are seconds, from 0 or 0.001 to 86400 (one day). The defaults are what
    the provider's specification promises ("returned every 500 milliseconds"), as this project reads it.
    """

    interval_seconds: Positive = 0.5
    tolerance_seconds: NotNegative = 0.25
    silence_reconnect_seconds: Positive = 10.0
    timer_frozen_seconds: Positive = 3.0
    timer_grace_seconds: NotNegative = 3.0
    timer_unit: TimerUnit = "auto"
    round_overdue_seconds: NotNegative = 30.0
    maintenance_hold_seconds: NotNegative = 900.0
    sequence: SequenceMode = "contiguous"
    latency_warning_seconds: Positive = 1.0

    @property
    def late_after_seconds(self) -> float:
        """An update is on time up to this many seconds after the one before it."""
        return self.interval_seconds + self.tolerance_seconds
