"""The simulator as a program of its own."""

import sys
from functools import partial

import trio

from watchdog.runtime.nursery import open_nursery_of_body
from watchdog.runtime.signals import run_until_signalled
from watchdog.simulator.app import serve
from watchdog.simulator.settings import SimulatorSettings


def start(settings: SimulatorSettings) -> None:
    """Play until SIGTERM or SIGINT, and write the addresses to standard output.

    Raises:
        OSError: the host or port of the settings can't be listened on.

    """
    run_until_signalled(partial(_run, settings))


async def _run(settings: SimulatorSettings) -> None:
    async with open_nursery_of_body() as nursery:
        address = await nursery.start(serve, settings)
        sys.stdout.write(f"hub    {address.ws_url}\ntoken  {address.http_url}/auth/token\n")
        sys.stdout.flush()
        await trio.sleep_forever()
