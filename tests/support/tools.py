"""The programs that tests drive (promtool, chromium, npm, …), and what happens when one is missing."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

MISSING = "missing tool: "
NEWEST = Path(__file__).resolve().parents[2] / ".cache" / "newest" / "usr" / "bin"
"""Where scripts/install-newest-prometheus puts Prometheus and Alertmanager."""


def require_tool(name: str, *, newest: bool = False) -> str:
    """The path of the executable `name`, from .venv or from PATH; `newest`: from Debian's newest packages.

    Without it the test is skipped, or fails in CI, where nothing may pass by not running.
    """
    if newest:
        found = shutil.which(name, path=str(NEWEST))
    else:
        found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        go_without(f"{name}{' (newest)' if newest else ''}")
    return found


def go_without(name: str) -> NoReturn:
    """Skip the test because `name` is missing, or fail it in CI."""
    reason = f"{MISSING}{name}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
