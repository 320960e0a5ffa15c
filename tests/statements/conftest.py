"""A history with a known day in it, and the time at which it is looked at."""

import pytest

from tests.support.histories import at
from tests.support.history_files import written
from tests.support.statement_commands import DAY, PERIOD, made, seen
from watchdog import statements


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "history.db", seen())


@pytest.fixture
def now(monkeypatch):
    """The time of the machine, in seconds since the histories' beginning."""

    def set_to(seconds):
        monkeypatch.setattr(statements, "time", lambda: at(seconds) / 1e6)

    set_to(30 * DAY)
    return set_to


@pytest.fixture
def stated(capsys, file, now, tmp_path):
    """A statement of the file, which a test may change."""
    path = tmp_path / "statement.json"
    made(capsys, "report", "--history", file, *PERIOD, "--format", "json", "--output", path)
    return path
