"""Betting timer: `bt` counts down while betting is open, and is over when betting is closed."""

import math

from watchdog.core.checks.settings import CheckSettings, TimerUnit
from watchdog.core.checks.sustained import SustainedCondition
from watchdog.core.findings import Anomaly

UNIX_SECONDS_FROM = 1e9
UNIX_MILLISECONDS_FROM = 1e12
REWIND_TOLERANCE_SECONDS = 1.0
"""How far the timer may rise within one betting window: it is rounded, and updates overtake."""

Window = tuple[int, int]
"""One betting window: the game's `i` and its current round `cr`."""


def seconds_left(betting_timer: float, sent: float, unit: TimerUnit) -> float:
    """The time left to bet, in seconds, as `bt` says it at `tst`.

    The specification says "how much time is left to place a bet. UNIX", its example is seconds left.
    Values above 10^9 are read as a UNIX deadline in seconds, above 10^12 in milliseconds, unless the
    configuration fixes the reading. A deadline that has passed leaves 0; only a `bt` below zero is
    negative.
    """
    if unit == "auto":
        if betting_timer > UNIX_MILLISECONDS_FROM:
            unit = "unix_ms"
        elif betting_timer > UNIX_SECONDS_FROM:
            unit = "unix"
    if unit in ("auto", "seconds") or betting_timer < 0:
        return betting_timer
    deadline = betting_timer / 1000.0 if unit == "unix_ms" else betting_timer
    return max(deadline - sent, 0.0)


class BettingTimer:
    """Judges the time left while the game is active; without an active game it judges nothing."""

    __slots__ = (
        "_grace_seconds",
        "_low",
        "_low_at",
        "_negative",
        "_previous",
        "_shown",
        "_standing",
        "_window",
    )

    def __init__(self, settings: CheckSettings) -> None:
        self._grace_seconds = settings.timer_grace_seconds
        alive_seconds = settings.late_after_seconds
        self._standing = {
            "frozen": SustainedCondition(settings.timer_frozen_seconds, alive_seconds),
            "expired": SustainedCondition(settings.timer_grace_seconds, alive_seconds),
            "lingering": SustainedCondition(settings.timer_grace_seconds, alive_seconds),
        }
        # Which of these the last update showed: one excludes the others.
        self._shown: str | None = None
        self._window: Window | None = None
        self._previous = 0.0
        # The lowest value of the window and when it was reached: a timer moves when it gets below it.
        self._low = 0.0
        self._low_at = 0.0
        self._negative = False

    @property
    def stale(self) -> str | None:
        """As what the timer is stale now: frozen, expired or lingering; None while it is not."""
        return self._shown if self._shown is not None and self._standing[self._shown].active else None

    def received(self, left: float, at: float, *, window: Window, betting_open: bool) -> list[Anomaly]:
        """Judge the next value of an active game."""
        anomalies: list[Anomaly] = []
        if left < 0 and not self._negative:
            anomalies.append(Anomaly("betting_timer", "negative", {"seconds_left": left}))
        self._negative = left < 0
        moved = True
        if betting_open and window == self._window:
            anomalies += self._leap(left, at)
            moved = left < self._low or left > self._previous + REWIND_TOLERANCE_SECONDS
        self._show(_lasting_kind(left, betting_open=betting_open))
        if moved:
            self._low, self._low_at = left, at
            self._standing["frozen"].clear()
        self._previous = left
        self._window = window if betting_open else None
        if self._shown is not None and self._standing[self._shown].show(at):
            anomalies.append(self._lasting(self._shown))
        return anomalies

    def inactive(self) -> None:
        """No game is active: the timer means nothing."""
        self._window = None
        self._negative = False
        self._show(None)

    def reconnected(self) -> None:
        """A new connection: the time without one is no evidence."""
        if self._shown is not None:
            self._standing[self._shown].reconnected()

    @property
    def due_at(self) -> float:
        """When the timer turns stale by itself (see `SustainedCondition.due_at`)."""
        return math.inf if self._shown is None else self._standing[self._shown].due_at

    def elapse(self, at: float) -> list[Anomaly]:
        """Time has come to `at`."""
        if self._shown is not None and self._standing[self._shown].elapse(at):
            return [self._lasting(self._shown)]
        return []

    def _show(self, kind: str | None) -> None:
        if self._shown not in (kind, None):
            self._standing[self._shown].clear()
        self._shown = kind

    def _leap(self, left: float, at: float) -> list[Anomaly]:
        risen = left - self._previous
        if risen > REWIND_TOLERANCE_SECONDS:
            return [Anomaly("betting_timer", "rewound", {"from_seconds": self._previous, "to_seconds": left})]
        # Against the last value that moved, so that a frozen timer which catches up is no second anomaly.
        if self._low - left > at - self._low_at + self._grace_seconds:
            return [Anomaly("betting_timer", "jumped", {"from_seconds": self._previous, "to_seconds": left})]
        return []

    def _lasting(self, kind: str) -> Anomaly:
        limit = self._standing[kind].threshold_seconds
        return Anomaly("betting_timer", kind, {"seconds_left": self._previous, "longer_than_seconds": limit})


def _lasting_kind(left: float, *, betting_open: bool) -> str | None:
    """What the timer would be if it stayed like this."""
    if left > 0:
        return "frozen" if betting_open else "lingering"
    return "expired" if betting_open and left == 0 else None
