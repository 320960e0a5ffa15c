"""The states of a game, the same everywhere: their order, their colours and who is responsible for each."""

from typing import NamedTuple

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMapping, ValueMappingResult


class State(NamedTuple):
    """A state of the interface; `code` orders the states, the worst highest."""

    name: str
    code: int
    colour: str
    whose: str


# Okabe and Ito's palette: eight colours that work for every kind of colour vision.
GREEN, SKY, BLUE, GREY = "#009E73", "#56B4E9", "#0072B2", "#8E8E8E"
YELLOW, PURPLE, ORANGE, RED = "#F0E442", "#CC79A7", "#E69F00", "#D55E00"

STATES = (
    State("fresh", 0, GREEN, "nobody's"),
    State("maintenance", 1, SKY, "agreed"),
    State("unobserved", 2, GREY, "ours"),
    State("unauthorized", 3, YELLOW, "the partner's"),
    State("disconnected", 4, PURPLE, "the path's or the provider's"),
    State("frozen", 5, ORANGE, "the provider's"),
    State("silent", 6, RED, "the provider's"),
)

COLOURS = {state.name: state.colour for state in STATES}
"""The colour of each state by its name."""

MAPPINGS: list[ValueMapping] = [
    ValueMap(
        options={
            str(state.code): ValueMappingResult(text=state.name, color=state.colour, index=index)
            for index, state in enumerate(reversed(STATES))
        }
    )
]
"""Shows the code of a state as its name in its colour."""


def code(selector: str) -> str:
    """PromQL for the code of each game's state; the worst of several watchdogs counts."""
    coded = " or ".join(
        f'{state.code} * betcore_feed_state{{{selector}, state="{state.name}"}}' for state in STATES
    )
    return f"max by (feed, game_type, game) ({coded})"
