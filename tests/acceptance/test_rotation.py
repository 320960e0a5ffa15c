"""Tokens of 20 seconds: eight games go over to six new ones in two minutes, and nothing is lost."""

import os
import time
from contextlib import ExitStack

import pytest

from tests.acceptance.processes import configuration, eventually, simulator, watchdog

pytestmark = pytest.mark.long

SECONDS = float(os.environ.get("BETCORE_ROTATION_SECONDS", "35"))
"""How long to watch. `BETCORE_ROTATION_SECONDS=120` takes the time of a release's check."""

TOKEN_SECONDS = 20
GAMES = range(1, 9)
# A simulator on a busy machine may be late itself.
CHECKS = "[checks]\ntolerance_seconds = 1.0"
TOKEN = 'url = "http://{hub}/auth/token", secret_env = "FEED_SECRET"'


def _of(series, name, **labels):
    wanted = set(labels.items())
    return {
        dict(found)["game_type"]: value
        for (metric, found), value in series.items()
        if metric == name and wanted <= found
    }


def test_games_go_over_from_token_to_token_without_a_gap(tmp_path):
    config = tmp_path / "watchdog.toml"
    with ExitStack() as stack:
        hub = stack.enter_context(
            simulator("--token-seconds", str(TOKEN_SECONDS), stderr=tmp_path / "simulator.log")
        )
        config.write_text(configuration({"betcore": hub}, GAMES, settings=CHECKS, token=TOKEN))
        watched = stack.enter_context(watchdog(config, stderr=tmp_path / "watchdog.log"))
        started = time.monotonic()
        expected = int(SECONDS / (TOKEN_SECONDS / 2)) - 1
        eventually(
            lambda: (
                min(_of(watched.series(), "betcore_feed_rotations_total", outcome="ok").values()) >= expected
            ),
            within=2 * SECONDS + 60,
        )
        eventually(lambda: time.monotonic() - started >= SECONDS, within=SECONDS + 5)
        series = watched.series()
        events = [event["event"] for event in watched.events()]

    for state in ("silent", "frozen", "disconnected", "unauthorized", "maintenance"):
        booked = _of(series, "betcore_feed_state_seconds_total", state=state)
        # A simulator on a busy machine may be late once; a rotation that costs anything costs more.
        assert max(booked.values()) < 1.0, (state, booked)
    assert set(_of(series, "betcore_feed_rotations_total", outcome="failed").values()) == {0}
    anomalies = [
        (name, found)
        for (name, found), value in series.items()
        if value and ("anomalies" in name or name.endswith(("missed_total", "invalid_messages_total")))
    ]
    assert anomalies == []
    assert not [
        found for (name, found), value in series.items() if name == "betcore_feed_disconnects_total" and value
    ]
    attempts = _of(series, "betcore_feed_connection_attempts_total")
    rotated = _of(series, "betcore_feed_rotations_total", outcome="ok")
    # One game may be about to go over just now.
    assert sum(attempts.values()) - len(GAMES) - sum(rotated.values()) in (0, 1)
    assert series["betcore_token_rejections_total", frozenset({("feed", "betcore")})] == 0
    # One request for each renewal, however many games share the token.
    assert events.count("token.refreshed") - 1 - events.count("connection.rotated") / len(GAMES) < 1
