"""The real programs, started as a user starts them."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families

PATIENCE_SECONDS = 60.0
"""For what takes a second on an idle machine: it only says when a test gives up."""

T = TypeVar("T")
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep the other tests that load the machine waiting: two of them would measure each other.

    `folder` is the one that all workers of a run share.
    """
    with (folder / "alone.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


SECRETS = {"FEED_TOKEN": "a-token-of-the-tests", "FEED_SECRET": "a secret of the tests"}
"""What a configuration may name; every program of the tests has them in its environment."""


def configuration(
    feeds: Mapping[str, str],
    games: Iterable[int] | Mapping[str, Iterable[int]],
    *,
    settings: str = "",
    token: str = 'env = "FEED_TOKEN"',
    listen: str = "127.0.0.1:0",
) -> str:
    """A configuration of these feeds (name → host:port), all with these games or each with its own.

    `settings` are further tables; in `token` a `{hub}` stands for the feed's host:port.
    """
    text = f'[web]\nlisten = "{listen}"\n[log]\nformat = "json"\n{settings}\n'
    for name, hub in feeds.items():
        own = games[name] if isinstance(games, Mapping) else games
        text += f"""
[[feeds]]
name = "{name}"
url = "ws://{hub}/hubs"
partner_client_id = 1
token = {{ {token.replace("{hub}", hub)} }}
games = [{", ".join(f'{{ type = {number}, name = "Game {number}" }}' for number in own)}]
"""
    return text


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Terminate a process on leaving; kill it should that do nothing."""
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def program(
    *arguments: str, stderr: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`betcore-watchdog` with these arguments; terminated on leaving."""
    with stderr.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "watchdog", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            # The coverage's tracing would make it several times as slow: what is tried here is the timing.
            env={**os.environ, **SECRETS, "COVERAGE_PROCESS_CONFIG": "", **(env or {})},
        )
    with output_of(process), ending(process):
        yield process


def output_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    """The standard output of a process that has a pipe for it."""
    assert process.stdout is not None
    return process.stdout


def address_in(line: bytes) -> str:
    """The host:port of the first URL in a line."""
    found = re.search(rb"\w+://([^/\s]+)", line)
    assert found is not None, line
    return found[1].decode()


@contextmanager
def simulator(*arguments: str, stderr: Path) -> Iterator[str]:
    """A simulator on a free port; yields host:port."""
    with program("simulate", "--listen", "127.0.0.1:0", *arguments, stderr=stderr) as process:
        yield address_in(output_of(process).readline())


@contextmanager
def watchdog(config: Path, *, stderr: Path, env: dict[str, str] | None = None) -> Iterator["Watched"]:
    """`run` with a configuration that listens on port 0."""
    with program("run", "--config", str(config), stderr=stderr, env=env) as process:
        yield Watched(process, stderr)


class Watched:
    """A running watchdog, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], stderr: Path) -> None:
        self.process = process
        self._stderr = stderr
        self.address = eventually(lambda: self.events("watchdog.started"))[0]["address"]

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The log lines, or those of one event."""
        lines = [line for line in self._stderr.read_text().splitlines() if line.startswith("{")]
        events = [json.loads(line) for line in lines if line.endswith("}")]
        return [event for event in events if not name or event["event"] == name]

    def series(self) -> Series:
        """Every sample of a scrape."""
        families = text_string_to_metric_families(httpx.get(f"{self.address}/metrics").text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def status(self) -> dict[str, Any]:
        """The JSON status."""
        return httpx.get(f"{self.address}/api/v1/status").json()


def eventually(look: Callable[[], T | None], *, within: float = PATIENCE_SECONDS, every: float = 0.05) -> T:
    """The first true answer of `look`."""
    limit = time.monotonic() + within
    while time.monotonic() < limit:
        if answer := look():
            return answer
        time.sleep(every)
    raise AssertionError(f"not within {within} s: {look}")
