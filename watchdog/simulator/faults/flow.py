"""Faults of the sequence and the cadence."""

# ruff: noqa: D102 (the hooks are documented by Fault)

from dataclasses import dataclass

from watchdog.simulator.faults.base import Fault, within
from watchdog.simulator.scene import Farewell, Scene


@dataclass(slots=True)
class Gap(Fault):
    """Lost updates: `missed` sequence ids never come."""

    name = "gap"
    missed: int = within(3, 1, 1_000_000)

    def begin(self, scene: Scene) -> None:
        scene.move_sequences(self.missed)


@dataclass(slots=True)
class Duplicate(Fault):
    """An update with the sequence id of the one before it."""

    name = "duplicate"

    def ready(self, scene: Scene) -> bool:
        return min(scene.sequences.values()) >= 1

    def begin(self, scene: Scene) -> None:
        scene.move_sequences(-1)


@dataclass(slots=True)
class Regression(Fault):
    """A sequence id that falls by `fall` and goes on from there."""

    name = "regression"
    fall: int = within(5, 1, 1_000_000)

    def ready(self, scene: Scene) -> bool:
        return min(scene.sequences.values()) > self.fall

    def begin(self, scene: Scene) -> None:
        scene.move_sequences(-self.fall - 1)


@dataclass(slots=True)
class Reset(Fault):
    """A broken connection, after which the next one counts from 0 again."""

    name = "reset"

    def begin(self, scene: Scene) -> None:
        scene.restart_sequences()
        scene.farewell = Farewell()


@dataclass(slots=True)
class Late(Fault):
    """One update `delay_seconds` after its time; the next is on schedule again."""

    name = "late"
    delay_seconds: float = within(0.4, 0.05, 60.0)

    def begin(self, scene: Scene) -> None:
        scene.delay_seconds = self.delay_seconds


@dataclass(slots=True)
class Silence(Fault):
    """Pings but no updates; the sequence goes on unbroken afterwards."""

    name = "silence"
    duration_seconds = 6.0
    mutes = True
