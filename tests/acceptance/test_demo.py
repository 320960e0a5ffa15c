"""The demo, as a user starts it: within two minutes it has shown everything that can go wrong."""

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from watchdog.core.checks.suite import ANOMALY_KINDS
from watchdog.core.ledger import STATES
from watchdog.core.protocol.reasons import INVALID_REASONS

TWO_MINUTES = 120.0

WANTED = (
    {f"state:{state}" for state in STATES if state != "unobserved"}
    | {f"{check}:{kind}" for check, kinds in ANOMALY_KINDS.items() for kind in kinds}
    | {f"invalid:{reason}" for reason in INVALID_REASONS}
    | {
        f"disconnects:{reason}"
        for reason in ("closed", "server_close", "refused", "unauthorized", "oversize")
    }
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The running demo; yields its output so far and the address of its web side."""
    log = tmp_path_factory.mktemp("demo") / "demo.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "watchdog", "demo"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ},
        )
    try:
        yield [process.stdout.readline().decode() for _ in range(3)], process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
        process.stdout.close()
    assert process.returncode == 0


def _shown(address):
    """What one look at /metrics and at the status JSON shows, as short names."""
    shown = set()
    for family in text_string_to_metric_families(httpx.get(f"{address}/metrics").text):
        for sample in family.samples:
            if not sample.value:
                continue
            if sample.name == "betcore_feed_state":
                shown.add(f"state:{sample.labels['state']}")
            elif match := re.fullmatch(r"betcore_feed_(\w+)_anomalies_total", sample.name):
                shown.add(f"{match[1]}:{sample.labels['kind']}")
            elif sample.name == "betcore_feed_invalid_messages_total":
                shown.add(f"invalid:{sample.labels['reason']}")
            elif sample.name == "betcore_feed_disconnects_total":
                shown.add(f"disconnects:{sample.labels['reason']}")
    return shown


def test_the_demo_shows_every_state_and_every_fault_within_two_minutes(demo):
    lines, process = demo
    addresses = dict(line.split() for line in (line.replace("status page", "status") for line in lines))
    address = addresses["metrics"].removesuffix("/metrics")
    assert addresses["status"] == f"{address}/"
    seen, pages = set(), set()
    limit = time.monotonic() + TWO_MINUTES
    while time.monotonic() < limit and not (seen >= WANTED and len(pages) >= len(STATES) - 1):
        seen |= _shown(address)
        games = [
            game for feed in httpx.get(f"{address}/api/v1/status").json()["feeds"] for game in feed["games"]
        ]
        pages |= {game["state"] for game in games}
        time.sleep(0.4)
    assert WANTED - seen == set()
    assert pages >= set(STATES) - {"unobserved"}
    assert process.poll() is None
