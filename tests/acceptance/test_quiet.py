"""Nobody is woken for nothing: a healthy feed, watched for a while by the real programs, pages nobody."""

import os
import time
from contextlib import ExitStack

import pytest

from tests.acceptance.monitoring import OF_A_SLOW_MACHINE, alertmanager, firing, prometheus, receiving
from tests.acceptance.processes import configuration, eventually, simulator, watchdog

pytestmark = pytest.mark.long

SECONDS = float(os.environ.get("BETCORE_QUIET_SECONDS", "30"))


def test_a_healthy_feed_pages_nobody(tmp_path):
    with ExitStack() as stack:
        receiver, url = stack.enter_context(receiving())
        manager = stack.enter_context(alertmanager(tmp_path, url))
        hub = stack.enter_context(simulator(stderr=tmp_path / "hub.log"))
        config = tmp_path / "watchdog.toml"
        config.write_text(configuration({"studio": hub}, range(1, 9)))
        watched = stack.enter_context(watchdog(config, stderr=tmp_path / "watchdog.log"))
        target = watched.address.removeprefix("http://")
        judge = stack.enter_context(prometheus(tmp_path, target, alertmanager=manager))
        eventually(lambda: receiver.notified)
        until = time.monotonic() + SECONDS
        # This is a test of time going by without anything happening.
        while time.monotonic() < until:
            assert {name for name, _ in firing(judge)} - OF_A_SLOW_MACHINE == {"WatchdogAlive"}
            time.sleep(1.0)

        notified = {notified.subject for notified in receiver.notified}
        assert {subject for subject in notified if subject[1] not in OF_A_SLOW_MACHINE} == {
            ("alive", "WatchdogAlive", "", "")
        }
        assert all(game["messages"] > SECONDS / 2 for game in watched.status()["feeds"][0]["games"])
