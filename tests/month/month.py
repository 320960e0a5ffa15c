"""The virtual month: eight games, each with a programme of its own, and what comes of them together."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from statistics import quantiles

from msgspec import Struct

from tests.month.watch import Game, Outcome
from watchdog.core.ledger import STATES, State

GAMES = 8
DAY_SECONDS = 86_400.0
SPARSE = (3, 20)
"""Rounds without a fault between two with one, each about 40 s."""

DENSE = (1, 2)


class Row(Struct, frozen=True):
    """One kind of fault, over all games; delays in seconds, None where nothing was found."""

    kind: str
    injected: int
    found: int
    false: int
    after_knowable_p50: float | None
    after_knowable_p99: float | None
    after_onset_p50: float | None
    after_onset_p99: float | None


class Summary(Struct, frozen=True):
    """All games together; `off_seconds` is the largest difference of any state of any game."""

    seconds: float
    updates: int
    rows: list[Row]
    false_in_health: int
    mistakes: list[str]
    booked_seconds: dict[State, float]
    off_seconds: float
    miscounted: list[str]

    @property
    def precision(self) -> float:
        """The share of faults among what was found; each finding that belongs to none counts as one."""
        found = sum(row.found for row in self.rows)
        return found / (found + sum(row.false for row in self.rows) + self.false_in_health)

    @property
    def recall(self) -> float:
        """The share of the faults that were found."""
        return sum(row.found for row in self.rows) / sum(row.injected for row in self.rows)


def play(seed: int, game: int, seconds: float, healthy: tuple[int, int]) -> Outcome:
    """One game from its start to the end of the round in which the time is up."""
    return Game(f"{seed}/{game}", healthy, feed=f"table {game}").play(seconds)


def play_all(seed: int, seconds: float, healthy: tuple[int, int], *, processes: int) -> list[Outcome]:
    """All games, in so many processes."""
    if processes == 1:
        return [play(seed, game, seconds, healthy) for game in range(1, GAMES + 1)]
    with ProcessPoolExecutor(processes) as pool:
        games = [pool.submit(play, seed, game, seconds, healthy) for game in range(1, GAMES + 1)]
        return [game.result() for game in games]


def summarise(outcomes: list[Outcome]) -> Summary:
    """What comes of all games together."""
    kinds = sorted({kind for outcome in outcomes for kind in outcome.scores})
    booked = Counter[State]()
    for outcome in outcomes:
        booked.update(outcome.booked_seconds)
    return Summary(
        seconds=min(outcome.seconds for outcome in outcomes),
        updates=sum(outcome.updates for outcome in outcomes),
        rows=[_row(kind, outcomes) for kind in kinds],
        false_in_health=sum(outcome.false_in_health for outcome in outcomes),
        mistakes=[line for outcome in outcomes for line in outcome.mistakes],
        booked_seconds=dict(booked),
        off_seconds=max(
            abs(outcome.booked_seconds[state] - outcome.expected_seconds[state])
            for outcome in outcomes
            for state in STATES
        ),
        miscounted=[
            line for number, outcome in enumerate(outcomes, 1) for line in _miscounted(number, outcome)
        ],
    )


def _row(kind: str, outcomes: list[Outcome]) -> Row:
    scores = [outcome.scores[kind] for outcome in outcomes if kind in outcome.scores]
    knowable = [delay for score in scores for delay in score.after_knowable]
    onset = [delay for score in scores for delay in score.after_onset]
    return Row(
        kind,
        sum(score.injected for score in scores),
        sum(score.found for score in scores),
        sum(score.false for score in scores),
        *_percentiles(knowable),
        *_percentiles(onset),
    )


def _percentiles(delays: list[float]) -> tuple[float | None, float | None]:
    if len(delays) < 2:
        return (delays[0], delays[0]) if delays else (None, None)
    cuts = quantiles(delays, n=100, method="inclusive")
    return cuts[49], cuts[98]


def _miscounted(number: int, outcome: Outcome) -> Iterator[str]:
    for name in sorted(outcome.expected_counts.keys() | outcome.counted.keys()):
        expected, counted = outcome.expected_counts.get(name, 0), outcome.counted.get(name, 0)
        if expected != counted:
            yield f"game {number}: {name}: {expected} in the programme, {counted} counted"
