"""One row of the fault matrix: how a fault is caused, and what the watchdog must make of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from msgspec import Struct

from tests.acceptance.matrix.hub import Talk
from watchdog.core.ledger import BLAME, State

Play = Callable[[Talk], Awaitable[None]]
Port = Literal["open", "closed", "not accepting", "full", "no name"]

INITIAL_SECONDS, MAX_SECONDS = 0.25, 2.0
"""The bounds of the backoff, as the matrix configures them."""

RETRANSMISSION_SECONDS = 1.0
"""When the kernel sends a SYN again that a full backlog dropped."""

BUSY_SECONDS = 5.0
"""What a busy machine may add to a recovery."""


Place = Literal[
    "name and TCP",
    "TLS",
    "upgrade",
    "negotiate",
    "handshake",
    "open connection",
    "close",
    "frames",
    "records",
    "updates",
]

BEFORE_SUBSCRIBING: tuple[Place, ...] = ("name and TCP", "TLS", "upgrade", "negotiate", "handshake")


class Row(Struct, frozen=True, kw_only=True):
    """A fault and its expectation. What `counters` does not name must stay at 0.

    The play strikes each of so many `connections`, from the first one on; afterwards the hub is healthy.
    A port that is not open is opened as soon as the watchdog has counted one failure.
    """

    name: str
    strikes: Place
    play: Play | None = None
    port: Port = "open"
    scheme: Literal["ws", "wss"] = "ws"
    negotiate: bool = False
    connections: int = 1
    checks: Mapping[str, float] = {}
    counters: Mapping[str, int] = {}
    state: State = "fresh"
    passing: tuple[State, ...] = ()
    """States that the game goes through beside the one that tells whose fault it is."""
    events: tuple[str, ...] = ()
    """Events in the log, where they don't follow from the counters."""
    obliging: bool = False
    """The hub asks not to be called again: the longest backoff."""
    beside: bool = False
    """A second connection is opened beside the one in trouble, so nothing is waited for."""

    @property
    def log(self) -> tuple[str, ...]:
        """The events in the log beside changes of the state."""
        return self.events or tuple(dict.fromkeys(map(self._event, self.counters)))

    @property
    def states(self) -> set[State]:
        """All states of the row but `fresh`."""
        return {self.state, *self.passing} - {"fresh"}

    @property
    def whose(self) -> str:
        """Whom the row blames: the state's party; where the feed stays fresh, the content's, if anybody."""
        if self.state == "fresh":
            return "provider" if self.counters else "nobody"
        return BLAME[self.state]

    @property
    def countable(self) -> bool:
        """Whether the hub decides how often it strikes; a port that is not open doesn't know of attempts."""
        return self.port == "open"

    @property
    def recovers(self) -> bool:
        """Whether there is anything to recover from, and a way to."""
        return self.state != "fresh" and self.port != "no name"

    @property
    def failures(self) -> int:
        """How many attempts and connections fail."""
        return sum(count for counter, count in self.counters.items() if counter.startswith("disconnects:"))

    @property
    def pause_seconds(self) -> tuple[float, float]:
        """The shortest and the longest backoff after the last failure."""
        if not self.failures or self.beside:
            return 0.0, 0.0
        if self.obliging:
            return MAX_SECONDS, MAX_SECONDS
        longest = min(MAX_SECONDS, INITIAL_SECONDS * 2.0**self.failures)
        if self.port == "full":
            longest += RETRANSMISSION_SECONDS
        # Of attempts it does not see the hub can't know the last one either.
        return INITIAL_SECONDS if self.countable else 0.0, longest

    def _event(self, counter: str) -> str:
        family, _, kind = counter.partition(":")
        match family:
            case "disconnects":
                return "connection.failed" if self.strikes in BEFORE_SUBSCRIBING else "connection.lost"
            case "invalid_messages":
                return "message.invalid"
            case "sequence_missed":
                return "sequence.gap"
            case "tolerated_updates":
                return "update.tolerated"
        return f"{family.removesuffix('_anomalies')}.{kind}"
