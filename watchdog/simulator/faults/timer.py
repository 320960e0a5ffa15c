"""Faults of the betting timer."""

# ruff: noqa: D102 (the hooks are documented by Fault)

from dataclasses import dataclass

from watchdog.simulator.faults.base import Fault, entry_of, in_action, within
from watchdog.simulator.scene import Document, Scene
from watchdog.simulator.table import Table


@dataclass(slots=True)
class FrozenTimer(Fault):
    """Open betting with a timer that stands still above 0."""

    name = "frozen_timer"
    duration_seconds = 6.0
    holds_table = True

    def ready(self, scene: Scene) -> bool:
        return scene.table.betting_timer >= 1


@dataclass(slots=True)
class ExpiredTimer(Fault):
    """Open betting with its timer at 0."""

    name = "expired_timer"
    duration_seconds = 6.0
    holds_table = True

    def ready(self, scene: Scene) -> bool:
        return scene.table.phase.betting and scene.table.betting_timer == 0


@dataclass(slots=True)
class LingeringTimer(Fault):
    """Closed betting with its timer above 0."""

    name = "lingering_timer"
    duration_seconds = 6.0
    holds_table = True

    def ready(self, scene: Scene) -> bool:
        # Low enough that its fall to 0 at the end is no jump.
        return 1 <= scene.table.betting_timer <= 2  # noqa: PLR2004

    def bend(self, scene: Scene, document: Document) -> None:
        del scene
        entry_of(document)["ps"] = 2

    def end(self, table: Table) -> None:
        table.shift(table.remaining)


@dataclass(slots=True)
class RewoundTimer(Fault):
    """A timer that rises by about `by_seconds` within a betting window."""

    name = "rewound_timer"
    by_seconds: float = within(3.0, 2.5, 6.0)

    def ready(self, scene: Scene) -> bool:
        table = scene.table
        into_window = table.elapsed - table.phase.starts
        return table.phase.betting and table.seen and table.remaining > 1 and into_window > self.by_seconds

    def begin(self, scene: Scene) -> None:
        scene.table.shift(-self.by_seconds)


@dataclass(slots=True)
class JumpedTimer(Fault):
    """A timer that falls by `by_seconds` at once within a betting window."""

    name = "jumped_timer"
    by_seconds: float = within(5.0, 4.5, 6.0)

    def ready(self, scene: Scene) -> bool:
        return scene.table.phase.betting and scene.table.seen and scene.table.remaining > self.by_seconds + 1

    def begin(self, scene: Scene) -> None:
        scene.table.shift(self.by_seconds)


@dataclass(slots=True)
class NegativeTimer(Fault):
    """A timer below 0, while betting is closed."""

    name = "negative_timer"
    duration_seconds = 1.5
    holds_table = True

    def ready(self, scene: Scene) -> bool:
        return in_action(scene.table)

    def bend(self, scene: Scene, document: Document) -> None:
        del scene
        document["bt"] = -1
