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
"""Who is responsible for a state, in words."""

Party = Literal["provider", "path_or_provider", "partner", "ours"]

PARTIES: tuple[Party, ...] = get_args(Party)

PARTY: Mapping[State, Party] = {
    "unobserved": "ours",
    "maintenance": "provider",
    "unauthorized": "partner",
    "disconnected": "path_or_provider",
    "silent": "provider",
    "frozen": "provider",
}
"""Whose a state is where it counts as trouble; maintenance does only where it was not agreed."""


class Ledger:
    """Books the seconds of one watch to states.

    Only whole stays are added up, so advancing in one step or in a thousand gives the very same sums. What
    is booked stays booked: a counter made from the ledger never falls. Times are seconds of one monotonic
    clock; a time before the last one booked counts as that one.
    """

    __slots__ = ("_stays", "booked_until", "since", "state")

    def __init__(self, at: float, state: State = "unobserved") -> None:
        self.state: State = state
        self.since = at
        self.booked_until = at
        # The seconds of the stays that are over.
        self._stays: dict[State, float] = dict.fromkeys(STATES, 0.0)

    def book(self, at: float) -> None:
        """Book the time up to `at` to the present state."""
        self.booked_until = max(at, self.booked_until)

    def enter(self, state: State, at: float) -> float | None:
        """Be in `state` from `at` on; return the seconds the state before lasted, None if it is the same."""
        at = self.booked_until = max(at, self.booked_until)
        if state == self.state:
            return None
        lasted = at - self.since
        self._stays[self.state] += lasted
        self.state = state
        self.since = at
        return lasted

    def seconds(self) -> dict[State, float]:
        """The seconds booked to each state; their sum is the time watched."""
        seconds = dict(self._stays)
        seconds[self.state] += self.booked_until - self.since
        return seconds
