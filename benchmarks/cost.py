"""CPU per update and memory per game: every contender in turn, round after round, on the same load."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.contenders import Contender, Scraper, address_of, count_updates
from benchmarks.programs import BenchmarkError, hub, running, until

SCRAPE_SECONDS = 5.0
_CONNECT_SECONDS = 120.0
_LOST_SHARE = 0.02
_PERCENT = 100.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Window:
    """How long to settle and to measure, in seconds, and how often."""

    settle_seconds: float = 5.0
    seconds: float = 10.0
    rounds: int = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender in one round.

    CPU microseconds per update sent, CPU seconds per second, bytes held, and how late the hub sent
    (microseconds, p99), which shows whether it was the bottleneck.
    """

    contender: str
    games: int
    tls: bool
    round: int
    cpu_us: float
    cores: float
    resident: int
    proportional: int
    hub_late_p99_us: float


@dataclass(frozen=True, slots=True)
class Size:
    """A number of games, plain or over TLS."""

    games: int
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.games:,} games{' over TLS' if self.tls else ''}"


def measure(contender: Contender, size: Size, number: int, window: Window) -> Sample:
    """One window of one contender. Raises BenchmarkError if it does not keep up."""
    games = size.games
    with (
        hub(tls=size.tls) as (load, at),
        running(contender.start(at, games)) as program,
        ExitStack() as stack,
    ):
        until(
            lambda: bool(load.ask()["subscribed"] == games),
            within_seconds=_CONNECT_SECONDS,
            what=f"{contender.name}: {games} subscriptions",
        )
        scraper = stack.enter_context(closing(Scraper(address_of(program)))) if contender.scraped else None
        _pass(window.settle_seconds, scraper)
        before, cpu_before, begun = load.ask(), program.cpu_seconds(), time.monotonic()
        _pass(window.seconds, scraper)
        cpu, lasted, after = program.cpu_seconds() - cpu_before, time.monotonic() - begun, load.ask()
        memory = program.memory()
        # The watchdog counts them itself, whether it is scraped during the window or not.
        watches = "watchdog" in contender.name
        received = count_updates(address_of(program)) if watches else program.ask()["received"]
        if received < after["sent"] * (1.0 - _LOST_SHARE) or after["blocked"]:
            raise BenchmarkError(f"{contender.name}: received {received} of {after['sent']} updates")
    updates = after["sent"] - before["sent"]
    return Sample(
        contender.name,
        games,
        size.tls,
        number,
        cpu_us=cpu * 1e6 / updates,
        cores=cpu / lasted,
        resident=memory.resident,
        proportional=memory.proportional,
        hub_late_p99_us=after["late_p99_us"],
    )


def _pass(seconds: float, scraper: Scraper | None) -> None:
    """Let time pass; with a scraper, have it scrape in the middle of every five seconds."""
    end = time.monotonic() + seconds
    scrape_at = time.monotonic() + SCRAPE_SECONDS / 2.0
    while scraper is not None and scrape_at < end:
        time.sleep(max(scrape_at - time.monotonic(), 0.0))
        scraper.scrape()
        scrape_at += SCRAPE_SECONDS
    time.sleep(max(end - time.monotonic(), 0.0))


def prepare(contenders: Sequence[Contender], say: Say) -> tuple[list[Contender], dict[str, str]]:
    """The contenders that can run here, and why the others can't."""
    able, missing = [], {}
    for contender in contenders:
        try:
            contender.prepare()
        except BenchmarkError as error:
            missing[contender.name] = str(error).splitlines()[0]
            say(f"without {contender.name}: {missing[contender.name]}")
        else:
            able.append(contender)
    return able, missing


def compare(
    contenders: Sequence[Contender], size: Size, number: int, window: Window, say: Say
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The samples of one round, in which every contender has its turn; each round begins with another.

    Also returns which could not be measured, and why.
    """
    samples: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    able = [contender for contender in contenders if size.games <= contender.most]
    turn = number % len(able)
    for contender in able[turn:] + able[:turn]:
        try:
            sample = measure(contender, size, number, window)
        except BenchmarkError as error:
            failed[contender.name] = str(error).splitlines()[0].removeprefix(f"{contender.name}: ")
            say(f"without {contender.name} at {size}: {failed[contender.name]}")
            continue
        samples.append(asdict(sample))
        say(
            f"{size}, round {number + 1}: {sample.contender} {sample.cpu_us:.0f} us,"
            f" {sample.cores * _PERCENT:.1f} % of a core, {sample.resident / 1e6:.0f} MB"
        )
    return samples, failed
