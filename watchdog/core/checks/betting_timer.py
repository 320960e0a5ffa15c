"""Betting timer: `bt` counts down while betting is open, and is over when betting is closed."""

from watchdog.core.checks.check import Check, Observation
from watchdog.core.checks.settings import CheckSettings, TimerUnit
from watchdog.core.checks.sustained import Condition, SustainedCondition
from watchdog.core.findings import Anomaly, Detail
from watchdog.core.protocol.games import GameState, PlayStatus

UNIX_SECONDS_FROM = 1e9
UNIX_MILLISECONDS_FROM = 1e12
REWIND_TOLERANCE_SECONDS = 1.0
"""How far the timer may rise within one betting window: it is rounded, and updates overtake."""

_Window = tuple[int, int]
"""One betting window: the game's `i` and its current round `cr`."""


def seconds_left(betting_timer: float, sent: float | None, unit: TimerUnit) -> float | None:
    """The time left to bet, in seconds, by `bt` and the `tst` of the same update.

    The specification says "how much time is left to place a bet. UNIX", but its example is seconds left.
    Values above 10^9 are read as a UNIX deadline in seconds, above 10^12 in milliseconds, unless the
    configuration fixes the reading. A deadline that has passed leaves 0; only a `bt` below zero is
    negative. Nobody knows how far off a deadline is without a `tst`: None.
    """
    if unit == "auto":
        if betting_timer > UNIX_MILLISECONDS_FROM:
            unit = "unix_ms"
        elif betting_timer > UNIX_SECONDS_FROM:
            unit = "unix"
    if unit in ("auto", "seconds") or betting_timer < 0:
        return betting_timer
    if sent is None:
        return None
    deadline = betting_timer / 1000.0 if unit == "unix_ms" else betting_timer
    return max(deadline - sent, 0.0)


class BettingTimer(Check):
    """Judges the time left while the game is active; without an active game it judges nothing.

    Source: `bt` and `ps` in the specification.
    """

    name = "betting_timer"
    kinds = ("frozen", "expired", "lingering", "rewound", "jumped", "negative")

    __slots__ = (
        *("_expired", "_frozen", "_lingering"),
        *("_grace_seconds", "_low", "_low_at", "_negative", "_shown", "_unit", "_window"),
        "seconds_left",
    )

    def __init__(self, settings: CheckSettings) -> None:
        grace_seconds, alive_seconds = settings.timer_grace_seconds, settings.late_after_seconds
        self._frozen = SustainedCondition("frozen", settings.timer_frozen_seconds, alive_seconds)
        self._expired = SustainedCondition("expired", grace_seconds, alive_seconds)
        self._lingering = SustainedCondition("lingering", grace_seconds, alive_seconds)
        super().__init__(settings, self._frozen, self._expired, self._lingering)
        # Which of these the last update showed: one excludes the others.
        self._shown: SustainedCondition | None = None
        self._unit = settings.timer_unit
        self._grace_seconds = grace_seconds
        # The window of the last update, None if betting was closed.
        self._window: _Window | None = None
        # The lowest value of the window and when it was reached: a timer moves when it gets below it.
        self._low = 0.0
        self._low_at = 0.0
        self._negative = False
        # By the last update; None where nothing is known.
        self.seconds_left: float | None = None

    def received(self, seen: Observation) -> list[Anomaly]:
        """Judge the next value."""
        before, game = self.seconds_left, seen.game
        left = self.seconds_left = seconds_left(seen.update.betting_timer, seen.sent, self._unit)
        if left is None or game is None or game.state != GameState.ACTIVE:
            self._window = None
            self._negative = False
            self._show(None)
            return []
        found: list[Anomaly] = []
        if left < 0 and not self._negative:
            found.append(Anomaly("betting_timer", "negative", {"seconds_left": left}))
        self._negative = left < 0
        betting_open = game.play_status == PlayStatus.BETTING_TIME
        window = (game.id, game.current_round)
        moved = True
        if betting_open and window == self._window and before is not None:
            found += self._leap(before, left, seen.at)
            moved = left < self._low or left > before + REWIND_TOLERANCE_SECONDS
        if moved:
            self._low, self._low_at = left, seen.at
        self._window = window if betting_open else None
        shown = self._condition_if_it_stays(left, betting_open=betting_open)
        self._show(shown)
        if shown is self._frozen and moved:
            shown.begin(seen.at)
        elif shown is not None and shown.show(seen.at):
            found += self._began(shown)
        return found

    def _show(self, condition: SustainedCondition | None) -> None:
        if self._shown is not None and self._shown is not condition:
            self._shown.clear()
        self._shown = condition

    def _condition_if_it_stays(self, left: float, *, betting_open: bool) -> SustainedCondition | None:
        if left > 0:
            return self._frozen if betting_open else self._lingering
        return self._expired if betting_open and left == 0 else None

    def _leap(self, before: float, left: float, at: float) -> list[Anomaly]:
        if left - before > REWIND_TOLERANCE_SECONDS:
            kind = "rewound"
        # Against the last value that moved, so that a frozen timer which catches up is no second anomaly.
        elif self._low - left > at - self._low_at + self._grace_seconds:
            kind = "jumped"
        else:
            return []
        return [Anomaly("betting_timer", kind, {"from_seconds": before, "to_seconds": left})]

    def _began(self, condition: Condition) -> list[Anomaly]:
        limit = condition.threshold_seconds
        detail: Detail = {"seconds_left": self.seconds_left, "longer_than_seconds": limit}
        return [Anomaly("betting_timer", condition.kind, detail)]
