"""The goals of a recorded run: what was wanted, and what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import NODE, PYSIGNALR, SIGNALRCORE, WATCHDOG
from benchmarks.cost import Size
from benchmarks.figures import median, ratios
from benchmarks.history import share

_FEW, _SOME, MANY = 10, 100, 1_000
"""The numbers of games that the goals are about."""

_PEERS = (NODE, PYSIGNALR, SIGNALRCORE)

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


def column(results: Results, contender: str, size: Size, name: str, part: str = "cost") -> list[float]:
    """One figure of one contender, by round."""
    samples = [
        sample
        for sample in results.get(part, ())
        if sample["contender"] == contender and Size(sample["games"], sample["tls"]) == size
    ]
    return [sample[name] for sample in sorted(samples, key=lambda sample: int(sample["round"]))]


def bytes_a_game(results: Results, *, tls: bool, contender: str = WATCHDOG) -> float | None:
    """How much the resident memory grows with a game, from 10 to 1,000; None if not measured."""
    few, many = (column(results, contender, Size(games, tls), "resident") for games in (_FEW, MANY))
    return (median(many) - median(few)) / (MANY - _FEW) if few and many else None


def goals(results: Results) -> list[Goal]:
    """The goals that the run has measured."""
    return [*_cost(results), *_exactness(results), *_core(results), *_scrape(results), *_history(results)]


def _cost(results: Results) -> Iterator[Goal]:
    for tls in (False, True):
        for games, limit in ((_FEW, 0.85), (_SOME, 0.4)):
            yield from _against(results, _PEERS, Size(games, tls), limit)
    for tls, limit in ((False, 0.7), (True, 0.65)):
        yield from _against(results, (NODE,), Size(MANY, tls), limit)
    for tls, limit in ((False, 42.0), (True, 80.0)):
        growth = bytes_a_game(results, tls=tls)
        if growth is not None:
            yield Goal(f"memory per game{' over TLS' if tls else ''}", limit, growth / 1e3, " KB")


def _against(results: Results, peers: tuple[str, ...], size: Size, limit: float) -> Iterator[Goal]:
    """The ratio to the cheapest of these peers."""
    ours = column(results, WATCHDOG, size, "cpu_us")
    theirs = {peer: cpu for peer in peers if (cpu := column(results, peer, size, "cpu_us"))}
    if not ours or not theirs:
        return
    cheapest = min(theirs, key=lambda peer: median(theirs[peer]))
    ratio = median(ratios(ours, theirs[cheapest]))
    which = f"the cheapest ({cheapest})" if len(peers) > 1 else cheapest
    yield Goal(f"CPU per update at {size}, against {which}", limit, ratio, " times")


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
        per_second = 1e6 / core["whole"]["us"]
        yield Goal("replay: recorded updates per second", 150_000.0, per_second, at_least=True)


def _scrape(results: Results) -> Iterator[Goal]:
    for scrape in results.get("scrape", ()):
        if scrape["games"] == MANY:
            cheaper = scrape["children_ms"] / scrape["render_ms"]
            yield Goal("a scrape: cheaper than ordinary children", 10.0, cheaper, " times", at_least=True)
            yield Goal("a scrape: loop held for the snapshot", 10.0, scrape["snapshot_ms"], " ms")
    for scenario in results.get("exactness", ()):
        if scenario["scraped"] and not scenario["stalled"]:
            yield Goal("1,000 games, scraped: loop held at most", 10.0, scenario["held"]["max"] * 1e3, " ms")


def _history(results: Results) -> Iterator[Goal]:
    history = results.get("history")
    if history:
        yield Goal("history at 100 games: share of the watch's CPU", 2.0, share(history) * 100.0, " %")
        yield Goal("history at 100 games: loop held, p99", 0.2, history["held_p99_ms"], " ms")
        yield Goal("history: a year of 8 games, 2,000 incidents", 200.0, history["year_bytes"] / 1e6, " MB")
        yield Goal("statement of a month of 20 games", 5.0, history["statement_seconds"], " s")
