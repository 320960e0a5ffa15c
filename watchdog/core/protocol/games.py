"""A game of an update, as the provider documents it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field, structs

Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number of 64 bits: wider ones are no identifiers of this feed."""


class GameState:
    """Values of a game's `s`."""

    AWAITING = 1
    ACTIVE = 2
    FINISHED = 3
    REVIEW = 4
    CANCELLED = 5


class PlayStatus:
    """Values of a game's `ps`."""

    BETTING_TIME = 1
    GAME_ACTION = 2


class ResultStatus:
    """Values of a result's `s`."""

    ACCEPTED = 1
    CANCELED = 2


class Result(Struct, frozen=True, gc=False):
    """One published element: a card on the table, a ball drawn (`wgi[].r[]`)."""

    value: str = field(name="v")
    hand_id: Id = field(name="hi")
    round_id: Id = field(name="ri")
    status: Literal[1, 2] = field(name="s")
    sequential_number: Id = field(name="sn")
    horseshoe: bool = field(name="h")


class HandResult(Struct, frozen=True, gc=False):
    """One element laid to a hand (`wgi[].h[].r[]`)."""

    value: str = field(name="Value")
    game_id: Id = field(name="GameId")
    manual_control: bool = field(name="ManualControl")
    created: datetime = field(name="Created")
    hand_id: Id = field(name="HandId")
    result_action: str = field(name="ResultAction")
    round_id: Id = field(name="RoundId")
    status: Id = field(name="Status")
    sequential_number: Id = field(name="SequentialNumber")
    studio_created: datetime = field(name="StudioCreated")
    horseshoe: bool = field(name="Horseshoe")


class Hand(Struct, frozen=True, gc=False):
    """One hand and its score (`wgi[].h[]`)."""

    id: Id = field(name="i")
    status: Id = field(name="s")
    score: float = field(name="p")
    results: tuple[HandResult, ...] | None = field(name="r", default=None)


class GameEvent(Struct, frozen=True, gc=False):
    """One event that bets are taken on, with its coefficient (`wgi[].e[]`)."""

    type: Id = field(name="t")
    coefficient: float = field(name="c")
    blocked: bool = field(name="b")
    short_number: str = field(name="sn")
    parameters: tuple[Any, ...] | None = field(name="p", default=None)


class Dealer(Struct, frozen=True, gc=False):
    """Who deals (`wgi[].di`)."""

    id: Id
    name: str = field(name="n")
    age: Id = field(name="a")
    country: str = field(name="c")


class Game(Struct, frozen=True, gc=False):
    """One game, which the provider also calls a round (`wgi[]`).

    `edition` is a number in the specification's table and a text in its example: both are accepted.
    `hands`, `results`, `events` and `dealer` may be missing or null.
    """

    id: Id = field(name="i")
    type: Id = field(name="t")
    edition: str | int = field(name="ge")
    last_round_id: Id = field(name="lrId")
    state: Literal[1, 2, 3, 4, 5] = field(name="s")
    play_status: Literal[1, 2] = field(name="ps")
    current_round: Id = field(name="cr")
    starts: datetime = field(name="sdt")
    finishes: datetime = field(name="fdt")
    results: tuple[Result, ...] | None = field(name="r", default=None)
    hands: tuple[Hand, ...] | None = field(name="h", default=None)
    events: tuple[GameEvent, ...] | None = field(name="e", default=None)
    dealer: Dealer | None = field(name="di", default=None)


def without_unread_fields(games: tuple[Game, ...]) -> tuple[Game, ...]:
    """The games without what no check reads."""
    return tuple(structs.replace(game, hands=None, events=None, dealer=None) for game in games)
