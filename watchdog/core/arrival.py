"""When something arrived."""

from msgspec import Struct


class Arrival(Struct, frozen=True, gc=False):
    """When bytes arrived: `at` in monotonic seconds, `wall` in UNIX seconds.

    `exact` is false when they came with others, after a stall of our own or behind one another in one read:
    then they arrived by `at`, and nobody knows when. No interval, no latency and no lateness is derived.
    """

    at: float
    wall: float
    exact: bool = True
