"""A feed that keeps every promise: round after round, a beat every 500 ms."""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from tests.support.builders import TICK, game, moment, result
from watchdog.core.protocol.games import Game, GameState, PlayStatus, Result, ResultStatus

BEAT_SECONDS = 0.5
_JITTERS = 997
_MOST_TICKS = 7
"""Updates take up to 110 ms more or less than one another: far from late."""

_random = Random("jitter")  # noqa: S311 - a fixed course, no secret
_JITTER = tuple(TICK * _random.randint(0, _MOST_TICKS) for _ in range(_JITTERS))


def sent_at(slot: int) -> float:
    """When the update of a slot is sent."""
    return slot * BEAT_SECONDS


def arrives_at(slot: int) -> float:
    """When it arrives; exact as a binary fraction, and so are all sums and differences."""
    return slot * BEAT_SECONDS + _JITTER[slot % _JITTERS]


class Beat:
    """What the feed says in one slot, unless it is `missing`; None stands for what would be right."""

    __slots__ = (
        "arrives",
        "betting_timer",
        "exact",
        "game",
        "maintenance",
        "missing",
        "sent",
        "sequence_step",
    )

    def __init__(self, game: Game, betting_timer: float) -> None:
        self.game = game
        self.betting_timer = betting_timer
        self.sent: float | None = None
        self.arrives: float | None = None
        self.exact = True
        # By how much `sId` rises; None begins anew at 0.
        self.sequence_step: int | None = 1
        self.maintenance = False
        self.missing = False

    def copy(self) -> "Beat":
        """The same once more; only of a beat that nothing has been done to."""
        return Beat(self.game, self.betting_timer)


class Round:
    """One round: its beats from slot `first` on, and its phases.

    A phase has a name and lies from its first beat to the one behind its last; `betting` and `action` may
    come several times.
    """

    def __init__(self, number: int, first: int, rng: Random) -> None:
        self.number = number
        self.first = first
        self.beats: list[Beat] = []
        self.phases: list[tuple[str, int, int]] = []
        self.outcome = "cancelled" if rng.random() < 0.05 else "finished"
        windows = 1 if self.outcome == "cancelled" else rng.randint(1, 2)
        plan = _plan(rng, windows, self.outcome)
        total = sum(beats for _, beats in plan)
        active = first + plan[0][1]
        self._fields: dict[str, Any] = {
            "id": number,
            "starts": moment(sent_at(active)),
            "finishes": moment(sent_at(first + total) + 10.0),
        }
        self._lay(plan)

    def _lay(self, plan: list[tuple[str, int]]) -> None:
        results: list[Result] = []
        window = 1
        for name, count in plan:
            begin = len(self.beats)
            if name == "betting" and results:
                window += 1
            if name == "action":
                for beat in range(count):
                    if beat % 3 == 2:
                        results.append(_dealt(window, len(results) + 1))
                    self._add(name, window, 0.0, results)
            else:
                for beat in range(count):
                    self._add(name, window, (count - 1 - beat) * BEAT_SECONDS, results)
            self.phases.append((name, begin, len(self.beats)))

    def _add(self, name: str, window: int, timer: float, results: list[Result]) -> None:
        last = self.beats[-1].game if self.beats else None
        wanted = _SHOWN[name] | {"current_round": window}
        shown: tuple[Result, ...] | None = tuple(results) or None
        if name == "cancelled" and shown is not None:
            shown = tuple(msgspec.structs.replace(each, status=ResultStatus.CANCELED) for each in shown)
        now = game(**self._fields, **wanted, results=shown)
        # One record for all beats that say the same.
        self.beats.append(Beat(last if last == now else now, timer if name == "betting" else 0.0))


_SHOWN: dict[str, dict[str, Any]] = {
    "awaiting": {"state": GameState.AWAITING, "play_status": PlayStatus.GAME_ACTION},
    "betting": {"state": GameState.ACTIVE, "play_status": PlayStatus.BETTING_TIME},
    "action": {"state": GameState.ACTIVE, "play_status": PlayStatus.GAME_ACTION},
    "review": {"state": GameState.REVIEW, "play_status": PlayStatus.GAME_ACTION},
    "finished": {"state": GameState.FINISHED, "play_status": PlayStatus.GAME_ACTION},
    "cancelled": {"state": GameState.CANCELLED, "play_status": PlayStatus.GAME_ACTION},
}


def _plan(rng: Random, windows: int, outcome: str) -> list[tuple[str, int]]:
    """The phases of a round and how many beats they have; a betting window ends with one at 0."""
    plan = [("awaiting", rng.randint(6, 12))]
    for _ in range(windows):
        plan += [("betting", rng.randint(24, 40)), ("action", rng.randint(12, 20))]
    if outcome == "finished" and rng.random() < 0.1:
        plan.append(("review", rng.randint(4, 8)))
    plan.append((outcome, rng.randint(6, 10)))
    return plan


def _dealt(window: int, number: int) -> Result:
    return result(f"{number % 8 + 2}c", hand=number % 2, round_id=window, number=number)


def rounds(rng: Random, first: int) -> Iterator[Round]:
    """Rounds without an end; each begins behind the beats that the one before has in the end."""
    number = 100
    while True:
        played = Round(number, first, rng)
        yield played
        number, first = number + 1, first + len(played.beats)
