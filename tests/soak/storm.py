"""The hubs of the soak, and what goes wrong with them in every cycle."""

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx

from tests.acceptance.processes import address_in, output_of
from watchdog.simulator import FAULTS

GAMES = tuple(range(1, 9))
CYCLE_SECONDS = 60.0
"""Faults and storms fill the first two thirds of a cycle; then the games come to rest."""

ROUND_SCALE = "0.4"
TOKEN_SECONDS = "40"
"""Tokens of the troubled hub are renewed in every cycle, and its games go over to new connections."""

_FIRST_FAULT, _LAST_FAULT = 1.0, 24.0
# Offsets of the storms: what is done to the other hub, whose eight games all come back at once.
_STORMS = (
    (3.0, "kill"),
    (6.0, "start"),
    (14.0, "kill"),
    (14.5, "start"),
    (19.0, "kill"),
    (19.5, "start"),
    (24.0, "kill"),
    (30.0, "start"),
    (36.0, "pause"),
    (38.0, "resume"),
)


class Simulator:
    """A simulator that keeps its port over its deaths."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.address = "127.0.0.1:0"
        self._log = folder / f"{name}.log"
        self.start()

    def start(self) -> None:
        """Listen; where it listened before, if it did."""
        command = [sys.executable, "-m", "watchdog", "simulate", "--listen", self.address]
        command += ["--round-scale", ROUND_SCALE, "--token-seconds", TOKEN_SECONDS]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        if self.address.endswith(":0"):
            self.address = address_in(output_of(self._process).readline())

    def kill(self) -> None:
        """End at once, as a crash does: no close, no goodbye."""
        self._process.kill()
        self._process.wait()
        output_of(self._process).close()

    def pause(self) -> None:
        """Stand still, with every connection open."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def harm(self, fault: str, game: int) -> None:
        """Ask for a fault; while the port is closed by another one there is nobody to ask."""
        wish = {"name": fault} | ({} if FAULTS[fault].feed_wide else {"game": game})
        with suppress(httpx.TransportError):
            httpx.post(f"http://{self.address}/faults", json=wish, timeout=5.0)


def cycle(troubled: Simulator, stormy: Simulator, *, scale: float) -> list[tuple[float, Callable[[], None]]]:
    """What to do when, in seconds from the start of a cycle; `scale` shortens it."""
    step = (_LAST_FAULT - _FIRST_FAULT) / len(FAULTS)
    planned: list[tuple[float, Callable[[], None]]] = [
        (_FIRST_FAULT + number * step, partial(troubled.harm, fault, game(number)))
        for number, fault in enumerate(FAULTS)
    ]
    planned += [(at, getattr(stormy, action)) for at, action in _STORMS]
    return [(at * scale, action) for at, action in sorted(planned, key=lambda entry: entry[0])]


def game(number: int) -> int:
    """The game that the fault of that number strikes."""
    return GAMES[number % len(GAMES)]


RESTARTS = sum(action == "start" for _, action in _STORMS)
"""How often all games of the stormy hub lose it and come back in a cycle."""
