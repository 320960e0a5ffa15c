"""The fault matrix over real sockets: each fault at once on a game of its own, and nothing else is found.

Then the isolation: fifty games in a fault each leave ten healthy ones alone.
"""

import pytest

from tests.acceptance.matrix import report
from tests.acceptance.matrix.hub import LATE_SEND_SECONDS
from tests.acceptance.matrix.isolation import (
    FAULTY,
    HEALTHY,
    LATE_AFTER_SECONDS,
    UPDATES,
    Isolation,
    faulty_rows,
    measure,
)
from tests.acceptance.matrix.row import BUSY_SECONDS, Row
from tests.acceptance.matrix.rows import ROWS
from tests.acceptance.matrix.run import Seen, play
from tests.acceptance.processes import alone
from watchdog.core.ledger import BLAME

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """Row's name → what the watchdog made of it."""
    with alone(tmp_path_factory.getbasetemp().parent):
        seen = play(ROWS, tmp_path_factory.mktemp("matrix"))
    return {row.name: each for row, each in zip(ROWS, seen, strict=True)}


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault_has_exactly_the_counters_states_and_events_of_its_row(
    row: Row, outcome: dict[str, Seen]
) -> None:
    seen = outcome[row.name]
    # Every game begins without a connection, for a moment.
    at_first = {"unobserved", "fresh", "disconnected"}
    if row.failures and not row.beside:
        at_first -= {"disconnected"}

    assert set(seen.counters) == set(row.counters)
    if row.countable:
        assert seen.counters == row.counters
    assert seen.states - at_first == row.states
    assert {event for event, _ in seen.events} == set(row.log)
    for counter in row.counters:
        family, _, reason = counter.partition(":")
        if family == "disconnects":
            assert {("connection.lost", reason), ("connection.failed", reason)} & seen.events
        if family == "invalid_messages":
            assert ("message.invalid", reason) in seen.events
    assert seen.parties.items() <= {str(state): whose for state, whose in BLAME.items()}.items()


@pytest.mark.parametrize("row", [row for row in ROWS if row.recovers], ids=lambda row: row.name)
def test_a_game_is_fresh_again_within_its_backoff(row: Row, outcome: dict[str, Seen]) -> None:
    shortest, longest = row.pause_seconds

    recovery = outcome[row.name].recovery_seconds
    assert recovery is not None
    # The hub may learn of the end of a fault later than the watchdog, but not much.
    assert shortest - 0.2 <= recovery <= longest + BUSY_SECONDS


def test_the_document_shows_the_matrix_and_the_recorded_run() -> None:
    document, recorded = report.DOCUMENT.read_text(), report.recorded()

    assert report.MATRIX.part_of(document) == report.matrix_tables(ROWS, recorded)
    assert report.ISOLATION.part_of(document) == report.isolation_table(recorded.isolation)
    assert set(recorded.recovery_seconds) == {row.name for row in ROWS if row.recovers}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Isolation:
    with alone(tmp_path_factory.getbasetemp().parent):
        return measure(tmp_path_factory.mktemp("isolation"))


def test_there_are_fifty_different_faults_from_all_over_the_matrix() -> None:
    rows = faulty_rows()

    assert len({row.name for row in rows}) == FAULTY
    assert {row.strikes for row in rows} == set(report.HEADINGS)


def test_every_fault_strikes(healthy: Isolation) -> None:
    assert healthy.faults == FAULTY


def test_no_anomaly_no_loss_and_no_invalid_message_is_found_in_the_healthy_games(healthy: Isolation) -> None:
    assert healthy.updates >= HEALTHY * (UPDATES - 1)
    assert healthy.counters == {}


def test_the_healthy_games_are_fresh_throughout(healthy: Isolation) -> None:
    # What the hub itself was late by, on a busy machine, is silence indeed.
    late_seconds = max(0.0, healthy.hub_pause_seconds - LATE_AFTER_SECONDS)

    assert set(healthy.seconds) <= {"fresh", "unobserved"} | ({"silent"} if late_seconds else set())
    assert healthy.seconds["fresh"] > 0.5 * sum(healthy.seconds.values())


def test_their_arrival_stamps_are_bent_by_less_than_10_milliseconds_at_p99_unless_the_hub_was_late_itself(
    healthy,
):
    # What arrives while our own loop stands still is no evidence; on a busy machine that is more.
    assert healthy.exact > 0.5 * healthy.updates
    bent = healthy.exact - healthy.within[f"{LATE_SEND_SECONDS:g}"]
    assert bent <= healthy.late_sends + 0.01 * healthy.exact
