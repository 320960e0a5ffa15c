"""The tables of a history file: one for each kind of row, with its fields as columns."""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from watchdog.core.history import (
    AnomalyRow,
    ClockStep,
    Disconnect,
    HourlyRollup,
    Promise,
    Rotation,
    Run,
    Stay,
)

APPLICATION_ID = 0x62637764
"""What SQLite's header says of a file of ours: "bcwd"."""

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE instance (id TEXT NOT NULL);
    INSERT INTO instance VALUES (lower(hex(randomblob(16))));
    CREATE TABLE runs (
        id TEXT NOT NULL PRIMARY KEY, instance TEXT NOT NULL, version TEXT NOT NULL, host TEXT NOT NULL,
        config_hash TEXT NOT NULL, started INTEGER NOT NULL, last_alive INTEGER NOT NULL, ended INTEGER
    );
    CREATE TABLE promises (
        run TEXT NOT NULL, feed TEXT NOT NULL, game_type INTEGER NOT NULL, game TEXT NOT NULL,
        since INTEGER NOT NULL, interval INTEGER NOT NULL, late_after INTEGER NOT NULL,
        objective REAL NOT NULL, UNIQUE (run, feed, game_type, since)
    );
    CREATE TABLE unfinished (run TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, rollups TEXT NOT NULL);
    CREATE TABLE stays (
        run TEXT NOT NULL, feed TEXT NOT NULL, game_type INTEGER NOT NULL, state TEXT NOT NULL,
        began INTEGER NOT NULL, ended INTEGER, because TEXT NOT NULL, UNIQUE (run, feed, game_type, began)
    );
    CREATE INDEX stays_ended ON stays (ended);
    CREATE TABLE anomalies (
        run TEXT NOT NULL, feed TEXT NOT NULL, game_type INTEGER NOT NULL, at INTEGER NOT NULL,
        event TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX anomalies_at ON anomalies (at);
    CREATE TABLE disconnects (
        run TEXT NOT NULL, feed TEXT NOT NULL, game_type INTEGER NOT NULL, at INTEGER NOT NULL,
        reason TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX disconnects_at ON disconnects (at);
    CREATE TABLE rotations (
        run TEXT NOT NULL, feed TEXT NOT NULL, game_type INTEGER NOT NULL, at INTEGER NOT NULL,
        outcome TEXT NOT NULL
    );
    CREATE INDEX rotations_at ON rotations (at);
    CREATE TABLE rollups (
        run TEXT NOT NULL, feed TEXT NOT NULL, game_type INTEGER NOT NULL, began INTEGER NOT NULL,
        updates INTEGER NOT NULL, late INTEGER NOT NULL, missed INTEGER NOT NULL,
        intervals TEXT NOT NULL, latencies TEXT NOT NULL, UNIQUE (run, feed, game_type, began)
    );
    CREATE INDEX rollups_began ON rollups (began);
    CREATE TABLE clock_steps (run TEXT NOT NULL, at INTEGER NOT NULL, by INTEGER NOT NULL);
    """,
)
"""What leads from each version of the schema to the next; the first one from an empty file."""

VERSION = len(MIGRATIONS)
"""The version of the schema that this watchdog writes."""


class Unfinished(Struct, frozen=True, kw_only=True, gc=False):
    """The roll-ups of a run that may still grow, as they were at an instant: one row for all games.

    It is replaced every few seconds, which costs far less than a row for each game. What the hours that are
    over have counted is in `rollups`, and at the end of a run all of it.
    """

    run: str
    at: int
    rollups: tuple[HourlyRollup, ...]


Row = Run | Promise | Unfinished | Stay | AnomalyRow | Disconnect | Rotation | HourlyRollup | ClockStep
_Kind = TypeVar("_Kind", bound=Row)


class Table(NamedTuple, Generic[_Kind]):
    """One table: the kind of row in it, and the column whose time decides what a period holds.

    A row with the key of one that is there replaces it. What SQLite has no type for is a column of JSON.
    """

    name: str
    kind: type[_Kind]
    time: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, which are the fields of a row."""
        return self.kind.__struct_fields__

    @property
    def insert(self) -> str:
        """The statement that writes a row."""
        places = ", ".join("?" * len(self.columns))
        return f"INSERT OR REPLACE INTO {self.name} ({', '.join(self.columns)}) VALUES ({places})"  # noqa: S608 - names of our own

    def values(self, row: _Kind) -> tuple[object, ...]:
        """The values of a row, by column."""
        return tuple(
            msgspec.json.encode(value).decode() if isinstance(value, tuple | msgspec.Struct) else value
            for value in msgspec.structs.astuple(row)
        )

    def row(self, values: Sequence[Any]) -> _Kind:
        """The row that a file has these values of.

        Raises:
            msgspec.ValidationError: they are no row of this kind; the file was changed by someone else.

        """
        fields = zip(self.columns, values, strict=True)
        given = {
            name: msgspec.Raw(value.encode()) if name in _JSON_COLUMNS and isinstance(value, str) else value
            for name, value in fields
        }
        return msgspec.json.decode(msgspec.json.encode(given), type=self.kind)


_JSON_COLUMNS = frozenset({"because", "intervals", "latencies", "rollups"})

TABLES: tuple[Table[Any], ...] = (
    Table("runs", Run, "last_alive"),
    Table("promises", Promise, "since"),
    Table("unfinished", Unfinished, "at"),
    Table("stays", Stay, "ended"),
    Table("anomalies", AnomalyRow, "at"),
    Table("disconnects", Disconnect, "at"),
    Table("rotations", Rotation, "at"),
    Table("rollups", HourlyRollup, "began"),
    Table("clock_steps", ClockStep, "at"),
)
"""All tables; a run comes before what belongs to it."""

TABLE_OF: dict[type[Row], Table[Any]] = {table.kind: table for table in TABLES}
