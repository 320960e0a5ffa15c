"""History files as a watchdog leaves them, of histories that a test has made up."""

from contextlib import closing
from itertools import chain
from pathlib import Path

from msgspec import structs

from watchdog.archive.database import Database
from watchdog.core.history import History


def written(path: Path, *histories: History) -> Path:
    """A file with all rows of the histories."""
    with closing(Database(path)) as database:
        for history in histories:
            database.write(list(chain.from_iterable(structs.astuple(history))))
    return path
