import itertools
import math

import pytest

from tests.support.builders import TICK, Watch, betting, changes_of, dealing, game, healthy_rounds, overdue
from watchdog.core.ledger import STATES


def test_a_watch_is_unobserved_until_it_first_tries_to_connect():
    watch = Watch()
    watch.advance(5.0)
    assert watch.state == "unobserved"
    assert not watch.snapshot.tried

    watch.at = 6.0
    watch.monitor.connecting(6.0)

    assert watch.state == "disconnected"
    assert watch.snapshot.tried
    assert watch.seconds == {"unobserved": 6.0}


def test_a_watch_without_a_token_has_tried_and_is_unauthorized():
    watch = Watch()
    watch.monitor.authorized(0.0, ok=False)
    assert watch.state == "unobserved"

    watch.monitor.no_token(2.0)

    assert watch.state == "unauthorized"
    assert watch.snapshot.tried
    assert watch.snapshot.connection_attempts == 0


def test_connecting_and_backing_off_are_disconnected():
    watch = Watch()
    watch.monitor.connecting(0.0)
    watch.monitor.lost("refused", 1.0)
    watch.monitor.connecting(3.0)
    watch.monitor.subscribed(4.0)
    watch.at = 4.0

    assert watch.seconds == {"disconnected": 4.0}
    assert watch.state == "fresh"
    assert watch.snapshot.connection_attempts == 2


def test_from_subscribing_until_the_first_update_is_due_the_game_is_fresh():
    watch = Watch().subscribe(10.0)
    assert watch.state == "fresh"

    watch.advance(10.75 - TICK)
    assert watch.state == "fresh"
    watch.advance(10.75)
    assert watch.state == "silent"


def test_a_game_is_silent_once_the_last_update_is_older_than_interval_and_tolerance():
    watch = Watch().subscribe()
    watch.receive(0.5)

    assert watch.monitor.next_deadline == watch.monitor.update_due_at == 1.25
    assert watch.advance(1.25 - TICK) == []
    assert changes_of(watch.advance(1.25)) == [("fresh", "silent")]


def test_silence_begins_at_its_threshold_however_late_it_is_judged():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.advance(100.0)

    assert watch.seconds == {"fresh": 1.25, "silent": 98.75}


def test_an_update_that_arrives_the_instant_it_is_due_is_on_time():
    watch = Watch().subscribe()
    watch.receive(0.5)

    assert watch.receive(1.25) == []
    assert watch.state == "fresh"


def test_a_late_update_ends_the_silence_the_moment_it_arrives():
    watch = Watch().subscribe()
    watch.receive(0.5)

    assert changes_of(watch.receive(2.25)) == [("fresh", "silent"), ("silent", "fresh")]
    assert watch.seconds == {"fresh": 1.25, "silent": 1.0}


def test_a_silent_game_stays_silent_when_its_connection_is_replaced_until_an_update_comes():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.advance(11.0)

    findings = watch.monitor.replaced("silence", 11.0, "another connection delivers")

    assert [(finding.event, finding.detail["reason"]) for finding in findings] == [
        ("connection.lost", "silence")
    ]
    watch.advance(13.0)
    assert (watch.state, watch.snapshot.connected) == ("silent", True)
    watch.receive(13.5)
    assert watch.seconds == {"fresh": 1.25, "silent": 12.25}
    assert (watch.anomalies, sum(watch.snapshot.intervals.counts)) == ({}, 0)
    assert watch.snapshot.disconnects["silence"] == 1


def test_a_game_whose_connection_is_replaced_in_time_owes_its_next_update_from_then_on():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.at = 1.0

    assert changes_of(watch.monitor.replaced("closed", 1.0)) == []

    assert changes_of(watch.advance(1.75)) == [("fresh", "silent")]
    assert watch.seconds == {"fresh": 1.75}


def test_a_lost_connection_is_disconnected_and_never_silent():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.lose(1.0)

    watch.advance(60.0)

    assert watch.state == "disconnected"
    assert watch.monitor.next_deadline == math.inf
    assert watch.seconds == {"fresh": 1.0, "disconnected": 59.0}


def test_a_rejected_token_makes_a_game_unauthorized_only_while_there_is_no_connection():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.monitor.authorized(0.75, ok=False)
    assert watch.state == "fresh"
    watch.lose(1.0)
    assert watch.state == "unauthorized"
    assert changes_of(watch.monitor.authorized(3.0, ok=True)) == [("unauthorized", "disconnected")]


def test_a_token_that_is_still_good_is_no_news():
    watch = Watch().subscribe()

    assert watch.monitor.authorized(0.1, ok=True) == []


@pytest.mark.parametrize(
    ("settings", "changes", "threshold"),
    [
        ({}, {"sent": 0.0}, 2.5),
        ({}, {"sequence_id": 7}, 2.5),
        ({"timer_frozen_seconds": 4.0}, {"betting_timer": 9, "games": (betting(),)}, 4.5),
        ({"timer_grace_seconds": 1.25}, {"betting_timer": 0, "games": (betting(),)}, 1.75),
        ({"timer_grace_seconds": 1.25}, {"betting_timer": 9, "games": (dealing(),)}, 1.75),
    ],
    ids=["timestamp", "sequence", "frozen", "expired", "lingering"],
)
def test_a_game_is_frozen_exactly_at_the_threshold_while_updates_keep_coming(settings, changes, threshold):
    watch = Watch(**settings).subscribe()
    watch.keep_receiving(threshold - TICK, **changes)

    assert watch.monitor.next_deadline == threshold
    watch.advance(threshold - TICK)
    assert watch.state == "fresh"
    watch.advance(threshold)
    assert watch.state == "frozen"
    watch.advance(threshold + 0.125)
    assert watch.seconds == {"fresh": threshold, "frozen": 0.125}


def test_a_frozen_game_is_frozen_until_the_update_that_moves():
    watch = Watch().subscribe()
    watch.keep_receiving(4.0, sent=0.0)

    watch.receive(4.5)

    assert watch.seconds == {"fresh": 2.5, "frozen": 2.0}


def test_a_frozen_game_from_which_no_update_comes_is_silent():
    watch = Watch().subscribe()
    watch.keep_receiving(4.0, sent=0.0)

    watch.advance(5.0)

    assert watch.state == "silent"
    assert watch.seconds == {"fresh": 2.5, "frozen": 2.25, "silent": 0.25}


def test_after_a_reconnection_a_game_that_was_frozen_is_fresh_until_the_first_update():
    watch = Watch().subscribe()
    watch.receive(0.5, games=(overdue(),))
    watch.lose(1.0)
    watch.subscribe(2.0)
    assert watch.state == "fresh"
    assert watch.snapshot.frozen_because == ()

    watch.receive(2.5, games=(overdue(),))

    assert watch.state == "frozen"


def test_a_game_that_was_frozen_is_silent_when_the_new_connection_brings_nothing():
    watch = Watch().subscribe()
    watch.receive(0.5, games=(overdue(),))
    watch.lose(1.0)
    watch.subscribe(2.0)

    watch.advance(3.0)

    assert watch.state == "silent"
    assert watch.seconds == {"fresh": 0.5 + 0.75, "frozen": 0.5, "disconnected": 1.0, "silent": 0.25}


def test_a_game_is_connected_from_subscribing_until_the_connection_is_lost():
    watch = Watch()
    watch.monitor.connecting(0.0)
    assert not watch.monitor.connected
    watch.monitor.subscribed(1.0)
    assert watch.monitor.connected
    watch.monitor.lost("closed", 2.0)
    assert not watch.monitor.connected


def hold(*states):
    """A game for which each of these states would apply if the others did not."""
    watch = Watch().subscribe()
    games = (overdue(),) if "frozen" in states else (game(),)
    watch.receive(0.5, games=games, maintenance="maintenance" in states)
    if "silent" in states:
        watch.advance(2.0)
    if "unauthorized" in states:
        watch.monitor.authorized(watch.at, ok=False)
    if {"unauthorized", "disconnected"} & set(states):
        watch.lose()
    return watch


@pytest.mark.parametrize("states", list(itertools.combinations(STATES, 2)), ids=" over ".join)
def test_of_two_states_the_one_that_takes_precedence_gets_the_time(states):
    watch = hold(*states)
    before = watch.snapshot.state_seconds

    since, until = watch.at, watch.at + 0.125
    if "unobserved" in states:
        watch.monitor.stalled(since, until)
    watch.advance(until)

    after = watch.snapshot.state_seconds
    assert {state: after[state] - before[state] for state in STATES if after[state] > before[state]} == {
        states[0]: 0.125
    }


@pytest.mark.parametrize("timer", ["seconds", "whole_seconds", "unix", "unix_ms"])
def test_healthy_rounds_are_fresh_without_an_anomaly(timer):
    watch = Watch().subscribe()
    for changes in healthy_rounds(5, timer=timer, windows=3):
        found = watch.receive(**changes)
        assert found == []

    assert watch.anomalies == {}
    assert watch.seconds == {"fresh": watch.at}
    assert watch.snapshot.round_outcomes == {"finished": 5, "cancelled": 0}


def test_healthy_rounds_stay_healthy_across_a_reconnection():
    watch = Watch().subscribe()
    for number, changes in enumerate(healthy_rounds(3)):
        if number % 40 == 39:
            watch.lose()
            watch.subscribe()
        watch.receive(**changes)

    assert watch.anomalies == {}
    assert watch.seconds == {"fresh": watch.at}
