"""The eight game types of the simulated studio, each with a character of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

_SIX_HANDS = (1, 2, 3, 4, 5, 6)
_NO_HAND = 0


@dataclass(frozen=True, slots=True)
class BettingWindow:
    """One betting window and what is dealt in the action after it.

    `seconds` is the usual length of the window. `deals` names the hand of each result in the order of
    their appearance; 0 is the table itself. `pace_seconds` lies between two results.
    """

    seconds: float
    deals: tuple[int, ...]
    pace_seconds: float = 0.8


@dataclass(frozen=True, slots=True)
class GameType:
    """The character of a game type: its windows, what is dealt, and whether somebody deals it.

    `elements` are the values a result can have; each is dealt at most once a round. `review_chance`
    and `cancel_chance` are probabilities from 0 to 1.
    """

    number: int
    name: str
    edition: str
    windows: tuple[BettingWindow, ...]
    elements: tuple[str, ...]
    kind: Literal["cards", "balls"]
    first_event: int
    odds: int
    awaiting_seconds: float
    dealer: tuple[str, str, int] | None = None
    review_chance: float = 0.05
    cancel_chance: float = 0.03

    @property
    def hands(self) -> tuple[int, ...]:
        """The hands that are dealt to, in ascending order; empty where all goes to the table."""
        return tuple(sorted({hand for window in self.windows for hand in window.deals} - {_NO_HAND}))


def _cards(ranks: str) -> tuple[str, ...]:
    return tuple(rank + suit for rank in ranks for suit in "cdhs")


def _balls(first: int, last: int) -> tuple[str, ...]:
    return tuple(str(ball) for ball in range(first, last + 1))


_DECK = _cards("23456789tjqka")

_STUDIO = (
    GameType(
        number=1,
        name="Keno",
        edition="KN",
        windows=(BettingWindow(20, (_NO_HAND,) * 20, 0.5),),
        elements=_balls(1, 80),
        kind="balls",
        first_event=20,
        odds=10,
        awaiting_seconds=4.0,
    ),
    GameType(
        number=2,
        name="Wheel",
        edition="WH",
        windows=(BettingWindow(18, (_NO_HAND,), 4.0),),
        elements=_balls(0, 36),
        kind="balls",
        first_event=50,
        odds=6,
        awaiting_seconds=3.0,
        dealer=("Marta", "Poland", 27),
    ),
    GameType(
        number=3,
        name="Poker",
        edition="PB",
        windows=(
            BettingWindow(14, _SIX_HANDS * 2, 0.4),
            BettingWindow(9, (_NO_HAND,) * 3),
            BettingWindow(9, (_NO_HAND,)),
            BettingWindow(9, (_NO_HAND,)),
        ),
        elements=_DECK,
        kind="cards",
        first_event=196,
        odds=16,
        awaiting_seconds=3.0,
        dealer=("Petre", "Poland", 31),
    ),
    GameType(
        number=4,
        name="War",
        edition="WR",
        windows=(BettingWindow(17, (1, 2), 1.5),),
        elements=_DECK,
        kind="cards",
        first_event=230,
        odds=5,
        awaiting_seconds=3.0,
        dealer=("Ilze", "Latvia", 24),
        review_chance=0.15,
    ),
    GameType(
        number=5,
        name="Twenty-One",
        edition="TO",
        windows=(BettingWindow(15, (1, 2, 1)), BettingWindow(9, (2, 1, 2))),
        elements=_DECK,
        kind="cards",
        first_event=260,
        odds=8,
        awaiting_seconds=4.0,
        dealer=("Andrei", "Moldova", 35),
    ),
    GameType(
        number=6,
        name="Lucky Six",
        edition="LS",
        windows=(BettingWindow(20, (_NO_HAND,) * 35, 0.4),),
        elements=_balls(1, 48),
        kind="balls",
        first_event=300,
        odds=12,
        awaiting_seconds=3.0,
        cancel_chance=0.08,
    ),
    GameType(
        number=7,
        name="Sevens",
        edition="SV",
        windows=(BettingWindow(18, (_NO_HAND,) * 7),),
        elements=_balls(1, 42),
        kind="balls",
        first_event=340,
        odds=9,
        awaiting_seconds=5.0,
        dealer=("Olena", "Ukraine", 29),
    ),
    GameType(
        number=8,
        name="Teen Patti",
        edition="TP",
        windows=(BettingWindow(16, (1, 2, 3) * 2, 0.6), BettingWindow(9, (1, 2, 3))),
        elements=_DECK,
        kind="cards",
        first_event=380,
        odds=7,
        awaiting_seconds=4.0,
        dealer=("Priya", "India", 26),
        review_chance=0.1,
    ),
)

GAME_TYPES: Mapping[int, GameType] = MappingProxyType({game.number: game for game in _STUDIO})
"""Game type → its character."""

GAMES: Mapping[int, str] = MappingProxyType({game.number: game.name for game in _STUDIO})
"""Game type → its name, for the eight types of the studio; 3 is Poker as in the specification."""
