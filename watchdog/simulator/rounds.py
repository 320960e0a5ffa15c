"""How one round of a game goes: drawn once from a seeded source, then only looked at."""

from dataclasses import dataclass
from enum import IntEnum
from random import Random

from watchdog.simulator.games import BettingWindow, GameType

MIN_BETTING_SECONDS = 8.0
"""No betting window is shorter, however small the scale: there must be a timer to watch."""

_REACTION_SECONDS = 1.0
_REVIEW_SECONDS = 3.0
_CLOSING_SECONDS = 3.0
_MIN_AWAITING_SECONDS = 1.5


class State(IntEnum):
    """The game state `s` of the specification."""

    AWAITING = 1
    ACTIVE = 2
    FINISHED = 3
    REVIEW = 4
    CANCELLED = 5


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a round; `starts` and `ends` are seconds since the start of the round."""

    starts: float
    ends: float
    state: State
    window: int
    betting: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A card or ball that appears `at` seconds after the start of the round."""

    value: str
    hand: int
    window: int
    number: int
    horseshoe: bool
    at: float


@dataclass(frozen=True, slots=True)
class Round:
    """One planned round: its id, the id of the round before, its phases and results in order."""

    number: int
    last: int
    phases: tuple[Phase, ...]
    results: tuple[Result, ...]

    @property
    def length(self) -> float:
        """Seconds from the start of the round to the start of the next."""
        return self.phases[-1].ends

    def phase_at(self, elapsed: float) -> Phase:
        """The phase `elapsed` seconds after the start; the last one for any later time."""
        return next((phase for phase in self.phases if elapsed < phase.ends), self.phases[-1])


class _Plan:
    """Phases and results in the making, one after the other."""

    def __init__(self, game: GameType, rng: Random, scale: float) -> None:
        self.phases: list[Phase] = []
        self.results: list[Result] = []
        self._game = game
        self._rng = rng
        self._scale = scale
        self._elements = rng.sample(game.elements, len(game.elements))

    def stretch(self, seconds: float, state: State, window: int, *, betting: bool = False) -> None:
        starts = self.phases[-1].ends if self.phases else 0.0
        self.phases.append(Phase(starts, starts + seconds, state, window, betting))

    def play(self, number: int, window: BettingWindow) -> None:
        betting = window.seconds * self._scale * self._rng.uniform(0.9, 1.1)
        self.stretch(max(betting, MIN_BETTING_SECONDS), State.ACTIVE, number, betting=True)
        at = self.phases[-1].ends + _REACTION_SECONDS
        for hand in window.deals:
            self.results.append(self._deal(hand, number, at))
            at += window.pace_seconds * self._scale
        self.stretch(at - self.phases[-1].ends + _REACTION_SECONDS, State.ACTIVE, number)

    def _deal(self, hand: int, window: int, at: float) -> Result:
        horseshoe = self._game.kind == "balls" and self._rng.random() < 1 / len(self._game.elements)
        position = len(self.results)
        return Result(self._elements[position], hand, window, position + 1, horseshoe, at)


def plan_round(game: GameType, rng: Random, *, number: int, last: int, scale: float = 1.0) -> Round:
    """The course of the round with id `number`, which follows the round `last`, drawn from `rng`.

    `scale` stretches all lengths but those of the shortest betting windows.
    """
    plan = _Plan(game, rng, scale)
    plan.stretch(max(game.awaiting_seconds * scale, _MIN_AWAITING_SECONDS), State.AWAITING, 1)
    fate = rng.random()
    cancelled = fate < game.cancel_chance
    windows = game.windows[:1] if cancelled else game.windows
    for position, window in enumerate(windows, start=1):
        plan.play(position, window)
    if cancelled:
        plan.stretch(_CLOSING_SECONDS, State.CANCELLED, len(windows))
    else:
        if fate > 1 - game.review_chance:
            plan.stretch(_REVIEW_SECONDS, State.REVIEW, len(windows))
        plan.stretch(_CLOSING_SECONDS, State.FINISHED, len(windows))
    return Round(number, last, tuple(plan.phases), tuple(plan.results))
