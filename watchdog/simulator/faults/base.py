"""What all faults have in common."""

from dataclasses import field
from typing import Any, ClassVar

from watchdog.simulator.rounds import State
from watchdog.simulator.scene import Document, Scene
from watchdog.simulator.table import Table


def within(default: float, low: float, high: float) -> Any:
    """A parameter of a fault: its default, which also fixes its type, and the range allowed."""
    return field(default=default, metadata={"range": (low, high)})


class Fault:
    """Something that goes wrong; a fresh instance is made for each time that it does.

    The fields are the parameters a request may set. Without `duration_seconds` it happens in a single
    update.
    """

    name: ClassVar[str]
    duration_seconds: ClassVar[float | None] = None
    holds_table: ClassVar[bool] = False
    mutes: ClassVar[bool] = False
    rejects_tokens: ClassVar[bool] = False
    feed_wide: ClassVar[bool] = False

    def ready(self, scene: Scene) -> bool:
        """Whether the moment has come that the fault needs."""
        del scene
        return True

    def begin(self, scene: Scene) -> None:
        """Begin, once, before the update is made."""

    def bend(self, scene: Scene, document: Document) -> None:
        """Change an update while the fault lasts."""

    def end(self, table: Table) -> None:
        """End, once, before the table moves on."""


def entry_of(document: Document) -> Document:
    """The one game of an update."""
    entries: Any = document["wgi"]
    entry: Document = entries[0]
    return entry


def in_action(table: Table) -> bool:
    """Whether the game is played with betting closed, and has been shown so."""
    return table.phase.state is State.ACTIVE and not table.phase.betting and table.seen
