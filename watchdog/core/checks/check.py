"""What a check is: one promise, one class, one protocol."""

from typing import ClassVar

from msgspec import Struct

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.sustained import Condition
from watchdog.core.findings import Anomaly
from watchdog.core.protocol.games import Game
from watchdog.core.protocol.updates import Update


class Observation(Struct, frozen=True, gc=False):
    """One update as it is shown to every check.

    `game` is the game that it is about, or None; `games_unchanged` says that the update shown before held the
    very same games. `sent` is its `tst` in UNIX seconds, None where that was never set. `at` is its arrival
    in monotonic seconds. `contiguous` says that no update, and so no round, can have been lost since the one
    before.
    """

    update: Update
    game: Game | None
    games_unchanged: bool
    sent: float | None
    at: float
    first_of_connection: bool
    contiguous: bool


class Check:
    """Judges one promise of the provider, update by update.

    `name` and `kinds` are those of the anomalies that it finds: in log events, in the status and as labels of
    the metrics. Its `conditions` make the game frozen while they are active, and fall due between updates. A
    check never raises, and knows no other check.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]

    __slots__ = ("conditions",)

    def __init__(self, settings: CheckSettings, *conditions: Condition) -> None:
        del settings  # each check takes its own
        self.conditions = conditions

    @property
    def stale_because(self) -> list[str]:
        """The reasons for which this check holds the game to be frozen."""
        # Two conditions may be of one kind.
        kinds = dict.fromkeys(condition.kind for condition in self.conditions if condition.active)
        return [f"{self.name}.{kind}" for kind in kinds]

    def received(self, seen: Observation) -> list[Anomaly]:
        """Judge the next update."""
        raise NotImplementedError

    def elapse(self, at: float) -> list[Anomaly]:
        """Judge what falls due by `at` without an update."""
        return [
            anomaly
            for condition in self.conditions
            if condition.elapse(at)
            for anomaly in self._began(condition)
        ]

    def reconnected(self) -> None:
        """Forget since when anything lasts: the time until the next update is no evidence."""
        for condition in self.conditions:
            condition.reconnected()

    def _began(self, condition: Condition) -> list[Anomaly]:
        """What a condition that has begun is counted as; nothing unless a check says otherwise."""
        del condition
        return []
