"""The pure core replays recorded updates: what decoding, each check and the state cost, hot and alone."""

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry

from benchmarks.figures import median, spread
from benchmarks.recording import BEGIN_UNIX_SECONDS, STEP_SECONDS, records
from benchmarks.yardstick import Yardstick
from watchdog.core.arrival import Arrival
from watchdog.core.checks.cadence import Cadence
from watchdog.core.checks.check import Check, Observation
from watchdog.core.checks.latency import Latency
from watchdog.core.checks.maintenance import Maintenance
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.suite import CHECKS
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import UpdateReceived
from watchdog.core.protocol.records import RECORD_SEPARATOR
from watchdog.core.protocol.signalr import Session
from watchdog.core.protocol.updates import Update, UpdateDecoder, unix_seconds

_COUNT = 4_000
_REPEATS = 7
_SETTINGS = CheckSettings()

_Item = TypeVar("_Item")


class Replay:
    """One game's session and monitor, subscribed at 0; takes records as a subscription does."""

    def __init__(self) -> None:
        self.session = Session("", 0.0, expected=UpdateDecoder().decode)
        self.session.receive("{}\x1e", 0.0)
        self.monitor = Monitor("betcore", 3, "Poker", _SETTINGS, 0.0)
        self.monitor.connecting(0.0)
        self.monitor.subscribed(0.0)
        self._received = 0

    def take(self, record: str) -> float:
        """Decode and judge one record, and return the next deadline."""
        seconds = self._received * STEP_SECONDS
        self._received += 1
        for event in self.session.receive(record, seconds):
            if isinstance(event, UpdateReceived):
                arrival = Arrival(seconds, BEGIN_UNIX_SECONDS + seconds)
                self.monitor.received(event.update, arrival, event.size_bytes)
        return min(self.session.next_deadline, self.monitor.next_deadline)


def cost_us(make: Callable[[], Callable[[_Item], object]], items: Iterable[_Item]) -> dict[str, float]:
    """CPU microseconds per item, without the loop's own; `make` sets up again each time."""
    work, costs = list(items), []
    for _ in range(_REPEATS):
        take = make()
        begun = time.process_time_ns()
        for item in work:
            take(item)
        costs.append((time.process_time_ns() - begun) / 1e3 / len(work))
    idle = _loop_us(work)
    return {"us": median(costs) - idle, "spread": spread(costs)}


def _loop_us(work: list[Any]) -> float:
    def nothing(item: object) -> None:
        del item

    begun = time.process_time_ns()
    for item in work:
        nothing(item)
    return (time.process_time_ns() - begun) / 1e3 / len(work)


def measure() -> dict[str, Any]:
    """The figures of all parts, in microseconds per update."""
    texts = records(_COUNT)
    bare = [text.removesuffix(RECORD_SEPARATOR) for text in texts]
    decode = UpdateDecoder().decode
    updates = [decode(text) for text in bare]
    arrivals = [_arrival(number) for number in range(_COUNT)]
    judged = list(zip(updates, arrivals, strict=True))
    shown = [(_observation(*item), item[1]) for item in judged]

    def judge() -> Callable[[tuple[Update, Arrival]], object]:
        monitor = Replay().monitor
        return lambda item: monitor.received(*item, 2_400)

    parts = {
        "session and decode": cost_us(_session_only, texts),
        "decode": cost_us(lambda: UpdateDecoder().decode, bare),
        "decode, each with other games": cost_us(lambda: _never_the_same, bare),
        "monitor": cost_us(judge, judged),
        **{f"check: {name}": cost_us(make, shown) for name, make in _CHECKS.items()},
    }
    return {
        "updates": _COUNT,
        "bytes": len(texts[0]),
        "whole": cost_us(lambda: Replay().take, texts),
        "parts": parts,
        "yardstick": cost_us(lambda: Yardstick(CollectorRegistry()).take, texts),
        "allocation": allocation(texts),
    }


def _arrival(number: int) -> Arrival:
    seconds = number * STEP_SECONDS
    return Arrival(seconds, BEGIN_UNIX_SECONDS + seconds)


def _never_the_same(text: str) -> object:
    return UpdateDecoder().decode(text)


def _session_only() -> Callable[[str], object]:
    session = Replay().session
    return lambda text: session.receive(text, 0.0)


_Shown = tuple[Observation, Arrival]


def _observation(update: Update, arrival: Arrival) -> Observation:
    return Observation(
        update=update,
        game=update.games[0],
        games_unchanged=update.games_unchanged,
        sent=unix_seconds(update.sent),
        at=arrival.at,
        first_of_connection=False,
        contiguous=True,
    )


def _check(check: type[Check]) -> Callable[[], Callable[[_Shown], object]]:
    def made() -> Callable[[_Shown], object]:
        received = check(_SETTINGS).received
        return lambda shown: received(shown[0])

    return made


def _cadence() -> Callable[[_Shown], object]:
    check = Cadence(_SETTINGS)
    return lambda shown: check.received(shown[1].at, exact=shown[1].exact, agreed=False)


def _latency() -> Callable[[_Shown], object]:
    check = Latency(_SETTINGS)
    return lambda shown: check.received(unix_seconds(shown[0].update.sent), shown[1].wall, shown[1].at)


def _maintenance() -> Callable[[_Shown], object]:
    check = Maintenance(_SETTINGS)
    return lambda shown: check.received(flag=shown[0].update.maintenance, at=shown[0].at)


_CHECKS: dict[str, Callable[[], Callable[[_Shown], object]]] = {
    "cadence": _cadence,
    "latency": _latency,
    **{check.name: _check(check) for check in CHECKS},
    "maintenance": _maintenance,
}


def allocation(texts: list[str]) -> dict[str, float]:
    """What judging an update takes for a moment (bytes), and what it leaves behind (memory blocks)."""
    replay = Replay()
    for text in texts[:200]:
        replay.take(text)
    gc.collect()
    before = sys.getallocatedblocks()
    for text in texts[200:1_200]:
        replay.take(text)
    left = sys.getallocatedblocks() - before
    peaks = []
    tracemalloc.start()
    for text in texts[1_200:1_300]:
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        replay.take(text)
        peaks.append(tracemalloc.get_traced_memory()[1] - held)
    tracemalloc.stop()
    return {"bytes_at_most": max(peaks), "bytes_median": median(peaks), "blocks_left": left / 1_000.0}
