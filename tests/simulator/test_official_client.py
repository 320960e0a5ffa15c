import json
import shutil
import subprocess
from pathlib import Path

import pytest
import trio

from tests.support.tools import require_tool
from watchdog.simulator.tokens import issue_token

SOURCE = Path(__file__).parent / "official_client"
INSTALLED = Path(__file__).parents[2] / ".cache" / "official-client"
UPDATES = 6


@pytest.fixture(scope="module")
def official_client():
    """The client's script, beside its installed dependencies; they stay for the next run."""
    npm = require_tool("npm")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    lock, done = SOURCE / "package-lock.json", INSTALLED / "installed.json"
    if not done.exists() or done.read_text() != lock.read_text():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, INSTALLED)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True, timeout=120)
        shutil.copy(lock, done)
    return Path(shutil.copy(SOURCE / "client.mjs", INSTALLED))


@pytest.mark.parametrize("way", ["direct", "negotiate"])
async def test_the_official_client_gets_contiguous_documented_updates(simulated, official_client, way):
    node = require_tool("node")
    async with simulated(interval_seconds=0.2) as address:
        url = f"{address.http_url}{address.path}"
        command = [node, str(official_client), url, issue_token(), "3", str(UPDATES), way]
        finished = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert finished.stderr == b""
    assert finished.returncode == 0
    updates = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [update["sId"] for update in updates] == list(range(UPDATES))
    assert all(list(update) == ["wgi", "tst", "bt", "im", "sId"] for update in updates)
    assert {update["wgi"][0]["t"] for update in updates} == {3}


async def test_the_official_client_is_told_that_its_token_is_not_accepted(simulated, official_client):
    node = require_tool("node")
    async with simulated() as address:
        url = f"{address.http_url}{address.path}"
        command = [node, str(official_client), url, issue_token(lifetime_seconds=-1), "3", "1", "negotiate"]
        finished = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert finished.returncode != 0
    assert b"401" in finished.stderr
