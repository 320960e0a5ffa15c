"""The simulator against the Python clients that people use, each in a process of its own."""

import json
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import trio

from watchdog.simulator.settings import Address
from watchdog.simulator.tokens import issue_token

CLIENTS = Path(__file__).parent / "python_clients"
UPDATES = 4


async def run(client: str, address: Address, way: str) -> CompletedProcess[bytes]:
    url = f"{address.http_url}{address.path}"
    command = [sys.executable, str(CLIENTS / f"{client}_client.py"), url, issue_token(), "3", str(UPDATES)]
    return await trio.run_process([*command, way], capture_stdout=True, capture_stderr=True, check=False)


@pytest.mark.parametrize("way", ["direct", "negotiate"])
@pytest.mark.parametrize("client", ["pysignalr", "signalrcore"])
async def test_a_client_gets_contiguous_documented_updates(simulated, client, way):
    async with simulated(interval_seconds=0.2) as address:
        finished = await run(client, address, way)
    assert finished.returncode == 0, finished.stderr.decode()
    updates = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [update["sId"] for update in updates] == list(range(UPDATES))
    assert all(list(update) == ["wgi", "tst", "bt", "im", "sId"] for update in updates)
    assert {update["wgi"][0]["t"] for update in updates} == {3}


async def test_a_handshake_of_version_0_is_refused_as_hubs_before_net_8_do(simulated):
    async with simulated() as address:
        finished = await run("signalrcore", address, "by-default")
    assert finished.returncode != 0
    assert b"The server does not support version 0 of the 'json' protocol." in finished.stderr
