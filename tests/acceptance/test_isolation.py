"""Fifty games in fifty faults at once leave ten healthy ones alone: fresh, and their stamps unbent."""

import pytest

from tests.acceptance.matrix import report
from tests.acceptance.matrix.hub import LATE_SEND_SECONDS
from tests.acceptance.matrix.isolation import (
    FAULTY,
    HEALTHY,
    LATE_AFTER_SECONDS,
    UPDATES,
    faulty_rows,
    measure,
)
from tests.acceptance.processes import alone


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    with alone(tmp_path_factory.getbasetemp().parent):
        return measure(tmp_path_factory.mktemp("isolation"))


def test_there_are_fifty_different_faults_from_all_over_the_matrix():
    rows = faulty_rows()

    assert len({row.name for row in rows}) == FAULTY
    assert {row.strikes for row in rows} == set(report.HEADINGS)


def test_every_fault_strikes(healthy):
    assert healthy.faults == FAULTY


def test_no_anomaly_no_loss_and_no_invalid_message_is_found_in_the_healthy_games(healthy):
    assert healthy.updates >= HEALTHY * (UPDATES - 1)
    assert healthy.counters == {}


def test_the_healthy_games_are_fresh_throughout(healthy):
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


def test_the_document_shows_the_recorded_figures():
    document = report.DOCUMENT.read_text()

    assert report.ISOLATION.part_of(document) == report.isolation_table(report.recorded().isolation)
