"""The thread that writes the history: what it does while the file takes rows, and while it doesn't."""

import sqlite3
import time
from contextlib import closing

import pytest
from msgspec.structs import replace

from tests.archive.rows import ROWS, at, run, stay
from watchdog.archive import writer as module
from watchdog.archive.database import Database, HistoryError
from watchdog.archive.reading import Period, read
from watchdog.archive.writer import Writer
from watchdog.core.history import HourlyRollup

EVER = Period(0, at(10**6))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "history.db"


@pytest.fixture
def hours(monkeypatch):
    """The thread's monotonic clock, which a test moves on."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def begin(file, **changes):
    """A writer whose thread a test plays itself, with `work`."""
    return Writer(file, 400.0, run(**changes))


def work(writer: Writer) -> None:
    writer._work()


def test_what_was_put_is_there_after_the_next_commit_with_the_sign_of_life(file):
    writer = begin(file)
    writer.put(stay(0, None))
    writer.alive_at = at(61)
    work(writer)
    history = read(file, EVER)
    assert history.stays == (stay(0, None),)
    assert [each.last_alive for each in history.runs] == [at(61)]
    assert writer.error is None


def test_a_sign_of_life_alone_is_written_and_nothing_when_there_is_none(file, monkeypatch):
    writer = begin(file)
    work(writer)
    writes = []
    monkeypatch.setattr(Database, "write", lambda self, rows: writes.append(list(rows)))
    work(writer)
    assert writes == []
    writer.alive_at = at(65)
    work(writer)
    assert writes == [[run(until=65)]]


def test_the_thread_writes_what_waits_before_it_ends_and_ends_the_run(file):
    writer = begin(file)
    writer.start()
    for row in ROWS[1:]:
        writer.put(row)
    writer.stop(at(70), 30.0)
    history = read(file, EVER)
    assert len(history.stays) == 2
    assert [each.ended for each in history.runs] == [at(70)]
    Database(file).close()


def test_a_backlog_is_written_batch_by_batch_and_the_sign_of_life_with_the_last(file, monkeypatch):
    monkeypatch.setattr(module, "_BATCH_ROWS", 3)
    writer = begin(file)
    written = []
    plain = Database.write

    def write(self, rows):
        written.append(rows)
        plain(self, rows)

    monkeypatch.setattr(Database, "write", write)
    for second in range(7):
        writer.put(stay(second, second + 1))
    writer.alive_at = at(99)
    work(writer)
    assert [len(rows) for rows in written] == [1, 4, 4, 2]
    assert [rows[-1].last_alive == at(99) for rows in written] == [False, False, False, True]
    assert len(read(file, EVER).stays) == 7


def test_rows_wait_while_the_file_takes_none_and_are_written_afterwards(file, hours):
    writer = begin(file)
    with closing(Database(file)):
        writer.put(stay(0, 1))
        work(writer)
        assert "another watchdog writes it" in writer.error
    writer.put(stay(1, 2))
    work(writer)
    assert writer.error is not None
    hours[0] += module.REOPEN_SECONDS
    work(writer)
    assert (writer.error, writer.dropped) == (None, 0)
    assert read(file, EVER).stays == (stay(0, 1), stay(1, 2))


def test_a_write_that_fails_loses_nothing_and_keeps_the_order(file, hours, monkeypatch):
    writer = begin(file)
    work(writer)
    plain = Database.write

    def full(self, rows):
        raise HistoryError("database or disk is full")

    monkeypatch.setattr(Database, "write", full)
    writer.put(stay(0, None))
    work(writer)
    writer.put(stay(0, 1))
    assert writer.error == "database or disk is full"
    monkeypatch.setattr(Database, "write", plain)
    hours[0] += module.REOPEN_SECONDS
    work(writer)
    assert read(file, EVER).stays == (stay(0, 1),)


def test_beyond_the_bound_the_oldest_rows_are_dropped_and_counted(file, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 5)
    writer = begin(file)
    for second in range(8):
        writer.put(stay(second, second + 1))
    assert writer.dropped == 3
    work(writer)
    assert [each.began for each in read(file, EVER).stays] == [at(second) for second in range(3, 8)]


def test_a_file_that_is_deleted_begins_anew_with_the_run_and_the_stays_that_go_on(file, hours):
    writer = begin(file)
    writer.put(stay(0, None))
    writer.put(stay(0, None, game_type=7))
    writer.put(stay(0, 5, game_type=7))
    work(writer)
    file.unlink()
    writer.put(stay(5, None, "silent", game_type=7))
    work(writer)
    assert writer.error is not None
    hours[0] += module.REOPEN_SECONDS
    work(writer)
    history = read(file, EVER)
    assert set(history.stays) == {stay(0, None), stay(5, None, "silent", game_type=7)}
    assert [each.id for each in history.runs] == ["a"]


def test_old_rows_go_by_the_days_to_keep(file, hours):
    writer = Writer(file, 1.0, run())
    writer.alive_at = at(86_400 + 100)
    for second in range(0, 1_200, 2):
        writer.put(stay(second, second + 1))
    work(writer)
    for _ in range(3):
        hours[0] += 60.0
        work(writer)
    assert read(file, EVER).stays[0].ended == at(101)


def test_a_bug_in_the_thread_is_raised_in_the_loop(file, monkeypatch):
    def broken(self, rows):
        raise ZeroDivisionError

    monkeypatch.setattr(Database, "write", broken)
    writer = begin(file)
    writer.check()
    writer.start()
    writer.stop(at(1), 30.0)
    with pytest.raises(ZeroDivisionError):
        writer.check()
    Database(file).close()


def rollup(updates: int, *, began: float = 0.0, game_type: int = 3) -> HourlyRollup:
    (plain,) = (row for row in ROWS if isinstance(row, HourlyRollup))
    return replace(plain, updates=updates, began=at(began), game_type=game_type)


def test_counts_that_may_still_grow_are_one_row_for_all_games_and_outlive_a_kill(file):
    writer = begin(file)
    for updates in (1, 2, 3):
        writer.put(rollup(updates))
        writer.put(rollup(10 * updates, game_type=7))
        work(writer)
    assert rows_of(file, "rollups") == 0
    assert rows_of(file, "unfinished") == 1
    assert [row.updates for row in read(file, EVER).rollups] == [3, 30]
    assert [row.updates for row in read(file, Period(0, at(10**6), game_type=7)).rollups] == [30]
    assert read(file, Period(at(1), at(10**6))).rollups == ()


def test_counts_of_an_hour_that_is_over_are_a_row_and_so_are_all_at_the_end(file):
    writer = begin(file)
    writer.put(rollup(3))
    work(writer)
    writer.put(rollup(4))
    writer.put(rollup(1, began=3_600.0))
    work(writer)
    assert rows_of(file, "rollups") == 1
    assert [row.updates for row in read(file, EVER).rollups] == [4, 1]
    writer.start()
    writer.stop(at(3_700.0), 30.0)
    assert rows_of(file, "rollups") == 2
    assert [row.updates for row in read(file, EVER).rollups] == [4, 1]


def rows_of(file, table: str) -> int:
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - names of our own
    return count
