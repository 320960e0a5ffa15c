"""Faults of the timestamps, the rounds and the maintenance flag."""

# ruff: noqa: D102 (the hooks are documented by Fault)

from dataclasses import dataclass, field

from watchdog.simulator.faults.base import Fault, entry_of, in_action, within
from watchdog.simulator.rounds import State
from watchdog.simulator.scene import Document, Scene
from watchdog.simulator.table import Table
from watchdog.simulator.update import dotnet_datetime


@dataclass(slots=True)
class FrozenTimestamp(Fault):
    """A `tst` that stays the same."""

    name = "frozen_timestamp"
    duration_seconds = 5.0
    _stamp: object = field(default=None, init=False)

    def bend(self, scene: Scene, document: Document) -> None:
        del scene
        self._stamp = document["tst"] = self._stamp or document["tst"]


@dataclass(slots=True)
class RegressedTimestamp(Fault):
    """A `tst` that is earlier than that of the update before."""

    name = "regressed_timestamp"
    by_seconds: float = within(2.0, 1.0, 3600.0)

    def bend(self, scene: Scene, document: Document) -> None:
        document["tst"] = dotnet_datetime(scene.now - self.by_seconds)


@dataclass(slots=True)
class ChangedResult(Fault):
    """A published result that gets another value and keeps it."""

    name = "changed_result"

    def ready(self, scene: Scene) -> bool:
        return scene.table.phase.state is State.ACTIVE and scene.table.results_seen > 0

    def begin(self, scene: Scene) -> None:
        scene.table.alter_result()


@dataclass(slots=True)
class OverdueRound(Fault):
    """A game that is played although it should have finished more than `past_seconds` ago."""

    name = "overdue_round"
    duration_seconds = 5.0
    holds_table = True
    past_seconds: float = within(31.0, 0.0, 86_400.0)
    _since: float = field(default=0.0, init=False)

    def ready(self, scene: Scene) -> bool:
        return in_action(scene.table)

    def begin(self, scene: Scene) -> None:
        self._since = scene.now

    def bend(self, scene: Scene, document: Document) -> None:
        finish = self._since - self.past_seconds
        start = finish - scene.table.round.length
        entry_of(document).update(sdt=dotnet_datetime(start, digits=3), fdt=dotnet_datetime(finish, digits=3))


@dataclass(slots=True)
class RegressedRound(Fault):
    """A game that was over and is active again; the next one follows it."""

    name = "regressed_round"
    duration_seconds = 1.5
    holds_table = True

    def ready(self, scene: Scene) -> bool:
        over = scene.table.phase.state in (State.FINISHED, State.CANCELLED)
        return over and scene.table.seen

    def bend(self, scene: Scene, document: Document) -> None:
        del scene
        entry_of(document)["s"] = int(State.ACTIVE)

    def end(self, table: Table) -> None:
        table.next_round()


@dataclass(slots=True)
class SkippedRound(Fault):
    """A game that says it follows another one than the feed has shown."""

    name = "skipped_round"
    skipped: int = within(1, 1, 1_000_000)

    def ready(self, scene: Scene) -> bool:
        over = scene.table.phase.state in (State.FINISHED, State.CANCELLED)
        return over and scene.table.seen

    def begin(self, scene: Scene) -> None:
        scene.table.next_round(skipped=self.skipped)


@dataclass(slots=True)
class Maintenance(Fault):
    """A game that says it is in maintenance."""

    name = "maintenance"
    duration_seconds = 8.0

    def bend(self, scene: Scene, document: Document) -> None:
        del scene
        document["im"] = True
