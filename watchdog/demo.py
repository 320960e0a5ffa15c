"""The demo: the bundled simulator with its programme of faults, and the watchdog on it."""

import math
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio

from watchdog import app
from watchdog.config.load import parse
from watchdog.config.schema import Config
from watchdog.core.errors import OperatorError
from watchdog.runtime import log
from watchdog.runtime.nursery import open_nursery_of_body
from watchdog.runtime.signals import run_until_signalled
from watchdog.simulator.games import GAMES

FEED = "demo"
PREFERRED_PORT = 9877
SECRET_VARIABLE = "BETCORE_DEMO_SECRET"  # noqa: S105 - the name of a variable


def start(duration_seconds: float | None) -> None:
    """Run the demo until a signal, or for so many seconds."""
    log.configure(None, "info")
    run_until_signalled(partial(run, duration_seconds))


async def run(duration_seconds: float | None) -> None:
    """Run simulator and watchdog for so many seconds, or until cancelled.

    Raises:
        OperatorError: the simulator ended, or the web address can't be listened on.

    """
    os.environ.setdefault(SECRET_VARIABLE, "demo-secret")
    async with open_nursery_of_body() as nursery:
        # In a process of its own, as a hub is: its work must not stall the watchdog's loop. With -P, nothing
        # in the current directory is taken for a module.
        options = ["simulate", "--listen", "127.0.0.1:0", "--programme"]
        command = [sys.executable, "-P", "-m", "watchdog", *options]
        environment = {name: value for name, value in os.environ.items() if name != SECRET_VARIABLE}
        process = await nursery.start(
            partial(trio.run_process, command, stdout=subprocess.PIPE, env=environment, check=False)
        )
        hub, token = await _addresses(process)
        _print(f"simulator    {hub}")
        # Its report may be made afterwards, so the folder stays.
        history = Path(tempfile.mkdtemp(prefix="betcore-demo-")) / "history.db"
        # Not after the run: counts of updates belong to the period in which they begin.
        began = _now()
        with trio.move_on_after(duration_seconds if duration_seconds is not None else math.inf) as scope:
            nursery.start_soon(_cancel_at_end, process, scope)
            try:
                await app.run(
                    _settings(hub, token, history), started=partial(_print_addresses, history, began)
                )
            finally:
                _print_report(history, began, _now().isoformat())
        # A signal to both is no mistake.
        await trio.lowlevel.checkpoint_if_cancelled()
        if process.returncode is not None:
            raise OperatorError(f"the simulator ended by itself, with {process.returncode}")


async def _cancel_at_end(process: trio.Process, scope: trio.CancelScope) -> None:
    await process.wait()
    scope.cancel()


async def _addresses(process: trio.Process) -> tuple[str, str]:
    """The addresses of the hub and of its token endpoint, which the simulator prints, a line for each."""
    output = b""
    while process.stdout is not None and (chunk := await process.stdout.receive_some()):
        output += chunk
        if output.count(b"\n") >= 2:  # noqa: PLR2004 - a line for each
            _, hub, _, token = output.decode().split()
            return hub, token
    raise OperatorError("the simulator ended before it listened")


def _print_addresses(history: Path, began: datetime, address: str) -> None:
    _print(f"status page  {address}/")
    _print(f"metrics      {address}/metrics")
    _print_report(history, began, "0s")


def _print_report(history: Path, began: datetime, until: str) -> None:
    """Print the command that makes the statement of the demo, as it works from here."""
    by_module = Path(sys.argv[0]).name == "__main__.py"
    program = [sys.executable, "-m", "watchdog"] if by_module else [sys.argv[0]]
    period = ["--from", began.isoformat(), "--to", until]
    output = str(history.with_name("statement.html"))
    command = [*program, "report", "--history", str(history), *period, "--output", output]
    _print(f"report       {shlex.join(command)}")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _settings(hub: str, token: str, history: Path) -> Config:
    return parse(
        {
            "web": {"listen": f"127.0.0.1:{PREFERRED_PORT if _is_free(PREFERRED_PORT) else 0}"},
            "history": {"file": str(history)},
            "feeds": [
                {
                    "name": FEED,
                    "url": hub,
                    "partner_client_id": 1,
                    "token": {"url": token, "secret_env": SECRET_VARIABLE},
                    "games": [{"type": kind, "name": name} for kind, name in GAMES.items()],
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
