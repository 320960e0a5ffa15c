"""A process that is stopped for a while blames nobody for what it did not see."""

import os
import signal
import time

import pytest

from tests.acceptance.processes import configuration, eventually, simulator, watchdog

STOPPED_SECONDS = 3.0
"""More than an update may be late here: blamed on the hub, it would be silence."""


@pytest.fixture(scope="module")
def after_the_stop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stall")
    with simulator("--games", "1,3", stderr=folder / "hub.log") as address:
        config = folder / "watchdog.toml"
        # A hub on a busy machine may be late itself.
        checks = "[checks]\ntolerance_seconds = 1.5"
        config.write_text(configuration({"hub": address}, (1, 3), settings=checks))
        with watchdog(config, stderr=folder / "log") as watched:
            eventually(lambda: _least_messages(watched) > 4)
            before, began = watched.series(), time.monotonic()
            os.kill(watched.process.pid, signal.SIGSTOP)
            time.sleep(STOPPED_SECONDS)  # the one thing here that takes time is what is tested
            os.kill(watched.process.pid, signal.SIGCONT)
            eventually(lambda: _least_messages(watched) > 14)
            yield before, watched.series(), time.monotonic() - began


def _least_messages(watched):
    return min(game["messages"] for feed in watched.status()["feeds"] for game in feed["games"])


def _risen(after_the_stop, name):
    before, after, _ = after_the_stop
    return {
        dict(labels).get("state") or dict(labels).get("kind") or dict(labels).get("reason"): value
        - before[key]
        for key, value in after.items()
        for metric, labels in [key]
        if metric == name and ("game_type", "3") in labels and value != before[key]
    }


def test_the_time_is_booked_as_unobserved_and_to_nobody_else(after_the_stop):
    risen = _risen(after_the_stop, "betcore_feed_state_seconds_total")

    assert set(risen) == {"unobserved", "fresh"}
    # The last beat before the stop was up to 50 ms old. A busy machine stops the process by itself as well.
    _, _, lasted = after_the_stop
    assert STOPPED_SECONDS - 0.1 <= risen["unobserved"] <= lasted


@pytest.mark.parametrize(
    "name",
    [
        "betcore_feed_sequence_anomalies_total",
        "betcore_feed_betting_timer_anomalies_total",
        "betcore_feed_timestamp_anomalies_total",
        "betcore_feed_round_anomalies_total",
        "betcore_feed_disconnects_total",
    ],
)
def test_no_anomaly_is_found_in_it(after_the_stop, name):
    assert _risen(after_the_stop, name) == {}


def test_no_update_counts_as_late(after_the_stop):
    _, after, _ = after_the_stop
    labels = {"feed": "hub", "game": "Game 3", "game_type": "3"}
    counts = [
        after["betcore_feed_message_interval_seconds_bucket", frozenset((labels | {"le": le}).items())]
        for le in ("2.0", "+Inf")
    ]

    assert counts[0] == counts[1]
