"""The programs that tests drive (promtool, chromium, npm, …), and what happens when one is missing."""

import os
import shutil
import sys
from pathlib import Path

import pytest

MISSING = "missing tool: "


def require_tool(name: str) -> str:
    """The path of the executable `name`, from .venv or from PATH.

    Without it the test is skipped, or fails in CI, where nothing may pass by not running.
    """
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is not None:
        return found
    reason = f"{MISSING}{name}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
