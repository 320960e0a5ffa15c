"""One history file that is written: opened by one watchdog at a time, or refused with a clear word."""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from watchdog.archive.schema import APPLICATION_ID, MIGRATIONS, TABLE_OF, TABLES, VERSION, Row
from watchdog.core.errors import OperatorError
from watchdog.core.history import Run

_BUSY_SECONDS = 1.0
"""How long to wait for a reader that holds the file."""

_PIECE_ROWS = 500
"""How many old rows go at a time."""


class HistoryError(OperatorError):
    """A history file can't be used; the text says which and why, in one line."""


class Database:
    """A history file, open for writing.

    Each commit is synchronised (`synchronous = FULL`), so that a power cut loses no more than a crash does:
    what has not been committed yet. Only a thread of its own waits for it, once a second at most.

    Raises:
        HistoryError: the file can't be used.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = _locked(path)
        try:
            self._connection = _connect(path)
            try:
                self.instance = _prepared(self._connection, path)
                self._identity = _identity(path)
            except BaseException:
                self._connection.close()
                raise
        except BaseException as error:
            os.close(self._lock)
            if isinstance(error, sqlite3.Error | OSError):
                raise _refusal(path, error) from None
            raise

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._lock)

    def write(self, rows: Sequence[Row]) -> None:
        """Write all rows, or none of them.

        Raises:
            HistoryError: none was written.

        """
        try:
            if _identity(self._path) != self._identity:
                raise HistoryError(f"{self._path}: another file is there now")
            with _transaction(self._connection):
                for kind, alike in groupby(rows, type):
                    table = TABLE_OF[kind]
                    self._connection.executemany(table.insert, map(table.values, self._owned(alike)))
        except (sqlite3.Error, OSError) as error:
            raise _refusal(self._path, error) from None

    def forget(self, before: int) -> bool:
        """Delete a piece of what ended before that time (UTC microseconds); returns whether there is more.

        Raises:
            HistoryError: nothing was deleted.

        """
        deleted = 0
        try:
            with _transaction(self._connection):
                for table in TABLES[2:]:
                    deleted = max(deleted, self._delete(table.name, f"{table.time} < ?", before))
                if not deleted:
                    self._delete("runs", "last_alive < ?", before)
                    self._delete("promises", "run NOT IN (SELECT id FROM runs) AND since < ?", before)
            self._connection.execute("PRAGMA incremental_vacuum(200)").fetchall()
        except sqlite3.Error as error:
            raise _refusal(self._path, error) from None
        return deleted == _PIECE_ROWS

    def _delete(self, table: str, condition: str, before: int) -> int:
        chosen = f"SELECT rowid FROM {table} WHERE {condition} LIMIT {_PIECE_ROWS}"  # noqa: S608 - names of our own
        return self._connection.execute(f"DELETE FROM {table} WHERE rowid IN ({chosen})", (before,)).rowcount  # noqa: S608

    def _owned(self, rows: Iterable[Row]) -> Iterable[Row]:
        return (replace(row, instance=self.instance) if isinstance(row, Run) else row for row in rows)


def _refusal(path: Path, error: sqlite3.Error | OSError) -> HistoryError:
    return HistoryError(f"{path}: {getattr(error, 'strerror', None) or error}")


def _locked(path: Path) -> int:
    """The descriptor that keeps other watchdogs off the file.

    The lock is on a file beside it, as closing any descriptor of a database drops SQLite's own locks on it.
    """
    try:
        descriptor = os.open(
            path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
        )
    except OSError as error:
        raise _refusal(path, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise HistoryError(
            f"{path}: another watchdog writes it (process {holder or 'unknown'}); give each its own"
        ) from None
    with suppress(OSError):  # a full disk: the lock holds without the number
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _connect(path: Path) -> sqlite3.Connection:
    # The thread that writes opens and closes; the last commit at the end may be another's.
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # It comes from outside: nothing in it may run.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _prepared(connection: sqlite3.Connection, path: Path) -> str:
    """Bring a file to this version of the schema; returns the id of its instance."""
    version = checked_version(connection, path)
    damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if damage != "ok":
        raise HistoryError(f"{path}: damaged ({' '.join(str(damage).split())[:100]}); move it away")
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 8000000")
    for number in range(version, VERSION):
        mark = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number + 1}"
        connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; {mark}; COMMIT")
    return str(connection.execute("SELECT id FROM instance").fetchone()[0])


def checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a file's schema, 0 of an empty one.

    Raises:
        HistoryError: it is another program's file, or a newer version's.
        sqlite3.Error: it is no database at all.

    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise HistoryError(f"{path}: a database of another program, not a history of this one")
    if version > VERSION:
        raise HistoryError(f"{path}: of a newer version (schema {version}, known here are up to {VERSION})")
    return int(version)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
