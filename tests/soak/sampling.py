"""What can be seen of a running watchdog from outside: its /proc, its series, and what it answers."""

import json
import os
import re
import signal
import time
from pathlib import Path

import httpx
from msgspec import Struct

from tests.acceptance.processes import eventually

_SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)(?: \S+)?$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Labels = frozenset[tuple[str, str]]


class Footprint(Struct, frozen=True):
    """What a process holds: KiB of memory, descriptors, threads."""

    rss_kib: int
    pss_kib: int
    descriptors: int
    threads: int


class Scrape(Struct, frozen=True):
    """One scrape, with the monotonic seconds right before it was asked for and right after it was there."""

    asked_at: float
    answered_at: float
    series: dict[tuple[str, Labels], float]

    def of(self, name: str, **labels: str) -> dict[Labels, float]:
        """The series of that name with those labels."""
        wanted = labels.items()
        return {
            found: value for (own, found), value in self.series.items() if own == name and wanted <= found
        }

    def total(self, name: str, **labels: str) -> float:
        """The sum over the series of that name with those labels."""
        return sum(self.of(name, **labels).values())

    def watched_seconds(self) -> dict[tuple[str, str], float]:
        """Feed and game type → the seconds booked, all states together."""
        seconds: dict[tuple[str, str], float] = {}
        for labels, value in self.of("betcore_feed_state_seconds_total").items():
            own = dict(labels)
            game = own["feed"], own["game_type"]
            seconds[game] = seconds.get(game, 0.0) + value
        return seconds

    def states(self) -> dict[tuple[str, str], str]:
        """Feed and game type → the state that the game is in."""
        held = [dict(labels) for labels, holds in self.of("betcore_feed_state").items() if holds]
        return {(own["feed"], own["game_type"]): own["state"] for own in held}

    def all_fresh(self) -> bool:
        """Whether every game is in order at this instant."""
        states = self.states()
        return bool(states) and set(states.values()) == {"fresh"}


class Inside(Struct, frozen=True):
    """What only the process itself knows: its Trio tasks, and the memory blocks that Python holds."""

    tasks: int
    blocks: int


def footprint(pid: int) -> Footprint:
    """Source: proc(5)."""
    proc = Path(f"/proc/{pid}")
    rollup = dict(re.findall(r"^(\w+): +(\d+) kB$", (proc / "smaps_rollup").read_text(), re.MULTILINE))
    return Footprint(
        rss_kib=int(rollup["Rss"]),
        pss_kib=int(rollup["Pss"]),
        descriptors=len(list((proc / "fd").iterdir())),
        threads=len(list((proc / "task").iterdir())),
    )


def scrape(client: httpx.Client) -> Scrape:
    """Every sample of `/metrics`."""
    asked_at = time.monotonic()
    text = client.get("/metrics").text
    answered_at = time.monotonic()
    series = {
        (name, frozenset(_LABEL.findall(labels))): float(value)
        for name, labels, value in _SERIES.findall(text)
    }
    return Scrape(asked_at, answered_at, series)


def inside(pid: int, answers: Path) -> Inside:
    """Ask a watchdog started by `tests.soak.counted`, which answers into the file."""
    before = len(_lines(answers))
    os.kill(pid, signal.SIGUSR1)
    lines = eventually(lambda: lines if len(lines := _lines(answers)) > before else None)
    return Inside(**json.loads(lines[-1]))


def _lines(answers: Path) -> list[str]:
    return answers.read_text().splitlines() if answers.exists() else []
