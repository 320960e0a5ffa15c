from typing import Any

import pytest

from tests.support.builders import TICK, Watch, betting, game, wall
from watchdog.core.protocol.reasons import INVALID_REASONS


def test_before_the_first_update_nothing_is_known_of_maintenance():
    assert Watch().subscribe().snapshot.maintenance is None


@pytest.mark.parametrize(("flag", "state"), [(True, "maintenance"), (False, "fresh")])
def test_the_last_update_says_whether_there_is_maintenance(flag, state):
    watch = Watch().subscribe()

    watch.receive(0.5, maintenance=flag)

    assert watch.state == state
    assert watch.snapshot.maintenance is flag


def test_an_update_ends_the_maintenance_at_once():
    watch = Watch().subscribe()
    watch.receive(0.5, maintenance=True)

    watch.receive(1.0, maintenance=False)

    assert watch.state == "fresh"
    assert watch.seconds == {"fresh": 0.5, "maintenance": 0.5}


def test_maintenance_is_believed_through_silence_and_disconnection():
    watch = Watch().subscribe()
    watch.receive(0.5, maintenance=True)

    watch.advance(300.0)
    watch.lose(301.0)
    watch.subscribe(400.0)
    watch.advance(900.0)

    assert watch.state == "maintenance"
    assert watch.seconds == {"fresh": 0.5, "maintenance": 899.5}


@pytest.mark.parametrize(("connected", "then"), [(True, "silent"), (False, "disconnected")])
def test_maintenance_is_believed_exactly_as_long_as_it_is_held(connected, then):
    watch = Watch(maintenance_hold_seconds=60.0).subscribe()
    watch.receive(0.5, maintenance=True)
    if not connected:
        watch.lose(1.0)

    watch.advance(60.5 - TICK)
    assert watch.state == "maintenance"
    assert watch.monitor.next_deadline == 60.5
    watch.advance(60.5)
    assert watch.state == then
    watch.advance(70.5)
    assert watch.seconds == {"fresh": 0.5, "maintenance": 60.0, then: 10.0}


def test_every_update_in_maintenance_holds_it_anew():
    watch = Watch(maintenance_hold_seconds=60.0).subscribe()
    watch.receive(0.5, maintenance=True)
    watch.receive(50.0, maintenance=True)

    watch.advance(109.0)

    assert watch.state == "maintenance"


def test_without_a_hold_maintenance_is_never_believed():
    watch = Watch(maintenance_hold_seconds=0.0).subscribe()

    watch.receive(0.5, maintenance=True)

    assert watch.state == "fresh"


FROZEN: dict[str, Any] = {"games": (betting(),), "betting_timer": 9}


def in_maintenance(watch):
    return {kind: n for kind, n in watch.snapshot.maintenance_anomalies.items() if n}


def test_anomalies_in_maintenance_are_counted_there_and_nowhere_else():
    watch = Watch().subscribe()
    watch.receive(0.5, maintenance=True, sequence_id=1)

    (found,) = watch.receive(1.0, maintenance=True, sequence_id=3)

    assert found.event == "sequence.gap"
    assert found.detail["in_maintenance"] is True
    assert watch.snapshot.recent_anomalies[-1].detail == found.detail
    assert in_maintenance(watch) == {"gap": 1}
    assert watch.anomalies == {}
    assert watch.snapshot.sequence_missed == 0


@pytest.mark.parametrize("reason", INVALID_REASONS)
def test_invalid_messages_in_maintenance_are_counted_there_and_nowhere_else(reason):
    watch = Watch(maintenance_hold_seconds=60.0).subscribe()
    watch.receive(0.5, maintenance=True)

    (found,) = watch.monitor.invalid(reason, 30.0, wall(30.0), "so")
    watch.monitor.invalid(reason, 60.5, wall(60.5), "so")

    assert found.detail == {"reason": reason, "error": "so", "in_maintenance": True}
    assert in_maintenance(watch) == {reason: 1}
    assert sum(watch.snapshot.invalid_messages.values()) == 1


def test_an_update_of_another_game_in_maintenance_is_counted_there():
    watch = Watch().subscribe()
    watch.receive(0.5, maintenance=True)
    watch.receive(1.0, games=(game(type=4),))

    assert in_maintenance(watch) == {"game_type": 1}


def test_kinds_that_two_checks_share_are_one_in_maintenance():
    watch = Watch().subscribe()
    watch.receive(0.5, maintenance=True, games=(game(id=7),))
    watch.receive(1.0, maintenance=True, sent=0.25, games=(game(id=6),))

    assert in_maintenance(watch) == {"regressed": 2}


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False)])
def test_what_happened_between_two_updates_is_agreed_if_either_is_in_maintenance(before, after):
    watch = Watch().subscribe()
    watch.receive(0.5, maintenance=before)
    watch.receive(1.0, maintenance=after, sequence_id=9)

    assert watch.anomalies == {}
    assert in_maintenance(watch) == {"gap": 1}


def test_what_happened_after_maintenance_or_after_its_hold_is_not_agreed():
    watch = Watch(maintenance_hold_seconds=60.0).subscribe()
    watch.receive(0.5, maintenance=True)
    watch.receive(61.0, sequence_id=9)
    watch.receive(61.5, sequence_id=19)

    assert watch.anomalies == {"sequence.gap": 2}
    assert watch.snapshot.sequence_missed == 7 + 9


def test_a_timer_that_freezes_in_maintenance_counts_there_and_not_again_after_it():
    watch = Watch().subscribe()
    watch.receive(0.5, **FROZEN)
    watch.keep_receiving(5.0, maintenance=True, **FROZEN)
    assert in_maintenance(watch) == {"frozen": 1}

    watch.keep_receiving(20.0, **FROZEN)

    assert watch.state == "frozen"
    assert watch.anomalies == {}
    assert in_maintenance(watch) == {"frozen": 1}
    # Only once it has ended does another one count.
    watch.receive(20.5, games=(betting(),), betting_timer=8)
    watch.keep_receiving(25.0, games=(betting(),), betting_timer=8)
    assert watch.anomalies == {"betting_timer.frozen": 1}


def test_a_timer_that_froze_before_maintenance_does_not_count_again_in_it():
    watch = Watch().subscribe()
    watch.receive(0.5, **FROZEN)
    watch.keep_receiving(5.0, **FROZEN)
    watch.keep_receiving(10.0, maintenance=True, **FROZEN)

    assert watch.anomalies == {"betting_timer.frozen": 1}
    assert in_maintenance(watch) == {}


def test_a_timer_that_began_to_stand_still_in_maintenance_counts_where_it_has_lasted_too_long():
    watch = Watch().subscribe()
    watch.keep_receiving(1.0, maintenance=True, **FROZEN)
    watch.keep_receiving(5.0, **FROZEN)

    assert watch.anomalies == {"betting_timer.frozen": 1}
    assert in_maintenance(watch) == {}


def test_a_timer_that_freezes_by_itself_in_maintenance_counts_there():
    watch = Watch().subscribe()
    watch.keep_receiving(3.0, maintenance=True, games=(betting(),), betting_timer=9)

    watch.advance(3.5)

    assert in_maintenance(watch) == {"frozen": 1}
