"""One game table: what the feed shows of its game at a given time."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from watchdog.simulator.games import GameType
from watchdog.simulator.rounds import Phase, Result, Round, State, plan_round
from watchdog.simulator.update import dotnet_datetime

_FINISH_MARGIN_SECONDS = 10.0
_FIRST_ROUND = 30_000_000_000
_ACCEPTED, _CANCELLED = 1, 2
_BETTING, _ACTION = 1, 2


class Table:
    """A seeded, clockless table; all times are UNIX seconds.

    It moves only by the methods for that, so it can also stand still or be set forward and back. A round
    that was never shown doesn't end: however long nobody looked, the next look finds at most the next round,
    and no observer can have missed one. Published dates move along when the table stands still.
    """

    def __init__(self, game: GameType, *, seed: int, now: float, scale: float = 1.0) -> None:
        self.game = game
        self._rng = Random(f"{seed}/{game.number}")
        self._scale = scale
        first = _FIRST_ROUND + game.number * 100_000_000 + self._rng.randrange(50_000_000)
        self._edition = self._rng.randrange(100_000, 500_000) - first
        self.round = plan_round(game, self._rng, number=first, last=first - 1, scale=scale)
        self._starts = now
        self._now = now
        self._shown: Phase | None = None
        self._shown_round = 0
        self._shown_results = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the round."""
        return self._now - self._starts

    @property
    def phase(self) -> Phase:
        """The phase the round is in."""
        return self.round.phase_at(self.elapsed)

    @property
    def remaining(self) -> float:
        """Seconds to the end of the phase."""
        return self.phase.ends - self.elapsed

    @property
    def betting_timer(self) -> int:
        """`bt`: whole seconds left to bet, 0 while betting is closed."""
        return int(self.remaining) if self.phase.betting else 0

    @property
    def seen(self) -> bool:
        """Whether the present phase has been shown already."""
        return self._shown is self.phase

    @property
    def results_seen(self) -> int:
        """How many results of this round have been shown."""
        return self._shown_results if self._shown_round == self.round.number else 0

    def move_to(self, now: float) -> None:
        """Play on until `now`."""
        self._now = now
        if self.elapsed < self.round.length:
            return
        if self._shown_round == self.round.number:
            self._next(self._starts + self.round.length)
        if self.elapsed >= self.round.length:
            self._starts = now - self.round.length + 0.001

    def hold_to(self, now: float) -> None:
        """Stand still until `now`."""
        self._starts += now - self._now
        self._now = now

    def shift(self, seconds: float) -> None:
        """Set the round forward, or back where negative."""
        self._starts -= seconds

    def next_round(self, *, skipped: int = 0) -> None:
        """Start the next round at once; `skipped` rounds were played unseen before it."""
        self._next(self._now, skipped)

    def alter_result(self) -> None:
        """Change the value of the first result for the rest of the round."""
        first, *rest = self.round.results
        value = next(element for element in self.game.elements if element != first.value)
        self.round = replace(self.round, results=(replace(first, value=value), *rest))

    def show(self) -> dict[str, object]:
        """The entry of `wgi`, with its fields in the order of the specification's example."""
        phase, number = self.phase, self.round.number
        results = [result for result in self.round.results if result.at <= self.elapsed]
        self._shown, self._shown_round, self._shown_results = phase, number, len(results)
        status = _CANCELLED if phase.state is State.CANCELLED else _ACCEPTED
        return {
            "i": number,
            "t": self.game.number,
            "ge": f"{self.game.edition}{number + self._edition}",
            "s": int(phase.state),
            "ps": _BETTING if phase.betting else _ACTION,
            "cr": phase.window,
            "sdt": dotnet_datetime(self._starts + self.round.phases[0].ends, digits=3),
            "fdt": dotnet_datetime(self._starts + self.round.length + _FINISH_MARGIN_SECONDS, digits=3),
            "r": [_result(result, status) for result in results],
            "h": [self._hand(hand, results) for hand in self.game.hands],
            "e": [self._event(position, phase) for position in range(self.game.odds)],
            "vs": 2,
            "lrId": self.round.last,
            "di": self._dealer(),
        }

    def _next(self, starts: float, skipped: int = 0) -> None:
        last = self.round.number + skipped
        self.round = plan_round(self.game, self._rng, number=last + 1, last=last, scale=self._scale)
        self._starts = starts

    def _hand(self, hand: int, results: list[Result]) -> dict[str, object]:
        cards = [result for result in results if result.hand == hand]
        dealt = [_dealt(result, self.round, self._when) for result in cards]
        return {"i": hand, "r": dealt, "s": 0, "p": sum(_score(card.value) for card in cards)}

    def _when(self, at: float) -> str:
        return dotnet_datetime(self._starts + at, digits=3)

    def _event(self, position: int, phase: Phase) -> dict[str, object]:
        event = self.game.first_event + position
        # Odds that follow from the round's id: the same however often they are looked at.
        odds = 1.2 + (self.round.number * 31 + event * 17 + phase.window) % 880 / 100
        return {"t": event, "p": [], "c": round(odds, 2), "b": not phase.betting, "sn": f"{event:05}"}

    def _dealer(self) -> dict[str, object] | None:
        if self.game.dealer is None:
            return None
        name, country, age = self.game.dealer
        return {"id": 2300 + self.game.number, "n": name, "c": country, "a": age}


def _result(result: Result, status: int) -> dict[str, object]:
    return {
        "v": result.value,
        "hi": result.hand,
        "ra": None,
        "ri": result.window,
        "s": status,
        "sn": result.number,
        "vi": None,
        "h": result.horseshoe,
    }


def _dealt(result: Result, played: Round, when: Callable[[float], str]) -> dict[str, object]:
    return {
        "Value": result.value,
        "GameId": played.number,
        "ManualControl": False,
        "Created": when(result.at),
        "HandId": result.hand,
        "ResultAction": "Deal",
        "RoundId": result.window,
        "Status": _ACCEPTED,
        "SequentialNumber": result.number,
        "StudioCreated": when(result.at),
        "Horseshoe": result.horseshoe,
    }


def _score(value: str) -> int:
    rank = value[0]
    return int(rank) if rank.isdigit() else {"t": 10, "j": 10, "q": 10, "k": 10, "a": 11}[rank]
