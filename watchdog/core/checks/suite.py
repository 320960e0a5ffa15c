"""All checks of an update's content in one tuple, and how they are asked."""

import math
from typing import NamedTuple, get_type_hints

from watchdog.core.checks.betting_timer import BettingTimer
from watchdog.core.checks.check import Check, Observation
from watchdog.core.checks.rounds import Rounds
from watchdog.core.checks.sequence import Sequence
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.timestamps import Timestamps
from watchdog.core.findings import Anomaly
from watchdog.core.protocol.reasons import INVALID_REASONS
from watchdog.core.protocol.updates import Update


class Checks(NamedTuple):
    """The checks of one game, in the order in which they judge an update. A new check needs a line here.

    Three things that look like checks are none. Cadence judges arrival alone, also while nothing comes, and
    what it finds is a state (`silent`). Latency is measured, but nothing was promised. Maintenance is agreed.
    """

    sequence: Sequence
    timestamps: Timestamps
    timer: BettingTimer
    rounds: Rounds


CHECKS: tuple[type[Check], ...] = tuple(get_type_hints(Checks).values())

ANOMALY_KINDS = {check.name: check.kinds for check in CHECKS}
"""Every kind of anomaly that a check can find, by the check's name."""

MAINTENANCE_KINDS: tuple[str, ...] = tuple(
    dict.fromkeys([*(kind for kinds in ANOMALY_KINDS.values() for kind in kinds), *INVALID_REASONS])
)
"""What is counted by kind alone while a game is in maintenance: of anomalies, and of invalid messages."""


class CheckSuite:
    """Shows every update to every check."""

    __slots__ = (
        *("_conditions", "_first_of_connection", "_gaps_allowed", "_knows_before"),
        *("checks", "due_at", "stale"),
    )

    def __init__(self, settings: CheckSettings) -> None:
        self._gaps_allowed = settings.sequence == "increasing"
        self.checks = Checks._make(check(settings) for check in CHECKS)
        self._conditions = tuple(condition for check in self.checks for condition in check.conditions)
        self._first_of_connection = False
        # Whether the checks were shown the update before on the connection, which `games_unchanged` is about.
        self._knows_before = False
        # When the first of the lasting conditions becomes an anomaly by itself; infinite if none does.
        self.due_at = math.inf
        # Whether anything stands still or contradicts itself by the last update.
        self.stale = False

    def begin_connection(self) -> None:
        """The next update is the first of its connection."""
        self._first_of_connection, self._knows_before = True, False

    def pass_over(self) -> None:
        """An update came that is not shown to the checks."""
        self._knows_before = False

    def received(self, update: Update, sent: float | None, at: float) -> list[Anomaly]:
        """Judge one update; `sent` is its `tst` in UNIX seconds, None where it was never set."""
        first, before, sequence_id = self._first_of_connection, self.checks.sequence.last, update.sequence_id
        seen = Observation(
            update=update,
            game=update.games[0] if update.games else None,
            games_unchanged=update.games_unchanged and self._knows_before,
            sent=sent,
            at=at,
            first_of_connection=first,
            contiguous=before is None
            or sequence_id == before + 1
            or (not first and (sequence_id <= before or self._gaps_allowed)),
        )
        self._first_of_connection, self._knows_before = False, True
        anomalies: list[Anomaly] = []
        for check in self.checks:
            anomalies += check.received(seen)
        self._settle()
        return anomalies

    def restart(self) -> None:
        """Forget since when anything lasts: what comes next is no evidence of the time before."""
        for check in self.checks:
            check.reconnected()
        self._settle()

    def elapse(self, at: float) -> list[Anomaly]:
        """Judge what falls due by `at` without an update."""
        anomalies = [anomaly for check in self.checks for anomaly in check.elapse(at)]
        self._settle()
        return anomalies

    def stale_because(self) -> list[str]:
        """What stands still or contradicts itself; empty while nothing does."""
        return [reason for check in self.checks for reason in check.stale_because]

    def _settle(self) -> None:
        due_at, stale = math.inf, False
        for condition in self._conditions:
            if condition.due_at < due_at:  # noqa: PLR1730 - a call of `min` costs more than the rest of this
                due_at = condition.due_at
            if condition.active:
                stale = True
        self.due_at, self.stale = due_at, stale
