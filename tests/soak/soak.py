"""The soak: a real watchdog on two real hubs, of which one is in trouble and one keeps dying."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
from msgspec import Struct

from tests.acceptance.processes import Watched, eventually
from tests.soak import storm
from tests.soak.sampling import Footprint, Inside, Scrape, footprint, inside, scrape
from tests.soak.watching import watched

REST_SECONDS = 12.0
"""The end of a cycle: within it the games are expected to be at rest."""

SETTLE_SECONDS = 7.0
"""The first look lasts as long: what the watchdog does once after its start is over by then."""


class DiedError(AssertionError):
    """The watchdog ended by itself; the error has its last words."""


class Sample(Struct, frozen=True):
    """What was seen at one second of the soak, which is `at` seconds old."""

    at: float
    footprint: Footprint
    # Feed and game type → by how much the seconds booked differ from the time that passed.
    drift_seconds: dict[tuple[str, str], float]
    at_rest: bool
    # Asked for only at the end of a cycle.
    inside: Inside | None = None


class Rest(Struct, frozen=True):
    """The watchdog once every game is in order again; `cycle` 0 is before the first storm."""

    cycle: int
    at: float
    footprint: Footprint
    inside: Inside


class Soak(Struct, frozen=True):
    """All that a soak has shown."""

    duration_seconds: float
    cycle_seconds: float
    samples: list[Sample]
    rests: list[Rest]
    last: Scrape
    fallen: list[str]
    exit_code: int
    complaints: list[str]


class _Watch:
    """Samples one watchdog, and keeps what the verdict needs of it."""

    def __init__(self, program: Watched, folder: Path, client: httpx.Client) -> None:
        self._process = program.process
        self._pid = program.process.pid
        self._answers = folder / "answers"
        self._log = folder / "watchdog.log"
        self._client = client
        self.samples: list[Sample] = []
        self.rests: list[Rest] = []
        self.fallen: list[str] = []
        # The quickest of a few: what is compared with it can't be known better than it is.
        self._reference = min((scrape(client) for _ in range(5)), key=lambda s: s.answered_at - s.asked_at)
        self.last = self._reference
        self.started_at = self._reference.asked_at

    def sample(self, *, look_inside: bool = False) -> Sample:
        """One scrape, and what the process holds.

        Raises:
            DiedError: the watchdog did.

        """
        if self._process.poll() is not None:
            last_words = "\n".join(complaints(self._log.read_text())[-20:])
            raise DiedError(f"the watchdog ended with {self._process.returncode}:\n{last_words}")
        now = scrape(self._client)
        self.fallen += [_named(key) for key in fallen_counters(self.last, now)]
        self.last = now
        taken = Sample(
            at=now.answered_at - self.started_at,
            footprint=footprint(self._pid),
            drift_seconds=drift(self._reference, now),
            at_rest=now.all_fresh(),
            inside=inside(self._pid, self._answers) if look_inside else None,
        )
        self.samples.append(taken)
        return taken

    def rest(self, cycle: int, seen: list[Sample]) -> None:
        """Book the end of a cycle, if its games came to rest.

        A game may be going over to a new token meanwhile: what is held without that is the least of a while.
        """
        still = [sample for sample in seen if sample.at_rest and sample.inside]
        insides = [sample.inside for sample in still if sample.inside is not None]
        if not still:
            return
        quietest = min(still, key=lambda sample: (sample.footprint.descriptors, sample.footprint.threads))
        fewest = min(insides, key=lambda answer: (answer.tasks, answer.blocks))
        self.rests.append(Rest(cycle, quietest.at, quietest.footprint, fewest))


def drift(reference: Scrape, now: Scrape) -> dict[tuple[str, str], float]:
    """By how much the seconds booked between two scrapes differ from those that passed.

    A scrape shows an instant between asking and answer: what lies within these bounds is no difference.
    """
    least = now.asked_at - reference.answered_at
    most = now.answered_at - reference.asked_at
    before = reference.watched_seconds()
    grown = {game: seconds - before[game] for game, seconds in now.watched_seconds().items()}
    return {game: min(passed - least, 0.0) + max(passed - most, 0.0) for game, passed in grown.items()}


def fallen_counters(before: Scrape, now: Scrape) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
    """The counters that are lower than they were, or gone."""
    for key, value in before.series.items():
        if key[0].endswith(("_total", "_count", "_bucket")) and now.series.get(key, -1.0) < value:
            yield key


def _named(key: tuple[str, frozenset[tuple[str, str]]]) -> str:
    name, labels = key
    return name + "{" + ",".join(f"{label}={value}" for label, value in sorted(labels)) + "}"


def run(seconds: float, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Soak:
    """Soak for so many seconds, in whole cycles; shorter soaks than two cycles have one that is shorter."""
    cycles = max(1, round(seconds / storm.CYCLE_SECONDS))
    cycle_seconds = seconds / cycles
    with ExitStack() as stack:
        troubled, stormy = (stack.enter_context(_hub(name, folder)) for name in ("troubled", "stormy"))
        program = stack.enter_context(watched(folder, {"troubled": troubled, "stormy": stormy}))
        client = stack.enter_context(httpx.Client(base_url=program.address, timeout=20.0))
        eventually(lambda: scrape(client).all_fresh())
        watch = _Watch(program, folder, client)
        watch.rest(0, _settling(watch))
        begin = time.monotonic()
        for number in range(1, cycles + 1):
            actions = storm.cycle(troubled, stormy, scale=min(1.0, cycle_seconds / storm.CYCLE_SECONDS))
            seen = _one_cycle(watch, begin + (number - 1) * cycle_seconds, cycle_seconds, actions)
            watch.rest(number, seen)
            tell(f"cycle {number} of {cycles}: {watch.rests[-1].footprint}, {watch.rests[-1].inside}")
        # A fault may have begun late: it waited for its moment of a round.
        with suppress(AssertionError):
            eventually(lambda: watch.sample(look_inside=True).at_rest, within=300.0)
        if watch.rests[-1].cycle != cycles:
            watch.rest(cycles, watch.samples[-1:])
        lasted = time.monotonic() - begin
    return Soak(
        duration_seconds=lasted,
        cycle_seconds=cycle_seconds,
        samples=watch.samples,
        rests=watch.rests,
        last=watch.last,
        fallen=watch.fallen,
        exit_code=program.process.returncode,
        complaints=complaints((folder / "watchdog.log").read_text()),
    )


def complaints(log: str) -> list[str]:
    """The lines of a log that are no events: a traceback, a warning of the interpreter."""
    return [line for line in log.splitlines() if not line.startswith("{")]


def _settling(watch: _Watch) -> list[Sample]:
    """Looks at a watchdog that has just started, until it has done what it does once after the start."""
    end, seen = time.monotonic() + SETTLE_SECONDS, []
    while time.monotonic() < end:
        seen.append(watch.sample(look_inside=True))
        time.sleep(1.0)
    return seen


def _one_cycle(
    watch: _Watch, begin: float, seconds: float, actions: list[tuple[float, Callable[[], None]]]
) -> list[Sample]:
    """Do what is due and look every second, until the cycle is over."""
    due = [(begin + at, action) for at, action in actions]
    seen: list[Sample] = []
    look_at = begin
    while look_at < begin + seconds:
        while due and due[0][0] <= look_at:
            _wait_until(due[0][0])
            due.pop(0)[1]()
        _wait_until(look_at)
        seen.append(watch.sample(look_inside=look_at >= begin + seconds - REST_SECONDS))
        look_at = max(look_at + 1.0, time.monotonic())
    for _, action in due:
        action()
    return seen


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


@contextmanager
def _hub(name: str, folder: Path) -> Iterator[storm.Simulator]:
    hub = storm.Simulator(name, folder)
    try:
        yield hub
    finally:
        hub.kill()
