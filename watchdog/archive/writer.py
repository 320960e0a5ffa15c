"""The thread that writes the history: it takes rows from a bounded queue, and the loop never waits for it."""

import math
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from watchdog.archive.database import Database, HistoryError
from watchdog.archive.schema import Row, Unfinished
from watchdog.archive.utc import microseconds
from watchdog.core.history import GameKey, HourlyRollup, Promise, Run, Stay

COMMIT_SECONDS = 1.0
"""How often what has come is written."""

REOPEN_SECONDS = 5.0
"""How long to wait before a file that could not be used is tried again."""

MOST_ROWS = 50_000
"""How many rows wait in memory while the file takes none; beyond them the oldest are dropped."""

_BATCH_ROWS = 5_000
_CLEAN_SECONDS = 60.0
_DAY_SECONDS = 86_400.0


class Writer:
    """Writes the rows of one run in the order in which they come, in one commit a second.

    `put` and `alive_at` are for the loop: they never block and never fail. While the file can't be used, rows
    wait. What had to be dropped is counted.
    """

    def __init__(self, path: Path, keep_days: float, run: Run) -> None:
        """`keep_days` is how long a row is kept, above 0."""
        self._path = path
        self._keep_days = keep_days
        self._rows: deque[Row] = deque()
        self._run = run
        # What holds now, and has to be in every file that is opened.
        self._promises: dict[GameKey, Promise] = {}
        self._open_stays: dict[GameKey, Stay] = {}
        # The last roll-up of each game: it replaces the one before and waits for nothing.
        self._counts: dict[GameKey, HourlyRollup] = {}
        self._counted = False
        self._database: Database | None = None
        self._retry_at = self._clean_at = -math.inf
        self._ended: int | None = None
        self._bug: Exception | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write_until_stopped, name="history", daemon=True)
        self.alive_at = run.started
        """The last sign of life of the run, in UTC microseconds."""
        self.error: str | None = None
        """Why the file takes nothing, in one line; None while it takes what is written."""
        self.dropped = 0
        """How many rows were lost because it took none for too long."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, ended: int, within_seconds: float) -> None:
        """Write what waits and let go of the file. A disk that hangs is not waited for any longer than that.

        `ended` is the end of the run, in UTC microseconds.
        """
        self.alive_at = ended
        self._ended = ended
        self._counted = bool(self._counts)
        self._stopping.set()
        self._thread.join(within_seconds)

    def put(self, row: Row) -> None:
        """Have a row written."""
        if isinstance(row, HourlyRollup):
            key = GameKey(row.feed, row.game_type)
            before, self._counts[key] = self._counts.get(key), row
            self._counted = True
            if before is None or before.began == row.began:
                return
            row = before  # its hour is over
        elif isinstance(row, Promise | Stay):
            self._remember(row)
        self._rows.append(row)
        if len(self._rows) > MOST_ROWS:
            with suppress(IndexError):  # the thread has just taken them all
                self._rows.popleft()
                self.dropped += 1

    def check(self) -> None:
        """Raise what ended the thread, if anything did: that is a bug, and no bug is silent."""
        if self._bug is not None:
            raise self._bug

    def _write_until_stopped(self) -> None:
        try:
            while not self._stopping.wait(COMMIT_SECONDS):
                self._work()
            self._retry_at = -math.inf
            self._work()
        except Exception as bug:  # noqa: BLE001 - raised again in the loop
            self._bug = bug
        finally:
            self._let_go()

    def _work(self) -> None:
        """Write what has come, as far as the file takes it."""
        if time.monotonic() < self._retry_at:
            return
        try:
            database = self._database or self._open()
            while self._write_batch(database):
                pass
            self._forget(database)
        except HistoryError as error:
            self.error = str(error)
            self._retry_at = time.monotonic() + REOPEN_SECONDS
            self._let_go()
        else:
            self.error = None

    def _open(self) -> Database:
        database = self._database = Database(self._path)
        # A new file knows nothing of the run and of what goes on, and what waited may have been dropped.
        database.write([self._run, *self._promises.values(), *self._open_stays.values()])
        self._counted = bool(self._counts)
        return database

    def _let_go(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _write_batch(self, database: Database) -> bool:
        """Write up to a batch of rows in one commit; returns whether there are more."""
        # What happened up to then is in the queue already.
        alive_at, ended = self.alive_at, self._ended
        batch: list[Row] = []
        while self._rows and len(batch) < _BATCH_ROWS:
            batch.append(self._rows.popleft())
        more = bool(self._rows)
        run = self._run if more else replace(self._run, last_alive=alive_at, ended=ended)
        counts = [] if more else self._take_counts(run)
        if not batch and not counts and run == self._run:
            return False
        try:
            database.write([*batch, *counts, run])
        except HistoryError:
            self._rows.extendleft(reversed(batch))
            self._counted = self._counted or bool(counts)
            raise
        self._run = run
        return more

    def _take_counts(self, run: Run) -> list[Row]:
        """What is to be written of the counts: one row for all of them, and at the end a row each."""
        if not self._counted:
            return []
        self._counted = False
        counts = tuple(self._counts.values())
        if run.ended is None:
            return [Unfinished(run=run.id, at=run.last_alive, rollups=counts)]
        return [*counts, Unfinished(run=run.id, at=run.ended, rollups=())]

    def _remember(self, row: Promise | Stay) -> None:
        key = GameKey(row.feed, row.game_type)
        if isinstance(row, Promise):
            self._promises[key] = row
        elif row.ended is None:
            self._open_stays[key] = row
        else:
            self._open_stays.pop(key, None)

    def _forget(self, database: Database) -> None:
        """Delete what is older than it is to be kept, piece by piece."""
        now = time.monotonic()
        if now >= self._clean_at:
            more = database.forget(self.alive_at - microseconds(self._keep_days * _DAY_SECONDS))
            self._clean_at = now if more else now + _CLEAN_SECONDS
