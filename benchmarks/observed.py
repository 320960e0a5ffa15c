"""The watchdog as `run` runs it, observed: how exact its stamps are, and how soon it notices silence.

Usage: python -m benchmarks.observed [--stall] CONFIG
It answers each line on stdin with what it has seen since the last one. With `--stall` it holds the loop for
300 ms every three seconds.
"""

import gc
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import trio

from benchmarks.figures import summary
from watchdog import app
from watchdog.config import load as config
from watchdog.core.arrival import Arrival
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.updates import Update, unix_seconds
from watchdog.runtime import log
from watchdog.runtime.waker import LoopWaker

STALL_SECONDS = 0.3
STALL_EVERY_SECONDS = 3.0
_LOOK_SECONDS = 0.005


class Seen:
    """What was seen, in seconds.

    How far stamps were off, and those marked as not exact by a stall of our own; how late silence was
    noticed, also after such a stall; how long the loop was held, also by collections of garbage.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start again."""
        self.stamps: list[float] = []
        self.inexact_stamps: list[float] = []
        self.silences: list[float] = []
        self.stalled_silences: list[float] = []
        self.held: list[float] = []
        self.collections: list[float] = []

    def told(self) -> str:
        """What was seen, as JSON."""
        return json.dumps({name: summary(values) for name, values in vars(self).items()})


def witness(seen: Seen) -> None:
    """Look over the monitors' shoulders: at what they are handed, and at when they are asked."""
    received, advance = Monitor.received, Monitor.advance
    noticed: dict[int, float] = {}

    def received_seen(self: Monitor, update: Update, arrival: Arrival, size_bytes: int) -> list[Finding]:
        stamps = seen.stamps if arrival.exact else seen.inexact_stamps
        stamps.append(abs(arrival.wall - unix_seconds(update.sent)))
        return received(self, update, arrival, size_bytes)

    def advance_seen(self: Monitor, at: float) -> list[Finding]:
        due, before = self.update_due_at, self.state
        findings = advance(self, at)
        # After a stall of our own, a game that was silent becomes silent again.
        if before != "silent" and self.state == "silent" and noticed.get(self.game_type) != due:
            noticed[self.game_type] = due
            silences = seen.stalled_silences if before == "unobserved" else seen.silences
            silences.append(at - due)
        return findings

    Monitor.received = received_seen  # type: ignore[method-assign]
    Monitor.advance = advance_seen  # type: ignore[method-assign]


def time_collections(seen: Seen) -> None:
    """Time every collection of garbage."""
    begun = 0.0

    def collecting(phase: str, _: dict[str, int]) -> None:
        nonlocal begun
        if phase == "start":
            begun = time.perf_counter()
        else:
            seen.collections.append(time.perf_counter() - begun)

    gc.callbacks.append(collecting)


async def look(seen: Seen) -> None:
    """Try to wake up on time; any delay is the loop's."""
    while True:
        due = trio.current_time() + _LOOK_SECONDS
        await trio.sleep_until(due)
        seen.held.append(trio.current_time() - due)


async def stall() -> None:
    """Hold the loop, again and again."""
    while True:
        await trio.sleep(STALL_EVERY_SECONDS)
        time.sleep(STALL_SECONDS)  # noqa: ASYNC251 - that is the point


async def main(path: Path, *, stalling: bool) -> None:
    """Run until stdin ends."""
    settings, seen = config.load(path), Seen()
    log.configure(settings.log.format, settings.log.level)
    witness(seen)
    time_collections(seen)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(app.run, settings))
        nursery.start_soon(look, seen)
        if stalling:
            nursery.start_soon(stall)
        async with trio.lowlevel.FdStream(os.dup(0)) as stdin:
            while await stdin.receive_some():
                answer: Any = seen.told()
                seen.clear()
                sys.stdout.write(answer + "\n")
                sys.stdout.flush()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(partial(main, Path(sys.argv[-1]), stalling="--stall" in sys.argv), clock=LoopWaker())
