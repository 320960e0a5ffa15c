"""A run in pieces: each takes two minutes at most, and what is measured stays measured.

A run takes an hour. One that was interrupted, or takes turns with other work, goes on where it stopped.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks import core, cost, exactness, history, scrape, start
from benchmarks.contenders import CONTENDERS, LADDER, Contender
from benchmarks.cost import Say, Size, Window
from benchmarks.programs import BenchmarkError

PARTS = ("start", "core", "scrape", "history", "exactness", "ladder", "cost")
_SCRAPED_GAMES = (10, 100, 1_000)
_LADDER_GAMES = 1_000

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: the parts, at which numbers of games, for how long and how often."""

    parts: Sequence[str]
    games: Sequence[int]
    window: Window

    @property
    def words(self) -> str:
        """What can't change within a run."""
        return f"{self.window.rounds} rounds of {self.window.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Piece:
    """One measurement that is taken at once; `take` adds its figures to the results."""

    name: str
    take: Callable[[Results], None]


def pieces(plan: Plan, say: Say) -> Iterator[Piece]:
    """All pieces of a run; the rounds of all sizes alternate."""
    window = plan.window
    wholes: dict[str, Callable[[], Any]] = {
        "start": lambda: start.measure(3 * window.rounds),
        "core": core.measure,
        "scrape": lambda: scrape.measure(_SCRAPED_GAMES),
        "history": lambda: history.measure(3.0 * window.seconds),
    }
    for part, measure in wholes.items():
        if part in plan.parts:
            yield _whole(part, measure)
    if "exactness" in plan.parts:
        for scenario in exactness.SCENARIOS:
            yield Piece(f"exactness: {scenario.name}", partial(_add_scenario, scenario, window, say))
    for number in range(window.rounds):
        if "ladder" in plan.parts:
            yield _round("ladder", lambda: (list(LADDER), {}), Size(_LADDER_GAMES), number, window, say)
        if "cost" in plan.parts:
            for size in (Size(games, tls) for games in plan.games for tls in (False, True)):
                yield _round("cost", lambda: _able(say), size, number, window, say)


def missing(results: Results, plan: Plan, say: Say) -> list[Piece]:
    """What is not in the results yet."""
    return [piece for piece in pieces(plan, say) if piece.name not in results["done"]]


def begun(path: Path, plan: Plan) -> Results | None:
    """The results in a file, to go on with. Raises BenchmarkError if they are those of another plan."""
    if not path.exists():
        return None
    results: Results = json.loads(path.read_text())
    if results["options"] != plan.words:
        raise BenchmarkError(f"{path} was begun with {results['options']}, not with {plan.words}")
    return results


def keep(path: Path, results: Results) -> None:
    """Write the results, all or nothing."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(results, indent=1) + "\n")
    fresh.replace(path)


@cache
def _able(say: Say) -> tuple[list[Contender], dict[str, str]]:
    return cost.prepare(CONTENDERS, say)


def _whole(part: str, measure: Callable[[], Any]) -> Piece:
    return Piece(part, lambda results: results.update({part: measure()}))


def _add_scenario(scenario: exactness.Scenario, window: Window, say: Say, results: Results) -> None:
    seen = exactness.measure(scenario, 3.0 * window.seconds, say)
    results.setdefault("exactness", []).append(seen)


def _round(
    part: str,
    contenders: Callable[[], tuple[list[Contender], dict[str, str]]],
    size: Size,
    number: int,
    window: Window,
    say: Say,
) -> Piece:
    def take(results: Results) -> None:
        able, unable = contenders()
        absent = results.setdefault("missing", {})
        absent.update(unable)
        taking_part = [each for each in able if f"{part}: {each.name} at {size}" not in absent]
        samples, failed = cost.compare(taking_part, size, number, window, say)
        absent.update({f"{part}: {name} at {size}": why for name, why in failed.items()})
        # Whoever has missed one round is left out of all, so that ratios are of the same rounds.
        all_samples = [*results.get(part, ()), *samples]
        results[part] = [each for each in all_samples if not _left_out(each, failed, size)]

    return Piece(f"{part}: {size}, round {number + 1}", take)


def _left_out(sample: dict[str, Any], failed: dict[str, str], size: Size) -> bool:
    return sample["contender"] in failed and Size(sample["games"], sample["tls"]) == size
