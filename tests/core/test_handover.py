"""Handing over from one connection to another: what becomes of each update, without a socket."""

from typing import get_args

import pytest

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.handover import (
    ACTIONS,
    GOOD_SECONDS,
    OVERLAP_SECONDS,
    Action,
    Delivery,
    Position,
    Role,
)

SETTINGS = CheckSettings()
OVERLAP_UPDATES = 10
"""At the defaults: five seconds of an update each half."""


def delivery(role: Role, subscribed_at: float = 0.0) -> Delivery:
    made = Delivery(role, SETTINGS)
    made.subscribed(subscribed_at)
    return made


def test_every_update_of_every_role_has_its_action():
    assert set(ACTIONS) == {(role, where) for role in get_args(Role) for where in get_args(Position)}
    assert set(ACTIONS.values()) == set(get_args(Action))


@pytest.mark.parametrize("sequence_id", [1, 99, 100, 101, 5_000])
def test_what_the_only_connection_delivers_is_judged(sequence_id):
    assert delivery("active").received(sequence_id, 100, 1.0) == "judge"


@pytest.mark.parametrize(
    ("sequence_id", "action"),
    [
        (100 - OVERLAP_UPDATES + 1, "take_over_and_repeat"),
        (100, "take_over_and_repeat"),
        (101, "take_over_and_judge"),
        (102, "overlap"),
        (100 - OVERLAP_UPDATES, "take_over_and_judge"),
        (1, "take_over_and_judge"),
    ],
)
def test_a_standby_takes_over_once_it_is_level(sequence_id, action):
    assert delivery("standby").received(sequence_id, 100, 1.0) == action


def test_a_standby_takes_over_from_a_connection_that_never_delivered():
    assert delivery("standby").received(7, None, 1.0) == "take_over_and_judge"


def test_a_standby_that_stays_ahead_does_not_wait_forever():
    standby, patience = delivery("standby", subscribed_at=10.0), OVERLAP_SECONDS / 2.0
    assert standby.received(105, 100, 10.0 + patience) == "overlap"
    assert standby.received(106, 100, 10.0 + patience + 0.001) == "take_over_and_judge"


def test_after_taking_over_what_the_one_before_delivered_is_only_a_repetition():
    taken = delivery("standby")
    taken.take_over(100, 20.0)
    assert taken.role == "active"
    assert taken.received(100 - OVERLAP_UPDATES + 1, 100, 20.0) == "repeat"
    assert taken.received(100, 100, 20.5) == "repeat"
    assert taken.received(101, 100, 21.0) == "judge"
    # Against what was known then, not against what has been judged since.
    assert taken.received(101, 101, 21.5) == "judge"


def test_what_comes_long_after_is_no_repetition():
    taken = delivery("standby")
    taken.take_over(100, 20.0)
    assert taken.received(100, 100, 20.0 + OVERLAP_SECONDS) == "repeat"
    assert taken.received(100, 100, 20.0 + OVERLAP_SECONDS + 0.001) == "judge"
    assert taken.received(100, 100, 20.0 + OVERLAP_SECONDS) == "judge"


@pytest.mark.parametrize("sequence_id", [99, 100, 101, 102])
def test_a_retired_connection_only_counts(sequence_id):
    retired = delivery("active")
    retired.role = "retired"
    assert retired.received(sequence_id, 100, 1.0) == "overlap"


def test_the_overlap_spans_two_updates_of_a_slow_feed():
    slow = Delivery("standby", CheckSettings(interval_seconds=60.0, silence_reconnect_seconds=600.0))
    slow.subscribed(0.0)
    assert slow.received(99, 100, 1.0) == "take_over_and_repeat"
    assert slow.received(105, 100, 60.0) == "overlap"


def test_a_connection_is_good_once_it_has_delivered_for_long_enough():
    new = Delivery("active", SETTINGS)
    assert not new.good
    new.subscribed(10.0)
    assert not new.good
    new.received(1, None, 10.0 + GOOD_SECONDS - 0.001)
    assert not new.good
    new.received(2, 1, 10.0 + GOOD_SECONDS)
    assert new.good
