"""The fault matrix over real sockets: each fault at once on a game of its own, and nothing else is found."""

import pytest

from tests.acceptance.matrix import report
from tests.acceptance.matrix.row import BUSY_SECONDS, Row
from tests.acceptance.matrix.rows import ROWS
from tests.acceptance.matrix.run import play
from tests.acceptance.processes import alone
from watchdog.core.ledger import BLAME

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Row's name → what the watchdog made of it."""
    with alone(tmp_path_factory.getbasetemp().parent):
        seen = play(ROWS, tmp_path_factory.mktemp("matrix"))
    return {row.name: each for row, each in zip(ROWS, seen, strict=True)}


def test_every_row_has_a_name_of_its_own():
    assert len({row.name for row in ROWS}) == len(ROWS)


@each_row
def test_a_fault_changes_exactly_the_counters_of_its_row(row: Row, outcome):
    counted = outcome[row.name].counters

    assert set(counted) == set(row.counters)
    if row.countable:
        assert counted == row.counters


@each_row
def test_a_fault_is_booked_to_exactly_the_states_of_its_row(row: Row, outcome):
    # Every game begins without a connection, for a moment.
    seen = outcome[row.name].states - (
        {"unobserved", "fresh"} if row.failures else {"unobserved", "fresh", "disconnected"}
    )

    assert seen == row.states


@each_row
def test_a_fault_has_exactly_the_log_events_of_its_row(row: Row, outcome):
    logged = outcome[row.name].events

    assert {event for event, _ in logged} == set(row.log)
    for counter in row.counters:
        family, _, reason = counter.partition(":")
        if family == "disconnects":
            assert {("connection.lost", reason), ("connection.failed", reason)} & logged
        if family == "invalid_messages":
            assert ("message.invalid", reason) in logged


@each_row
def test_the_status_names_the_party_of_each_state(row: Row, outcome):
    for state, whose in outcome[row.name].parties.items():
        assert whose == BLAME[state]


@pytest.mark.parametrize("row", [row for row in ROWS if row.recovers], ids=lambda row: row.name)
def test_a_game_is_fresh_again_within_its_backoff(row: Row, outcome):
    shortest, longest = row.pause_seconds

    recovery = outcome[row.name].recovery_seconds
    assert recovery is not None
    # The hub may learn of the end of a fault later than the watchdog, but not much.
    assert shortest - 0.2 <= recovery <= longest + BUSY_SECONDS


def test_the_document_shows_the_matrix_and_the_recorded_run():
    document = report.DOCUMENT.read_text()

    assert report.MATRIX.part_of(document) == report.matrix_tables(ROWS, report.recorded())


def test_the_recorded_run_is_of_these_rows():
    assert set(report.recorded().recovery_seconds) == {row.name for row in ROWS if row.recovers}
