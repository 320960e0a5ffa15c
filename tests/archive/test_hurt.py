"""What must not hurt a watch: whatever becomes of its file, it goes on, tells, and writes afterwards."""

import os
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
import trio
from msgspec.structs import replace

from tests.support.fake_hub import BASE, TOKEN, TOKEN_VARIABLE, Hub, settings
from tests.support.whole_watch import the
from watchdog.app import Watchdog
from watchdog.archive import archive, writer
from watchdog.archive.database import Database, HistoryError
from watchdog.archive.reading import Period, read
from watchdog.archive.schema import APPLICATION_ID, VERSION
from watchdog.config.schema import History as Kept
from watchdog.core.history import SECOND, History
from watchdog.core.snapshot import HistorySnapshot
from watchdog.core.timeline import timeline
from watchdog.runtime.clock import Clock

PATIENCE_SECONDS = 60.0
EVER = Period(0, 2**62)
HOUR = 3_600.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """The thread's time is real: here it commits and tries again at once."""
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 0.005)
    monkeypatch.setattr(writer, "REOPEN_SECONDS", 0.01)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "history.db"


@asynccontextmanager
async def keeping(file: Path, set_by: Callable[[], float] = lambda: 0.0) -> AsyncIterator[Watchdog]:
    """A whole watch with a history; `set_by` is by how many seconds the wall clock was set."""
    hub = Hub()
    # The thread that writes reads it as well, where there is no loop.
    clock = trio.lowlevel.current_clock()

    def shown() -> float:
        return BASE + clock.current_time() + set_by()

    given = replace(settings(), history=Kept(file=file))
    watchdog = Watchdog(given, clock=Clock(shown), random=lambda: 0.0, dial=hub.dial)
    async with trio.open_nursery() as nursery:
        hub.nursery = nursery
        await nursery.start(watchdog.run)
        yield watchdog
        nursery.cancel_scope.cancel()


def history_of(watchdog: Watchdog) -> HistorySnapshot:
    told = watchdog.snapshot().history
    assert told is not None
    return told


def eventually(watchdog: Watchdog, look: Callable[[HistorySnapshot], bool]) -> HistorySnapshot:
    """Wait for the thread in real time; the loop's own time stands still meanwhile."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not look(told := history_of(watchdog)):
        assert time.monotonic() < limit, told
        time.sleep(0.005)
    return told


def _failing(told: HistorySnapshot) -> bool:
    return told.error is not None


def _writing(told: HistorySnapshot) -> bool:
    return told.error is None


def stored(file: Path, until: int) -> None:
    """Wait until the file has the last sign of life, which comes after all that was before it."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while known_until(file) < until:
        assert time.monotonic() < limit
        time.sleep(0.005)


def known_until(file: Path) -> int:
    try:
        return read(file, EVER).known_until
    except HistoryError:
        return 0  # not begun yet


def seconds_by_state(history: History) -> dict[str, float]:
    """All that is in the file, as one line of time."""
    began = min(stay.began for stay in history.stays)
    booked: dict[str, float] = {}
    for span in timeline(history.runs, history.stays, began, history.known_until).spans:
        booked[span.state] = booked.get(span.state, 0.0) + (span.ended - span.began) / SECOND
    return booked


def assert_all_is_told(file: Path, lasted: float) -> None:
    """The whole watch is there: fresh throughout, and each update counted once."""
    history = read(file, EVER)
    booked = seconds_by_state(history)
    assert sum(booked.values()) == pytest.approx(lasted, abs=0.01)
    assert booked["fresh"] == pytest.approx(lasted, abs=0.1)
    assert sum(row.updates for row in history.rollups) == pytest.approx(2 * lasted, abs=2)


def _foreign(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE notes (text)")


def _newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION + 1}"
        )


def _torn(file: Path) -> None:
    Database(file).close()
    with file.open("r+b") as raw:
        raw.seek(4_096)
        raw.write(b"\xff" * 16_384)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_bytes(b"no database at all" * 1_000), "not a database"),
        (_foreign, "another program"),
        (_newer, "of a newer version"),
        (_torn, "malformed|damaged"),
        (Path.mkdir, "unable to open"),
    ],
)
async def test_a_file_that_is_none_of_ours_stops_nothing_and_all_is_written_once_it_is_gone(
    autojump_clock, file, spoil, words
):
    spoil(file)
    async with keeping(file) as watchdog:
        told = eventually(watchdog, _failing)
        assert any(word in str(told.error) for word in words.split("|"))
        await trio.sleep(60.0)
        assert the(watchdog).state == "fresh"
        assert history_of(watchdog) == told
        file.rename(file.with_name("moved away"))
        eventually(watchdog, _writing)
        await trio.sleep(60.0)
        assert history_of(watchdog) == HistorySnapshot(None, 0)
    assert_all_is_told(file, 120.0)


async def test_a_second_watchdog_on_the_file_is_refused_and_watches_on(autojump_clock, file):
    async with keeping(file) as first:
        eventually(first, _writing)
        stored(file, 1)
        async with keeping(file) as second:
            told = eventually(second, _failing)
            assert f"another watchdog writes it (process {os.getpid()})" in str(told.error)
            await trio.sleep(30.0)
            assert the(second).state == the(first).state == "fresh"
            assert _writing(history_of(first))
    # The second came to its end while the first one wrote: what it had was lost, and its run is not there.
    assert len(read(file, EVER).runs) == 1


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_deleted_while_it_runs_begins_anew(autojump_clock, file, replaced):
    async with keeping(file) as watchdog:
        await trio.sleep(20.0)
        stored(file, 1)
        file.unlink()
        if replaced:
            file.write_bytes(b"")
        await trio.sleep(20.0)
        eventually(watchdog, lambda _: file.exists() and file.stat().st_size > 0)
        eventually(watchdog, _writing)
        await trio.sleep(20.0)
        assert the(watchdog).state == "fresh"
        assert history_of(watchdog).rows_dropped == 0
    history = read(file, EVER)
    assert (len(history.runs), len(history.promises)) == (1, 1)
    # The stay that goes on is in the new file as well, from its begin.
    assert seconds_by_state(history)["fresh"] == pytest.approx(60.0, abs=0.1)


async def test_what_is_too_much_to_wait_is_dropped_and_counted(autojump_clock, file, monkeypatch):
    monkeypatch.setattr(writer, "MOST_ROWS", 1)
    file.mkdir()
    async with keeping(file) as watchdog:
        eventually(watchdog, _failing)
        await trio.sleep(100.0)
        dropped = history_of(watchdog).rows_dropped
        assert dropped > 0
        file.rmdir()
        eventually(watchdog, _writing)
        assert the(watchdog).state == "fresh"
    # What holds and what goes on is never among it, and the counts wait in one row for each game.
    history = read(file, EVER)
    assert [row.game_type for row in history.promises] == [3]
    assert seconds_by_state(history)["fresh"] == pytest.approx(100.0, abs=0.1)
    assert sum(row.updates for row in history.rollups) == pytest.approx(200, abs=2)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_a_clock_that_is_set_by_an_hour_makes_no_stay_of_it(autojump_clock, file, by):
    stepped = [0.0]
    async with keeping(file, lambda: stepped[0]) as watchdog:
        await trio.sleep(30.0)
        stepped[0] = by
        await trio.sleep(30.0)
        assert the(watchdog).state_seconds["fresh"] == pytest.approx(60.0, abs=0.1)
        assert history_of(watchdog) == HistorySnapshot(None, 0)
    history = read(file, EVER)
    (step,) = history.clock_steps
    assert step.by == by * SECOND
    stays = [(stay.ended or history.known_until) - stay.began for stay in history.stays]
    assert all(lasted > 0 for lasted in stays)
    assert sum(stays) / SECOND == pytest.approx(60.0, abs=0.1)
    booked = seconds_by_state(history)
    if by > 0:
        # The hour that was jumped over was not watched.
        assert booked["unobserved"] == pytest.approx(HOUR, abs=0.1)
        assert sum(row.updates for row in history.rollups) == pytest.approx(120, abs=2)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A file system of its own, of 400 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Take all the space that is left."""
    with suppress(OSError), ballast.open("wb", buffering=0) as other:
        while True:
            other.write(bytes(1_024))


def pause() -> None:
    """Give the thread some real time."""
    time.sleep(0.02)


def remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


async def test_a_disk_that_fills_up_and_is_emptied_loses_nothing(autojump_clock, disk):
    file, ballast = disk / "history.db", disk / "ballast"
    async with keeping(file) as watchdog:
        await trio.sleep(20.0)
        stored(file, 1)
        fill(ballast)
        limit = time.monotonic() + PATIENCE_SECONDS
        # What the file had reserved already is used up first.
        while not _failing(history_of(watchdog)):
            assert time.monotonic() < limit
            await trio.sleep(archive.BEAT_SECONDS)
            pause()
        await trio.sleep(60.0)
        assert the(watchdog).state == "fresh"
        lasted = trio.current_time()
        ballast.unlink()
        eventually(watchdog, _writing)
        assert history_of(watchdog).rows_dropped == 0
    assert_all_is_told(file, lasted)


async def test_a_disk_that_is_read_only_until_somebody_mends_it_loses_nothing(autojump_clock, disk):
    file = disk / "history.db"
    remount(disk, "ro")
    async with keeping(file) as watchdog:
        told = eventually(watchdog, _failing)
        assert "Read-only file system" in str(told.error)
        await trio.sleep(60.0)
        assert the(watchdog).state == "fresh"
        remount(disk, "rw")
        eventually(watchdog, _writing)
    assert_all_is_told(file, 60.0)
