"""The ledger: every instant of a watch in exactly one state, every second booked once."""

from collections.abc import Mapping
from typing import Literal, get_args

State = Literal["unobserved", "maintenance", "unauthorized", "disconnected", "silent", "frozen", "fresh"]

STATES: tuple[State, ...] = get_args(State)
"""All states, in the order in which they take precedence."""

BLAME: Mapping[State, str] = {
    "unobserved": "ours",
    "maintenance": "agreed",
    "unauthorized": "partner",
    "disconnected": "path or provider",
    "silent": "provider",
    "frozen": "provider",
    "fresh": "nobody",
}
"""Whose a state is."""


class Ledger:
    """Books the seconds of one watch to states.

    Only whole stays are added up, so advancing in one step or in a thousand gives the very same sums.
    What has once been read stays booked: a counter made from the ledger never falls. Times are seconds
    of one monotonic clock; an earlier time than the ledger already knows is taken as that one.
    """

    __slots__ = ("_booked", "_floor", "since", "started_at", "state")

    def __init__(self, at: float, state: State = "unobserved") -> None:
        self.started_at = at
        self.state: State = state
        self.since = at
        self._floor = at
        self._booked: dict[State, float] = dict.fromkeys(STATES, 0.0)

    def enter(self, state: State, at: float) -> float | None:
        """Be in `state` from `at` on; answer the seconds the state before lasted, None if it is the same."""
        at = self._floor = max(at, self._floor)
        if state == self.state:
            return None
        lasted = at - self.since
        self._booked[self.state] += lasted
        self.state = state
        self.since = at
        return lasted

    def seconds(self, at: float) -> dict[State, float]:
        """The seconds booked to each state up to `at`; their sum is the time watched until then."""
        at = self._floor = max(at, self._floor)
        seconds = dict(self._booked)
        seconds[self.state] += at - self.since
        return seconds
