"""When something arrived."""

from msgspec import Struct


class Arrival(Struct, frozen=True, gc=False):
    """When bytes arrived: `at` in monotonic seconds, `wall` in UNIX seconds.

    `exact` is false when they were read after a stall of our own, in which they may have piled up. Then no
    interval and no latency is derived.
    """

    at: float
    wall: float
    exact: bool = True
