"""What is measured: the watchdog as users run it, clients that only decode and count, and the C floor."""

import re
import shutil
import sys
import tempfile
import urllib.request
import venv
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from benchmarks.programs import BUILD, HERE, LOAD, BenchmarkError, Hub, Program, run, until

CLIENTS = HERE / "clients"
_VENV = BUILD / "venv"
_TOKEN_VARIABLE = "BENCHMARK_TOKEN"  # noqa: S105 - its name
_INSTALL_SECONDS = 600.0
_ANSWER_SECONDS = 60.0
_STARTED = re.compile(r'"address": ?"([^"]+)"')
_MESSAGES = re.compile(r"^betcore_feed_messages_total\{.*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Contender:
    """A program to measure, `start`ed with the hub and a number of connections.

    `most` is the highest number of connections to measure it with; `scraped` says whether to scrape it.
    """

    name: str
    start: Callable[[Hub, int], Program]
    prepare: Callable[[], None] = lambda: None
    most: int = 4_000
    scraped: bool = False


def write_config(path: Path, hub: Hub, games: int, settings: str = "") -> Path:
    """The path of a configuration with so many games on the hub; `settings` are further tables."""
    trust = f'ca_file = "{hub.authority}"' if hub.authority else ""
    head = f"""
[web]
listen = "127.0.0.1:0"
[log]
format = "json"
{settings}[[feeds]]
name = "betcore"
url = "{hub.url("ws")}"
{trust}
partner_client_id = 1
token = {{ env = "{_TOKEN_VARIABLE}" }}
"""
    path.write_text(head + "".join(f"[[feeds.games]]\ntype = {number + 1}\n" for number in range(games)))
    return path


def start_watchdog(hub: Hub, games: int, settings: str = "") -> Program:
    """`betcore-watchdog run`, as a user starts it."""
    return start_configured(["-m", "watchdog", "run", "--config"], hub, games, settings)


def start_configured(words: list[str], hub: Hub, games: int, settings: str = "") -> Program:
    """A Python program that learns its games from a file."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        config = write_config(folder / "watchdog.toml", hub, games, settings)
        program = Program([sys.executable, *words, config], env={_TOKEN_VARIABLE: "none"})
        until(lambda: bool(_STARTED.search(program.errors())), within_seconds=60, what="the watchdog's start")
    finally:
        shutil.rmtree(folder)
    return program


def address_of(watchdog: Program) -> str:
    """The address of a running watchdog."""
    found = _STARTED.search(watchdog.errors())
    if found is None:
        raise BenchmarkError("the watchdog did not tell its address")
    return found[1]


class Scraper:
    """Asks for the metrics as Prometheus does: compressed, and again and again over one connection."""

    _HEADERS: Final = {
        "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        "Accept-Encoding": "gzip",
    }

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=_ANSWER_SECONDS)

    def scrape(self) -> bytes:
        """The metrics, compressed as they came."""
        self._connection.request("GET", "/metrics", headers=self._HEADERS)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != HTTPStatus.OK:
            raise BenchmarkError(f"a scrape was answered with status {answer.status}")
        return body

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def count_updates(address: str) -> int:
    """How many updates a watchdog has received over all its games."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - our own
        text = answer.read().decode()
    return sum(int(float(value)) for value in _MESSAGES.findall(text))


def _prepare_node() -> None:
    folder = CLIENTS / "node"
    if shutil.which("node") is None:
        raise BenchmarkError("node is not installed")
    if not (folder / "node_modules" / ".package-lock.json").exists():
        run(["npm", "ci", "--silent"], limit_seconds=_INSTALL_SECONDS, cwd=folder)


def _prepare_python() -> None:
    mark = _VENV / ".installed"
    requirements = CLIENTS / "requirements.txt"
    if mark.exists() and mark.read_text() == requirements.read_text():
        return
    venv.create(_VENV, clear=True, with_pip=True)
    options = ("--disable-pip-version-check", "--quiet", "--no-input", "--require-hashes")
    run(
        [_VENV / "bin" / "pip", "install", *options, "--only-binary", ":all:", "-r", requirements],
        limit_seconds=_INSTALL_SECONDS,
    )
    mark.write_text(requirements.read_text())


def _python_client(name: str, scheme: Literal["http", "ws"]) -> Callable[[Hub, int], Program]:
    script = CLIENTS / f"{name}_client.py"
    return lambda hub, games: Program(
        [_VENV / "bin" / "python", script, hub.url(scheme), str(games)], env=hub.trust
    )


def _start_node(hub: Hub, games: int) -> Program:
    return Program(["node", CLIENTS / "node" / "client.mjs", hub.url("http"), str(games)], env=hub.trust)


def start_floor(hub: Hub, games: int) -> Program:
    """The least that a client can do."""
    trust = ["--authority", str(hub.authority)] if hub.authority else []
    return Program([LOAD, "floor", "--port", str(hub.port), "--connections", str(games), *trust])


CONTENDERS = (
    Contender("watchdog", start_watchdog, scraped=True),
    Contender("signalr on Node", _start_node, _prepare_node),
    Contender("pysignalr", _python_client("pysignalr", "http"), _prepare_python),
    # A thread for each connection, so not any number of them.
    Contender("signalrcore", _python_client("signalrcore", "ws"), _prepare_python, most=1_000),
    Contender("C floor", start_floor),
)

WATCHDOG, NODE, PYSIGNALR, SIGNALRCORE, FLOOR = (contender.name for contender in CONTENDERS)


def _step(name: str) -> Callable[[Hub, int], Program]:
    return lambda hub, games: Program(
        [sys.executable, "-m", "benchmarks.ladder", name, str(hub.port), str(games)]
    )


LADDER = (
    Contender("C floor", start_floor),
    Contender("Trio socket", _step("socket")),
    Contender("one reader: stamps, frames, updates", _step("reader")),
    Contender("+ monitor", _step("monitor")),
    Contender("watchdog, not scraped", start_watchdog),
    Contender("watchdog", start_watchdog, scraped=True),
    Contender("trio-websocket alone", _step("websocket")),
)
"""Where the watchdog's CPU goes: each step does what the one before does, and one thing more.

The last one shows what every message would cost on its way through trio-websocket's task and channel.
"""
