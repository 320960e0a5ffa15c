"""A hub that speaks the documented feed to any client, with faults on demand."""

from watchdog.simulator.app import serve
from watchdog.simulator.faults import FAULTS
from watchdog.simulator.games import GAMES
from watchdog.simulator.programme import demo_programme, demo_settings
from watchdog.simulator.requests import FaultFileError, FaultRequest, load_faults
from watchdog.simulator.settings import Address, SimulatorSettings
from watchdog.simulator.standalone import start
from watchdog.simulator.tokens import issue_token

__all__ = [
    "FAULTS",
    "GAMES",
    "Address",
    "FaultFileError",
    "FaultRequest",
    "SimulatorSettings",
    "demo_programme",
    "demo_settings",
    "issue_token",
    "load_faults",
    "serve",
    "start",
]
