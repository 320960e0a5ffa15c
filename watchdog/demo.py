"""The demo: the bundled simulator with its programme of faults, and the watchdog on it."""

import os
import socket
import sys
from functools import partial
from pathlib import Path

import trio

from watchdog import app, config, log, simulator
from watchdog.config import Config
from watchdog.process import run_until_signalled

FEED = "demo"
PREFERRED_PORT = 9877
SECRET_VARIABLE = "BETCORE_DEMO_SECRET"  # noqa: S105 - the name of a variable


def start(duration_seconds: float | None) -> None:
    """Run the demo until a signal, or for so many seconds."""
    log.configure(None, "info")
    run_until_signalled(partial(run, duration_seconds))


async def run(duration_seconds: float | None) -> None:
    """Run simulator and watchdog for so many seconds, or until a signal."""
    os.environ.setdefault(SECRET_VARIABLE, "demo-secret")
    async with trio.open_nursery() as nursery:
        address = await nursery.start(simulator.serve, simulator.demo_settings())
        settings = _settings(address.ws_url, address.http_url)
        _say(f"simulator    {address.ws_url}")
        with trio.move_on_after(duration_seconds if duration_seconds is not None else float("inf")):
            await app.run(settings, started=_announce)
        nursery.cancel_scope.cancel()


def _announce(address: str) -> None:
    _say(f"status page  {address}/")
    _say(f"metrics      {address}/metrics")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _settings(hub: str, http: str) -> Config:
    return config.parse(
        {
            "web": {"listen": f"127.0.0.1:{PREFERRED_PORT if _is_free(PREFERRED_PORT) else 0}"},
            "feeds": [
                {
                    "name": FEED,
                    "url": hub,
                    "partner_client_id": 1,
                    "token": {"url": f"{http}/auth/token", "secret_env": SECRET_VARIABLE},
                    "games": [{"type": kind, "name": name} for kind, name in simulator.GAMES.items()],
                }
            ],
        },
        Path("demo"),
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
