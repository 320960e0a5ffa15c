"""A virtual month of eight games: here some dense hours of it; `make month` watches all thirty days."""

import pytest

from tests.month.faults import FAULTS
from tests.month.month import DENSE, GAMES, play_all, summarise
from tests.month.report import DOCUMENT, document, recorded
from tests.month.statements import compare
from tests.month.watch import Game
from tests.support.steps import uncounted_lines
from watchdog.core import incidents
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.ledger import STATES

HOUR = 3_600.0
HOURS = 8
TICK = 1 / 64


@pytest.fixture(scope="module")
def outcomes():
    """Eight hours of eight games with a fault every other minute: some eight seconds of CPU."""
    with uncounted_lines():
        return play_all(2, HOURS * HOUR, DENSE, processes=1)


def test_every_second_of_every_game_is_booked_as_the_programme_has_it(outcomes):
    for outcome in outcomes:
        assert outcome.booked_seconds == outcome.expected_seconds
        assert sum(outcome.booked_seconds.values()) == outcome.seconds >= HOURS * HOUR


def test_every_state_comes_up_in_every_game(outcomes):
    assert all(outcome.expected_seconds[state] > 0 for outcome in outcomes for state in STATES)


def test_every_fault_is_found_and_nothing_else_is(outcomes):
    summary = summarise(outcomes)

    assert summary.mistakes == []
    assert (summary.precision, summary.recall) == (1.0, 1.0)


def test_every_kind_of_fault_strikes_every_game_and_is_found_the_instant_it_can_be_known(outcomes):
    summary = summarise(outcomes)

    assert len(summary.rows) == len(FAULTS)
    for row in summary.rows:
        assert row.injected == row.found >= GAMES
        assert (row.false, row.after_knowable_p50, row.after_knowable_p99) == (0, 0.0, 0.0)


def test_every_counter_of_every_game_is_the_programmes(outcomes):
    assert summarise(outcomes).miscounted == []


def test_the_statements_over_its_history_are_the_programmes(outcomes, tmp_path):
    with uncounted_lines():
        compared = compare(outcomes, tmp_path)

    assert compared.differences == []
    assert compared.statements == 16
    assert compared.incidents > 100 * GAMES
    assert compared.path_seconds > HOUR


def test_a_statement_that_accounts_otherwise_is_found_out(outcomes, tmp_path, monkeypatch):
    monkeypatch.setattr(incidents, "JOINED_BELOW", incidents.JOINED_BELOW * 6)
    with uncounted_lines():
        compared = compare(outcomes[:1], tmp_path)

    assert compared.differences != []


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"tolerance_seconds": 0.25 + TICK}, "silence"),
        ({"timer_frozen_seconds": 3.0 + TICK}, "timer frozen"),
        ({"timer_grace_seconds": 3.0 - TICK}, "timer expired"),
        ({"round_overdue_seconds": 41.0}, "round overdue"),
        ({"maintenance_hold_seconds": 900.0 + TICK}, "maintenance that an outage outlives"),
        ({"sequence": "increasing"}, "sequence gap"),
        ({"timer_unit": "unix"}, "timer frozen"),
    ],
)
def test_a_monitor_that_keeps_another_promise_is_found_out(changed, kind):
    with uncounted_lines():
        outcome = Game("found out", DENSE, CheckSettings(**changed)).play(2.0 * HOUR)

    summary = summarise([outcome])
    assert any(line.startswith(f"{kind}: ") for line in summary.mistakes) or any(
        row.kind == kind and (row.after_knowable_p99 or 0) > 0 for row in summary.rows
    )
    assert summary.off_seconds > 0 or summary.miscounted


def test_the_document_shows_the_recorded_month():
    run = recorded()

    assert run.days >= 30.0
    assert (run.summary.mistakes, run.summary.miscounted, run.summary.off_seconds) == ([], [], 0.0)
    assert run.history.differences == []
    assert DOCUMENT.read_text() == document(run)
