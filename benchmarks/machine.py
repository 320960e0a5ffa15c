"""What a run was recorded on: cores, kernel, versions."""

import os
import platform
import re
import resource
import shutil
from importlib.metadata import version
from pathlib import Path

from benchmarks.contenders import CLIENTS
from benchmarks.programs import BenchmarkError, run
from watchdog import __version__

_LIBRARIES = ("trio", "trio-websocket", "wsproto", "msgspec", "prometheus-client")
_COMMANDS = {"node": ("node", "--version"), "cc": ("cc", "--version"), "valgrind": ("valgrind", "--version")}


def facts() -> dict[str, str]:
    """The facts by name, without the machine's own name, paths or addresses."""
    found = {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "betcore-watchdog": __version__,
        **{library: version(library) for library in _LIBRARIES},
    }
    for name, command in _COMMANDS.items():
        if shutil.which(command[0]) is not None:
            found[name] = _first_line(command)
    found |= dict(
        re.findall(r'"(@microsoft/signalr)": "([^"]+)"', (CLIENTS / "node/package.json").read_text())
    )
    pinned = (CLIENTS / "requirements.txt").read_text()
    return found | dict(re.findall(r"^(pysignalr|signalrcore)==(\S+)", pinned, re.MULTILINE))


def raise_limit_of_files() -> None:
    """Let the programs started from here open as many files as the machine allows: each game needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _first_line(command: tuple[str, ...]) -> str:
    try:
        return run(command, limit_seconds=10).splitlines()[0]
    except (BenchmarkError, IndexError):
        return "unknown"
