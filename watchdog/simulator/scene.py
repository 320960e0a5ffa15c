"""What a fault sees and may bend: one update of one game, just before it is sent."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from watchdog.simulator.table import Table

Document = dict[str, object]
"""The update document as `update.update_document` makes it."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The end of every connection that gets this game's updates.

    With a `record` it is sent and the WebSocket is closed in order; without one the socket just breaks.
    """

    record: str | None = None


@dataclass(slots=True)
class Scene:
    """One update in the making; `now` is UNIX seconds.

    `sequences` maps each partner to the `sId` that comes next; `extras` make further records out of the
    update's document. They are sent after it: a client that hangs up on one has missed no update.
    """

    table: Table
    now: float
    sequences: MutableMapping[int, int]
    farewell: Farewell | None = None
    delay_seconds: float = 0.0
    extras: list[Callable[[Document], str]] = field(default_factory=list)

    def move_sequences(self, steps: int) -> None:
        """Add `steps` (which may be negative) to the next `sId` of every partner."""
        for partner in self.sequences:
            self.sequences[partner] += steps

    def restart_sequences(self) -> None:
        """Let every partner's `sId` start from 0."""
        for partner in self.sequences:
            self.sequences[partner] = 0
