import pytest

from tests.support.builders import TICK, Watch


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


def test_anomalies_are_counted_in_maintenance_too():
    watch = Watch().subscribe()
    watch.receive(0.5, maintenance=True, sequence_id=1)
    watch.receive(1.0, maintenance=True, sequence_id=3)

    assert watch.anomalies == {"sequence.gap": 1}
