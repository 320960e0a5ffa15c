"""A history file: what it takes, and how it refuses what it can't be."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.archive.rows import GAME, ROWS, at, run, stay
from watchdog.archive.database import Database, HistoryError
from watchdog.archive.reading import Period, read
from watchdog.archive.schema import APPLICATION_ID, VERSION
from watchdog.core.history import AnomalyRow

EVER = Period(0, at(10**6))


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def database(file) -> Iterator[Database]:
    with closing(Database(file)) as opened:
        yield opened


def test_a_row_of_each_kind_is_read_as_it_was_written(file, database):
    database.write(ROWS)

    history = read(file, EVER)

    found = (
        *history.runs,
        *history.promises,
        *history.stays,
        *history.anomalies,
        *history.disconnects,
        *history.rotations,
        *history.rollups,
        *history.clock_steps,
    )
    assert found == (run(instance=database.instance), *ROWS[1:])


def test_the_end_of_a_stay_replaces_its_begin(file, database):
    database.write([run(), stay(0, None)])
    database.write([stay(0, 10), stay(10, None, "silent")])
    assert read(file, EVER).stays == (stay(0, 10), stay(10, None, "silent"))


def test_a_file_keeps_its_instance_and_its_rows_when_it_is_opened_again(file):
    with closing(Database(file)) as first:
        first.write(ROWS)
    with closing(Database(file)) as second:
        assert second.instance == first.instance
    assert read(file, EVER).runs == (run(instance=first.instance),)


def test_of_a_write_that_fails_nothing_is_there(file, database):
    with pytest.raises(HistoryError, match="NOT NULL"):
        database.write([run(), stay(0, None, None)])
    assert read(file, EVER).runs == ()


def test_a_second_watchdog_is_refused_with_the_process_that_writes(file, database):
    with pytest.raises(
        HistoryError, match=rf"history.db: another watchdog writes it \(process {os.getpid()}\)"
    ):
        Database(file)
    database.write(ROWS)


def test_once_the_first_has_let_go_the_second_may_write(file):
    Database(file).close()
    Database(file).close()


def _sqlite(file: Path, script: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda file: file.write_bytes(b"no database at all" * 100), "file is not a database"),
        (lambda file: _sqlite(file, "CREATE TABLE notes (text)"), "a database of another program"),
        (lambda file: _sqlite(file, "PRAGMA application_id = 7"), "a database of another program"),
        (
            lambda file: _sqlite(
                file, f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION + 1}"
            ),
            rf"of a newer version \(schema {VERSION + 1}, known here are up to {VERSION}\)",
        ),
        (lambda file: file.mkdir(), "unable to open database file"),
    ],
)
def test_what_is_no_history_is_refused_and_left_as_it_is(file, made, words):
    made(file)
    before = file.read_bytes() if file.is_file() else b""
    for _ in range(2):
        with pytest.raises(HistoryError, match=f"^{file}: {words}"):
            Database(file)
    assert (file.read_bytes() if file.is_file() else b"") == before
    with pytest.raises(HistoryError, match=str(file)):
        read(file, EVER)


def test_a_damaged_file_is_refused_as_damaged(file):
    with closing(Database(file)) as database:
        database.write([run(), *(stay(second, second + 1) for second in range(2_000))])
    with file.open("r+b") as raw:
        raw.seek(5 * 4_096)
        raw.write(b"\xff" * 8_192)
    with pytest.raises(HistoryError, match=f"^{file}: (damaged|database disk image is malformed)"):
        Database(file)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(HistoryError, match=r"nowhere/history\.db: No such file or directory"):
        Database(tmp_path / "nowhere" / "history.db")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_somebody_takes_away_is_noticed_at_the_next_write(file, database, replaced):
    database.write(ROWS)
    file.unlink()
    if replaced:
        file.write_bytes(b"")
    with pytest.raises(HistoryError, match="another file is there now" if replaced else "No such file"):
        database.write([run()])


def test_old_rows_go_in_pieces_and_young_ones_stay(file, database):
    old = [stay(second, second + 1) for second in range(700)]
    lost = [AnomalyRow(**GAME, at=at(second), event="sequence.gap") for second in range(10)]
    database.write([run(until=2_000), *old, *lost, stay(700, None), run("gone", 0, 100)])

    assert database.forget(at(700.5))
    assert not database.forget(at(700.5))
    assert not database.forget(at(700.5))

    history = read(file, EVER)
    assert history.stays == (stay(700, None),)
    assert history.anomalies == ()
    assert [each.id for each in history.runs] == ["a"]


def test_a_period_has_what_lies_in_it_and_the_stays_that_reach_into_it(file, database):
    database.write([run(), stay(0, 10), stay(10, 20), stay(20, 30), stay(30, None)])
    assert read(file, Period(at(12), at(20))).stays == (stay(10, 20),)
    assert read(file, Period(at(10), at(21))).stays == (stay(10, 20), stay(20, 30))
    assert read(file, Period(at(50), at(70))).stays == (stay(30, None),)
    assert read(file, Period(at(61), at(70))).stays == ()


def test_one_feed_or_game_type_is_read_alone(file, database):
    other = stay(0, 5, feed="other", game_type=7)
    database.write([run(), stay(0, 10), other])
    assert read(file, Period(0, at(99), feed="other")).stays == (other,)
    assert read(file, Period(0, at(99), game_type=3)).stays == (stay(0, 10),)


def test_a_copy_in_a_folder_that_can_not_be_written_is_read(file, monkeypatch):
    with closing(Database(file)) as database:
        database.write(ROWS)
    plain = sqlite3.connect

    def read_only(address: str, **options: object) -> sqlite3.Connection:
        if "immutable" not in str(address):
            raise sqlite3.OperationalError("unable to open database file")
        return plain(address, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(sqlite3, "connect", read_only)
    assert len(read(file, EVER).stays) == 2
