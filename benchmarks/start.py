"""The start: CPU and time to `--version`, to the first subscription, to being subscribed to 100 games."""

import os
import subprocess
import sys
import time
from typing import Any

from benchmarks.contenders import start_watchdog
from benchmarks.figures import median, ratios, spread
from benchmarks.programs import ROOT, hub, running, until

_COMMANDS = {
    "bare interpreter": [sys.executable, "-c", "pass"],
    "--version": [sys.executable, "-m", "watchdog", "--version"],
}
_READY_SECONDS = 60.0


def measure(rounds: int) -> dict[str, Any]:
    """Milliseconds of CPU and of wall time, over so many alternating rounds."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in _COMMANDS}
    for number in range(rounds + 1):
        for name, command in _COMMANDS.items():
            taken = _run(command)
            if number:  # the first reads the files into the page cache
                runs[name].append(taken)
    cpu = {name: [taken[0] for taken in all_taken] for name, all_taken in runs.items()}
    against = ratios(cpu["--version"], cpu["bare interpreter"])
    return {
        "commands": {
            name: {
                "cpu_ms": median(cpu[name]),
                "wall_ms": median([taken[1] for taken in all_taken]),
                "spread": spread(cpu[name]),
            }
            for name, all_taken in runs.items()
        },
        "version_ratio": median(against),
        "watching": [_watching(games) for games in (1, 100)],
    }


def _run(command: list[str]) -> tuple[float, float]:
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)  # noqa: S603 - those above
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return (usage.ru_utime + usage.ru_stime) * 1e3, (time.monotonic() - begun) * 1e3


def _watching(games: int) -> dict[str, float]:
    """From the start of the process to the first and to the last subscription."""
    with hub() as (load, at), running(start_watchdog(at, games)) as program:
        until(
            lambda: bool(load.ask()["subscribed"] == games),
            within_seconds=_READY_SECONDS,
            what=f"{games} subscriptions",
        )
        cpu_ms, seen = program.cpu_seconds() * 1e3, load.ask()
    return {
        "games": games,
        "first_ms": (seen["first_subscribed_ns"] - program.started_ns) / 1e6,
        "all_ms": (seen["last_subscribed_ns"] - program.started_ns) / 1e6,
        "cpu_ms": cpu_ms,
    }
