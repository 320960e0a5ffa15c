"""The archive of a whole watch on virtual time: restarts, reloads, clocks set, and a file that fails."""

import time
from typing import Any

import pytest
import structlog
import trio

from tests.support.fake_hub import BASE, TOKEN, TOKEN_VARIABLE, Hub, healthy, wall
from tests.support.whole_watch import document, named, running, the, types
from watchdog.app import Watchdog
from watchdog.archive import writer
from watchdog.archive.database import Database, HistoryError
from watchdog.archive.reading import Period, read
from watchdog.config import load as config
from watchdog.core.history import SECOND, History
from watchdog.core.snapshot import HistorySnapshot
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.clock import Clock

EVER = Period(0, 2**60)
NOWHERE = ConnectionLostError("dns", "no such name")


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)


@pytest.fixture
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "watchdog.toml"
    path.write_text(configured())
    return path


def configured(*game_types: int) -> str:
    return document(types(*(game_types or (3,))), more='[history]\nfile = "history.db"')


def kept(file) -> History:
    return read(file.with_name("history.db"), EVER)


def lines(history: History, game_type: int = 3) -> list[tuple[str, float, float | None]]:
    """The stays of a game by their beginnings, in seconds of the watch's clock."""
    return [
        (stay.state, seconds(stay.began), None if stay.ended is None else seconds(stay.ended))
        for stay in sorted(history.stays, key=lambda stay: stay.began)
        if stay.game_type == game_type
    ]


def seconds(at: int) -> float:
    return round(at / SECOND - BASE, 3)


def events_of(logged: Any, event: str) -> list[tuple[str, str]]:
    return [(entry["id"], entry["whose"]) for entry in named(logged, event)]


async def broken_off(peer):
    """Updates for 20 seconds, then the connection is gone."""
    with trio.move_on_at(20.1):
        await healthy(peer)
    await peer.drop()


async def test_a_run_leaves_its_stays_its_promise_and_its_counts_and_ends_them(autojump_clock, file):
    async with running(Hub(), config.load(file)):
        await trio.sleep_until(30.2)
    history = kept(file)
    assert lines(history)[-1] == ("fresh", 0.0, 30.2)
    (run,) = history.runs
    assert (seconds(run.started), seconds(run.ended or 0)) == (0.0, 30.2)
    assert run.config_hash == config.load(file).digest
    assert [(row.game, row.interval, row.late_after) for row in history.promises] == [("3", 500_000, 750_000)]
    assert [(row.updates, sum(row.intervals.counts)) for row in history.rollups] == [(60, 59)]


async def test_a_restart_within_an_incident_goes_on_with_it(autojump_clock, logged, file):
    async with running(Hub(broken_off, NOWHERE), config.load(file)) as watchdog:
        await trio.sleep_until(40.0)
        assert the(watchdog).incidents["path_or_provider"] == 1
        assert the(watchdog).incident_since == pytest.approx(BASE + 20.1)
    await trio.sleep_until(60.0)
    name = f"betcore-3-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(BASE + 20))}"
    assert events_of(logged, "incident.began")[-1] == (name, "path_or_provider")
    del logged[:]
    async with running(Hub(), config.load(file)) as watchdog:
        # It is the same one, so it isn't counted again.
        assert the(watchdog).incident_since == pytest.approx(BASE + 20.1)
        assert sum(the(watchdog).incidents.values()) == 0
        await trio.sleep_until(69.9)
        assert named(logged, "incident.ended") == []
        await trio.sleep_until(75.0)
        assert the(watchdog).incident_since is None
    assert named(logged, "incident.began") == []
    (over,) = named(logged, "incident.ended")
    assert (over["id"], over["seconds"]) == (name, {"disconnected": 19.9, "unobserved": 20.0})


async def test_a_restart_after_an_incident_begins_another_one(autojump_clock, logged, file):
    async with running(Hub(), config.load(file)):
        await trio.sleep_until(40.0)
    await trio.sleep_until(60.0)
    del logged[:]
    async with running(Hub(), config.load(file)):
        await trio.sleep_until(80.0)
    # The time between the runs is ours.
    name = f"betcore-3-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(BASE + 40))}"
    assert [each for each, _ in events_of(logged, "incident.ended")] == [name]


async def test_a_reload_takes_games_off_adds_others_and_changes_what_is_promised(autojump_clock, file):
    file.write_text(configured(1, 3))
    async with running(Hub(), config.load(file)) as watchdog:
        await trio.sleep_until(20.2)
        file.write_text(configured(3, 7) + "[slo]\nfreshness = 0.9\n")
        watchdog.reload(file)
        await trio.sleep_until(40.4)
    history = kept(file)
    assert lines(history, 1)[-1] == ("fresh", 0.0, 20.2)
    assert lines(history, 3)[-1] == ("fresh", 0.0, 40.4)
    assert lines(history, 7)[-1] == ("fresh", 20.2, 40.4)
    promised = [(row.game_type, seconds(row.since), row.objective) for row in history.promises]
    assert sorted(promised) == [(1, 0.0, 0.999), (3, 0.0, 0.999), (3, 20.2, 0.9), (7, 20.2, 0.9)]
    assert sorted((row.game_type, row.updates) for row in history.rollups) == [(1, 40), (3, 80), (7, 40)]


@pytest.mark.parametrize("by", [3_600.0, -3_600.0])
async def test_a_clock_that_is_set_by_an_hour_ends_each_stay_and_goes_on_by_the_new_time(
    autojump_clock, logged, file, by
):
    offset = [0.0]
    hub = Hub()
    clock = Clock(lambda: wall() + offset[0])
    watchdog = Watchdog(config.load(file), clock=clock, random=lambda: 0.0, dial=hub.dial)
    async with trio.open_nursery() as nursery:
        hub.nursery = nursery
        await nursery.start(watchdog.run)
        await trio.sleep_until(30.2)
        offset[0] = by
        await trio.sleep_until(50.2)
        nursery.cancel_scope.cancel()
    assert [entry["by_seconds"] for entry in named(logged, "clock.stepped")] == [pytest.approx(by)]
    history = kept(file)
    (step,) = history.clock_steps
    assert step.by == by * SECOND
    at = seconds(step.at)
    assert 30.2 <= at < 40.2
    assert {("fresh", 0.0, at), ("fresh", at + by, 50.2 + by)} <= set(lines(history))
    assert all(stay.ended is None or stay.began < stay.ended for stay in history.stays)


async def test_an_incident_that_a_clock_set_back_cuts_short_is_over(autojump_clock, logged, file):
    offset = [0.0]
    hub = Hub(broken_off, NOWHERE)
    clock = Clock(lambda: wall() + offset[0])
    watchdog = Watchdog(config.load(file), clock=clock, random=lambda: 0.0, dial=hub.dial)
    async with trio.open_nursery() as nursery:
        hub.nursery = nursery
        await nursery.start(watchdog.run)
        await trio.sleep_until(30.2)
        offset[0] = -3_600.0
        await trio.sleep_until(50.2)
        assert the(watchdog).incidents["path_or_provider"] == 2
        assert the(watchdog).incident_since == pytest.approx(BASE - 3_600.0 + 32.0, abs=5.0)
        nursery.cancel_scope.cancel()
    began = [name for name, whose in events_of(logged, "incident.began") if whose == "path_or_provider"]
    ended = [name for name, _ in events_of(logged, "incident.ended")]
    assert len(began) == 2
    assert (ended.count(began[0]), ended.count(began[1])) == (1, 0)


async def eventually(holds) -> None:
    """Wait in real time, as the thread that writes does, while the watch goes on on virtual time."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # noqa: ASYNC251 - nothing of virtual time waits for the thread
        await trio.sleep(0.5)


async def test_a_file_that_fails_and_comes_back_is_logged_and_loses_nothing(
    autojump_clock, logged, file, monkeypatch
):
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 0.01)
    monkeypatch.setattr(writer, "REOPEN_SECONDS", 0.01)
    plain = Database.write

    def full(self, rows):
        raise HistoryError("history.db: database or disk is full")

    async with running(Hub(), config.load(file)) as watchdog:
        assert watchdog.snapshot().history == HistorySnapshot(None, 0)
        monkeypatch.setattr(Database, "write", full)
        await eventually(lambda: named(logged, "history.failed"))
        full_disk = HistorySnapshot("history.db: database or disk is full", 0)
        assert watchdog.snapshot().history == full_disk
        monkeypatch.setattr(Database, "write", plain)
        await eventually(lambda: named(logged, "history.writes_again"))
        assert watchdog.snapshot().history == HistorySnapshot(None, 0)
        assert the(watchdog).state == "fresh"
    (failed,) = named(logged, "history.failed")
    assert (failed["log_level"], failed["error"]) == ("error", "history.db: database or disk is full")
    assert [entry["rows_dropped"] for entry in named(logged, "history.writes_again")] == [0]
    assert lines(kept(file))[-1][:2] == ("fresh", 0.0)


async def test_a_file_that_is_none_stops_nothing(autojump_clock, logged, file):
    file.with_name("history.db").write_text("not a database " * 500)
    async with running(Hub(), config.load(file)) as watchdog:
        await trio.sleep_until(20.2)
        assert the(watchdog).state == "fresh"
    assert "not a database" in named(logged, "history.failed")[0]["error"]


async def test_without_a_history_incidents_are_known_and_nothing_is_written(autojump_clock, logged, tmp_path):
    plain = tmp_path / "watchdog.toml"
    plain.write_text(document())
    async with running(Hub(broken_off, NOWHERE), config.load(plain)) as watchdog:
        await trio.sleep_until(40.0)
        assert watchdog.snapshot().history is None
        assert the(watchdog).incidents["path_or_provider"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["watchdog.toml"]
