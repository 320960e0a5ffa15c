"""The goals of a recorded run: what was wanted, and what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import FLOOR, NODE, PYSIGNALR, WATCHDOG
from benchmarks.figures import median, ratios

MANY = 1_000
"""The number of games that the goals are about."""

_FEW = 10

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: at most `limit`, or at least that with `at_least`."""

    what: str
    limit: float
    measured: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def column(results: Results, contender: str, games: int, name: str, part: str = "cost") -> list[float]:
    """One figure of one contender, by round."""
    samples = [
        sample
        for sample in results.get(part, ())
        if sample["contender"] == contender and sample["games"] == games
    ]
    return [sample[name] for sample in sorted(samples, key=lambda sample: int(sample["round"]))]


def bytes_a_game(results: Results, contender: str = WATCHDOG) -> float | None:
    """How much the resident memory grows with a game, from the smallest to 1,000; None if not measured."""
    few = column(results, contender, _FEW, "resident")
    many = column(results, contender, MANY, "resident")
    return (median(many) - median(few)) / (MANY - _FEW) if few and many else None


def goals(results: Results) -> list[Goal]:
    """The goals that the run has measured."""
    return [*_cost(results), *_exactness(results), *_core(results), *_scrape(results)]


def _cost(results: Results) -> Iterator[Goal]:
    ours = column(results, WATCHDOG, MANY, "cpu_us")
    if not ours:
        return
    for other, limit in ((NODE, 0.65), (PYSIGNALR, 0.5), (FLOOR, 4.0)):
        theirs = column(results, other, MANY, "cpu_us")
        if theirs:
            ratio = median(ratios(ours, theirs))
            yield Goal(f"CPU per update at 1,000 games, against {other}", limit, ratio, " times")
    cores = median(column(results, WATCHDOG, MANY, "cores"))
    yield Goal("1,000 games: share of a core", 16.0, cores * 100.0, " %")
    growth = bytes_a_game(results)
    if growth is not None:
        yield Goal("memory per game", 40.0, growth / 1e3, " KB")


def _exactness(results: Results) -> Iterator[Goal]:
    for scenario in results.get("exactness", ()):
        if scenario["games"] < MANY:
            continue
        name = scenario["name"]
        yield Goal(f"arrival stamps off, p99 ({name})", 0.1, scenario["stamps"]["p99"] * 1e3, " ms")
        if not scenario["stalled"]:
            late = scenario["silences"]["p99"] * 1e3
            yield Goal(f"silence noticed late, p99 ({name})", 5.0, late, " ms")


def _core(results: Results) -> Iterator[Goal]:
    core = results.get("core")
    if core:
        ours, theirs = core["whole"]["us"], core["yardstick"]["us"]
        yield Goal(
            "decode, checks, state: cheaper than json.loads and labels()",
            10.0,
            theirs / ours,
            " times",
            at_least=True,
        )
        yield Goal("replay: recorded updates per second", 100_000.0, 1e6 / ours, at_least=True)


def _scrape(results: Results) -> Iterator[Goal]:
    for scrape in results.get("scrape", ()):
        if scrape["games"] == MANY:
            cheaper = scrape["children_ms"] / scrape["render_ms"]
            yield Goal("a scrape: cheaper than ordinary children", 10.0, cheaper, " times", at_least=True)
            yield Goal("a scrape: loop held for the snapshot", 10.0, scrape["snapshot_ms"], " ms")
    for scenario in results.get("exactness", ()):
        if scenario["scraped"] and not scenario["stalled"]:
            yield Goal("1,000 games, scraped: loop held at most", 10.0, scenario["held"]["max"] * 1e3, " ms")
