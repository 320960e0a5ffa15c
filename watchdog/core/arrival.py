"""What goes into a monitor and what comes out of it."""

from typing import Literal

from msgspec import Struct

Level = Literal["info", "warning"]


class Finding(Struct, frozen=True):
    """Something worth a log line: a transition or an anomaly, with its dotted event name."""

    event: str
    level: Level
    detail: dict[str, object]


class Arrival(Struct, frozen=True, gc=False):
    """When an update arrived: monotonic seconds, UNIX seconds, and its size.

    `exact` is false when a stall of our own hid the time; then no interval and no latency is derived.
    """

    at: float
    wall: float
    size_bytes: int = 0
    exact: bool = True
