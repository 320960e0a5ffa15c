"""Handing over from one connection to another: what becomes of each update, without a socket."""

import math
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
    Retry,
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
    taken.take_over(100, 20.0, delivery("active", 19.5))
    assert taken.role == "active"
    assert taken.received(100 - OVERLAP_UPDATES + 1, 100, 20.0) == "repeat"
    assert taken.received(100, 100, 20.5) == "repeat"
    assert taken.received(101, 100, 21.0) == "judge"
    # Against what was known then, not against what has been judged since.
    assert taken.received(101, 101, 21.5) == "judge"


def test_what_comes_long_after_is_no_repetition():
    taken = delivery("standby")
    taken.take_over(100, 20.0, delivery("active", 19.5))
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


def silent(for_seconds: float, at: float = 100.0) -> Delivery:
    """The active connection, which delivered its last update so long ago."""
    return delivery("active", at - for_seconds)


QUIET_SECONDS = OVERLAP_SECONDS
"""At the defaults the overlap is shorter than the silence after which another connection is opened."""


@pytest.mark.parametrize(
    ("sequence_id", "silent_seconds", "action"),
    [
        (100, QUIET_SECONDS - 0.001, "take_over_and_repeat"),
        (105, QUIET_SECONDS - 0.001, "overlap"),
        (100, QUIET_SECONDS, "take_over_and_judge"),
        (99, QUIET_SECONDS, "take_over_and_judge"),
        (101, QUIET_SECONDS, "take_over_and_judge"),
        (105, QUIET_SECONDS, "take_over_and_judge"),
    ],
)
def test_a_standby_neither_waits_for_a_quiet_connection_nor_repeats_it(sequence_id, silent_seconds, action):
    standby = delivery("standby", subscribed_at=99.0)
    assert standby.received(sequence_id, 100, 100.0, silent(silent_seconds)) == action


def test_after_taking_over_from_a_quiet_connection_everything_is_judged():
    taken = delivery("standby", subscribed_at=99.0)
    taken.take_over(100, 100.0, silent(QUIET_SECONDS))
    assert taken.received(100, 100, 100.0) == "judge"


def test_what_is_invalid_makes_a_connection_quiet_but_not_mute():
    active = silent(QUIET_SECONDS)
    assert active.is_quiet(100.0)
    assert active.is_mute(100.0)
    active.invalid(98.0)
    assert active.is_quiet(100.0)
    assert not active.is_mute(100.0)
    assert active.is_mute(98.0 + QUIET_SECONDS)
    assert not silent(1.0).is_mute(100.0)


def test_where_another_connection_is_opened_sooner_than_the_overlap_lasts_that_time_counts():
    checks = CheckSettings(silence_reconnect_seconds=2.0)
    active = Delivery("active", checks)
    active.subscribed(10.0)
    assert not active.is_quiet(11.999)
    assert active.is_quiet(12.0)


SILENCE_SECONDS = SETTINGS.silence_reconnect_seconds


@pytest.mark.parametrize(
    ("active_since", "standby_since", "failed_at", "pause_seconds", "due_at"),
    [
        # Nothing stands by: once the active one has been silent for long enough.
        (0.0, None, None, 0.0, SILENCE_SECONDS),
        # One that failed is tried again as long after, or later if the hub asks for it.
        (0.0, None, 13.0, 0.0, 13.0 + SILENCE_SECONDS),
        (0.0, None, 13.0, 30.0, 43.0),
        (0.0, None, 13.0, 1.0, 13.0 + SILENCE_SECONDS),
        # An old failure is of no account.
        (50.0, None, 13.0, 0.0, 50.0 + SILENCE_SECONDS),
        # One that stands by gives way when it has been silent for as long; and no sooner than the active one.
        (0.0, 12.0, None, 0.0, 12.0 + SILENCE_SECONDS),
        (15.0, 12.0, None, 0.0, 15.0 + SILENCE_SECONDS),
        # A failure before it was opened does not lengthen its time.
        (0.0, 12.0, 11.0, 30.0, 12.0 + SILENCE_SECONDS),
    ],
)
def test_when_another_connection_is_opened_beside_a_silent_one(
    active_since, standby_since, failed_at, pause_seconds, due_at
):
    retry = Retry(SETTINGS)
    if failed_at is not None:
        retry.failed(failed_at, pause_seconds)
    standby = None if standby_since is None else delivery("standby", standby_since)
    assert retry.due_at(delivery("active", active_since), standby) == due_at


def test_nothing_is_due_beside_a_connection_that_is_not_subscribed_nor_while_another_one_connects():
    retry, connecting = Retry(SETTINGS), Delivery("standby", SETTINGS)
    assert retry.due_at(Delivery("active", SETTINGS), None) == math.inf
    assert retry.due_at(delivery("active"), connecting) == math.inf


def test_an_update_puts_off_when_another_connection_is_opened():
    active = delivery("active")
    active.received(1, None, 7.0)
    assert Retry(SETTINGS).due_at(active, None) == 7.0 + SILENCE_SECONDS
