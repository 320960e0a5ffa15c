"""The watchdog of the soak: the real program with the real configuration, started as a user starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.processes import Watched
from tests.soak import storm

ROOT = Path(__file__).resolve().parents[2]
SECRET = {"BETCORE_SOAK_SECRET": "secret of the soak"}

_CONFIG = """[web]
listen = "127.0.0.1:0"

[log]
format = "json"

[checks]
silence_reconnect_seconds = 5.0

[reconnect]
max_seconds = 2.0
"""

_FEED = """
[[feeds]]
name = "{name}"
url = "ws://{address}/hubs"
partner_client_id = 1
games = [{games}]

[feeds.token]
url = "http://{address}/auth/token"
secret_env = "BETCORE_SOAK_SECRET"
"""


@contextmanager
def watched(folder: Path, hubs: Mapping[str, storm.Simulator]) -> Iterator[Watched]:
    """`run` on all games of these hubs; SIGTERM and its exit code at the end."""
    config, log = folder / "watchdog.toml", folder / "watchdog.log"
    games = ", ".join(f"{{ type = {number} }}" for number in storm.GAMES)
    feeds = (_FEED.format(name=name, address=hub.address, games=games) for name, hub in hubs.items())
    config.write_text(_CONFIG + "".join(feeds))
    command = [
        sys.executable,
        "-m",
        "tests.soak.counted",
        str(folder / "answers"),
        "run",
        "--config",
        str(config),
    ]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr, cwd=ROOT, env={**os.environ, **SECRET})
    try:
        yield Watched(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
