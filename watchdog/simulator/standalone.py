"""The simulator as a program of its own."""

import sys
from functools import partial

import trio

from watchdog.runtime.signals import run_until_signalled
from watchdog.simulator.app import serve
from watchdog.simulator.settings import SimulatorSettings


def start(settings: SimulatorSettings) -> None:
    """Play until SIGTERM or SIGINT, and say on standard output where.

    Raises:
        OSError: the host or port of the settings can't be listened on.

    """
    run_until_signalled(partial(_run, settings))


async def _run(settings: SimulatorSettings) -> None:
    unserved: OSError | None = None
    async with trio.open_nursery() as nursery:
        try:
            address = await nursery.start(serve, settings)
        except OSError as error:
            # Raised below: within the nursery it would come out wrapped in a group.
            unserved = error
            nursery.cancel_scope.cancel()
        else:
            sys.stdout.write(f"hub    {address.ws_url}\ntoken  {address.http_url}/auth/token\n")
            sys.stdout.flush()
    if unserved is not None:
        raise unserved
