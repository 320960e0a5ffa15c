"""Reading a history file, also while a watchdog writes it: the rows of a period, whole or page by page."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from watchdog.archive.database import HistoryError, checked_version
from watchdog.archive.schema import TABLES, VERSION, Row, Table, Unfinished
from watchdog.core.history import History, HourlyRollup

MOST_GAME_TYPE = 2**31 - 1
"""The highest number of a game type."""

_MOST_ROWID = 2**63


class Period(Struct, frozen=True):
    """From when until when, in UTC microseconds, the end excluded; of one feed or game type, or of all."""

    began: int
    ended: int
    feed: str | None = None
    game_type: int | None = None


def read(path: Path, period: Period) -> History:
    """All rows of a period, and the runs that wrote them.

    Raises:
        HistoryError: the file can't be read, or is no history.

    """
    with _opened(path) as connection:
        rows = {table.name: [row for _, row in _select(connection, table, period, 0, -1)] for table in TABLES}
    return whole(rows)


def whole(rows: dict[str, list[Any]]) -> History:
    """The rows of all tables as one history; the roll-ups that may still grow are among the others."""
    unfinished: list[Unfinished] = rows.pop("unfinished")
    rollups: list[HourlyRollup] = rows["rollups"]
    # The row of an hour that is over is newer.
    known = {_counted(row) for row in rollups}
    rollups += (row for pack in unfinished for row in pack.rollups if _counted(row) not in known)
    return History(**{name: tuple(found) for name, found in rows.items()})


def _counted(row: HourlyRollup) -> tuple[str, str, int, int]:
    return row.run, row.feed, row.game_type, row.began


class Page(Struct, frozen=True):
    """Some rows of a period, each with its table's name; `after` asks for what follows, None at the end."""

    rows: tuple[tuple[str, Row], ...]
    after: str | None


def read_page(path: Path, period: Period, after: str, most_rows: int) -> Page:
    """Up to `most_rows` rows that follow those that a page before ended with (`after`; "" is the beginning).

    Raises:
        HistoryError: the file can't be read, or is no history.
        ValueError: `after` is none that a page ended with.

    """
    first, position = _place(after)
    rows: list[tuple[str, Row]] = []
    with _opened(path) as connection:
        for table in TABLES[first:]:
            found = list(_select(connection, table, period, position, most_rows - len(rows)))
            rows += ((table.name, row) for _, row in found)
            if len(rows) == most_rows:
                return Page(tuple(rows), f"{table.name}:{found[-1][0] if found else position}")
            position = 0
    return Page(tuple(rows), None)


def _place(after: str) -> tuple[int, int]:
    """The table at which to go on, by its index, and the row in it."""
    if not after:
        return 0, 0
    name, _, number = after.partition(":")
    if not (number.isascii() and number.isdecimal() and int(number) < _MOST_ROWID):
        raise ValueError("no place in a history")
    return [table.name for table in TABLES].index(name), int(number)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(_connect(path)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            version = checked_version(connection, path)
            if version < VERSION:
                raise HistoryError(f"{path}: no history" if version == 0 else f"{path}: of an older version")
            # One instant for all tables.
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: {error}") from None
    except msgspec.ValidationError as error:
        raise HistoryError(f"{path}: a row that is none of a history: {error}") from None


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file to read; one in a folder that can't be written has no journal, so it does not change."""
    if not path.is_file():
        raise HistoryError(f"{path}: no such file")
    address = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as attempt:
            attempt.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        if path.with_name(f"{path.name}-wal").exists():
            raise
        address += "&immutable=1"
    return sqlite3.connect(address, uri=True, isolation_level=None)


def _select(
    connection: sqlite3.Connection, table: Table[Any], period: Period, after: int, most_rows: int
) -> Iterator[tuple[int, Row]]:
    """The rows of a table that have to do with a period, in the order in which they were written."""
    conditions = {
        # A run or a promise may have begun long before.
        "runs": "last_alive >= :began AND started < :ended",
        "promises": "since < :ended AND run IN (SELECT id FROM runs WHERE last_alive >= :began)",
        "unfinished": "at >= :began",
        "stays": "began < :ended AND (ended > :began OR ended IS NULL AND run IN "
        "(SELECT id FROM runs WHERE last_alive >= :began))",
    }
    condition = conditions.get(table.name, f"{table.time} >= :began AND {table.time} < :ended")
    for column in ("feed", "game_type"):
        if column in table.columns:
            condition += f" AND (:{column} IS NULL OR {column} = :{column})"
    statement = (
        f"SELECT rowid, {', '.join(table.columns)} FROM {table.name} "  # noqa: S608 - names of our own
        f"WHERE rowid > :after AND {condition} ORDER BY rowid LIMIT :most"
    )
    given = {**msgspec.structs.asdict(period), "after": after, "most": most_rows}
    for position, *values in connection.execute(statement, given):
        row = table.row(values)
        yield position, _within(row, period) if isinstance(row, Unfinished) else row


def _within(pack: Unfinished, period: Period) -> Unfinished:
    rollups = tuple(
        row
        for row in pack.rollups
        if period.began <= row.began < period.ended
        and period.feed in (None, row.feed)
        and period.game_type in (None, row.game_type)
    )
    return msgspec.structs.replace(pack, rollups=rollups)
