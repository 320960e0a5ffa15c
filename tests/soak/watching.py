"""The watchdog of the soak: the real program with the real configuration, started as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.processes import SECRETS, Watched, configuration, ending
from tests.soak import storm

ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = """
[checks]
silence_reconnect_seconds = 5.0
[reconnect]
max_seconds = 2.0
"""
_TOKEN = 'url = "http://{hub}/auth/token", secret_env = "FEED_SECRET"'


@contextmanager
def watched(folder: Path, hubs: Mapping[str, storm.Simulator]) -> Iterator[Watched]:
    """`run` on all games of these hubs; SIGTERM and its exit code at the end."""
    config, log = folder / "watchdog.toml", folder / "watchdog.log"
    addresses = {name: hub.address for name, hub in hubs.items()}
    config.write_text(configuration(addresses, storm.GAMES, settings=_SETTINGS, token=_TOKEN))
    command = ["-m", "tests.soak.counted", str(folder / "answers"), "run", "--config", str(config)]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *command], stderr=stderr, cwd=ROOT, env=os.environ | SECRETS
        )
    with ending(process):
        yield Watched(process, log)
