from datetime import UTC, datetime

import pytest
from msgspec import structs

from tests.support.builders import TICK, Watch, betting, moment, update, wall
from watchdog.core.arrival import Arrival


def receive_all(watch, *sent, every=0.5):
    for seconds in sent:
        watch.receive(watch.at + every, sent=seconds)
    return watch


def test_a_timestamp_that_advances_is_right():
    assert receive_all(Watch().subscribe(), 0.0, 0.5, 1.0, 1.000001).anomalies == {}


def test_a_timestamp_lower_than_before_has_regressed():
    assert receive_all(Watch().subscribe(), 5.0, 4.999999, 5.5).anomalies == {"timestamp.regressed": 1}


def test_every_regression_counts():
    assert receive_all(Watch().subscribe(), 5.0, 4.0, 3.0).anomalies == {"timestamp.regressed": 2}


@pytest.mark.parametrize(("last", "anomalies"), [(2.5, {}), (2.5 + TICK, {"timestamp.frozen": 1})])
def test_a_timestamp_is_frozen_when_it_is_the_same_for_longer_than_two_seconds(last, anomalies):
    watch = receive_all(Watch().subscribe(), 0.0, 0.0, 0.0, 0.0)

    watch.receive(last, sent=0.0)

    assert watch.anomalies == anomalies


def test_a_timestamp_that_advances_after_exactly_two_seconds_is_not_frozen():
    watch = receive_all(Watch().subscribe(), 0.0, 0.0, 0.0, 0.0)

    watch.receive(2.5, sent=0.5)
    watch.advance(2.5)

    assert watch.anomalies == {}


def test_a_frozen_timestamp_counts_once_and_again_after_it_advanced():
    watch = receive_all(Watch().subscribe(), *[0.0] * 12)
    assert watch.anomalies == {"timestamp.frozen": 1}

    receive_all(watch, *[9.0] * 12)

    assert watch.anomalies == {"timestamp.frozen": 2}


def test_a_timestamp_that_fell_and_then_stands_still_is_frozen_two_seconds_after_it_fell():
    watch = receive_all(Watch().subscribe(), 9.0, *[5.0] * 5)

    watch.advance(3.0 - TICK)
    assert watch.anomalies == {"timestamp.regressed": 1}
    watch.advance(3.0)

    assert watch.anomalies == {"timestamp.regressed": 1, "timestamp.frozen": 1}


def test_a_frozen_timestamp_freezes_the_game_until_it_advances():
    watch = receive_all(Watch().subscribe(), *[0.0] * 6)
    assert watch.state == "frozen"
    assert watch.snapshot.frozen_because == ("timestamp.frozen",)

    receive_all(watch, 1.0)

    assert watch.state == "fresh"


def test_a_timestamp_that_keeps_falling_is_regressed_and_does_not_advance():
    watch = receive_all(Watch().subscribe(), 9.0, 8.0, 7.0, 6.0, 5.0, 4.0)

    assert watch.anomalies == {"timestamp.regressed": 5}
    assert watch.state == "frozen"


def test_silence_is_no_evidence_of_a_frozen_timestamp():
    watch = receive_all(Watch().subscribe(), 0.0, 0.0)

    watch.advance(9.0)

    assert watch.anomalies == {}
    assert watch.state == "silent"


def test_the_time_without_a_connection_is_no_evidence_of_a_frozen_timestamp():
    watch = receive_all(Watch().subscribe(), 0.0, 0.0)
    watch.lose(1.5)
    watch.subscribe(9.0)

    receive_all(watch, 0.0, 0.0)

    assert watch.anomalies == {}


def test_a_timestamp_without_an_offset_is_utc():
    watch = Watch().subscribe()
    naive = update(sequence_id=1)

    watch.monitor.received(
        type(naive)(naive.games, moment(0.5).replace(tzinfo=None), 0, maintenance=False, sequence_id=1),
        Arrival(0.5, wall(0.5)),
        0,
    )

    assert watch.snapshot.clock_offset_seconds == 0.0


@pytest.mark.parametrize(("behind", "latency"), [(0.25, 0.25), (0.0, 0.0), (-3.0, 0.0)])
def test_the_latency_is_arrival_minus_timestamp_and_never_below_zero(behind, latency):
    watch = Watch().subscribe()

    watch.receive(0.5, sent=0.5 - behind)

    assert watch.snapshot.latencies.total == latency
    assert sum(watch.snapshot.latencies.counts) == 1


def test_an_update_whose_arrival_a_stall_of_ours_hid_has_no_latency():
    watch = Watch().subscribe()

    watch.receive(9.0, sent=0.5, exact=False)

    assert sum(watch.snapshot.latencies.counts) == 0
    assert watch.snapshot.clock_offset_seconds is None


def test_a_high_latency_is_told_once_and_again_after_it_was_low():
    watch = Watch(latency_warning_seconds=1.0).subscribe()
    told = []
    for at, behind in enumerate([1.0, 1.0 + TICK, 2.0, 0.5, 3.0], start=1):
        told += [
            (at, f.detail) for f in watch.receive(float(at), sent=at - behind) if f.event == "latency.high"
        ]

    assert told == [(2, {"latency_seconds": 1.016}), (5, {"latency_seconds": 3.0})]


def test_the_clock_offset_is_the_smallest_difference_of_the_last_minute():
    watch = Watch().subscribe()
    for at, behind in [(1.0, 0.25), (1.5, 0.125), (1.75, 0.5), (30.0, 0.375)]:
        watch.receive(at, sent=at - behind)

    assert watch.snapshot.clock_offset_seconds == 0.125
    watch.advance(60.0)
    assert watch.snapshot.clock_offset_seconds == 0.125
    watch.advance(62.0)
    assert watch.snapshot.clock_offset_seconds == 0.375
    watch.advance(91.0)
    assert watch.snapshot.clock_offset_seconds is None


def test_a_minute_later_the_second_of_the_offset_is_taken_anew():
    watch = Watch().subscribe()
    watch.receive(1.0, sent=0.875)

    watch.receive(61.0, sent=60.5)

    assert watch.snapshot.clock_offset_seconds == 0.5


def test_a_negative_clock_offset_says_that_our_clock_is_behind():
    watch = Watch().subscribe()

    watch.receive(0.5, sent=1.0)

    assert watch.snapshot.clock_offset_seconds == -0.5


NEVER = [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]


def receive_at(watch, at, sent, **changes):
    watch.at = at
    watch.sequence_id += 1
    told = structs.replace(update(sequence_id=watch.sequence_id, **changes), sent=sent)
    return watch.monitor.received(told, Arrival(at, wall(at)), 100)


@pytest.mark.parametrize("never", NEVER)
def test_a_timestamp_that_was_never_set_is_not_judged(never):
    watch = Watch().subscribe()
    for number in range(1, 12):
        assert receive_at(watch, number / 2, never) == []
    watch.advance(5.5)

    assert watch.state == "fresh"
    assert watch.anomalies == {}
    assert sum(watch.snapshot.latencies.counts) == 0
    assert watch.snapshot.clock_offset_seconds is None


@pytest.mark.parametrize("never", NEVER)
def test_a_timestamp_is_compared_with_the_last_one_that_was_set(never):
    watch = Watch().subscribe()
    receive_at(watch, 0.5, moment(0.5))
    receive_at(watch, 1.0, never)
    receive_at(watch, 1.5, moment(0.25))

    assert watch.anomalies == {"timestamp.regressed": 1}


def test_a_timestamp_that_is_unset_between_ends_a_standstill():
    watch = Watch().subscribe()
    for at, sent in ((0.5, moment(0)), (1.0, moment(0)), (1.5, moment(0)), (2.0, moment(0))):
        receive_at(watch, at, sent)
    receive_at(watch, 2.5, NEVER[0])
    watch.advance(2.75)

    assert watch.anomalies == {}


@pytest.mark.parametrize(("timer", "left"), [(20.0, 20.0), (-1.0, -1.0), (2e9, None), (2e12, None)])
def test_a_deadline_without_a_timestamp_leaves_nobody_knows_what(timer, left):
    watch = Watch().subscribe()
    receive_at(watch, 0.5, moment(0.5), games=(betting(),), betting_timer=20.0)

    receive_at(watch, 1.0, NEVER[0], games=(betting(),), betting_timer=timer)

    assert watch.snapshot.betting_timer_seconds == left


# --- local time without a zone

HOUR = 3_600.0


def zones(findings):
    return [finding.detail for finding in findings if finding.event == "clock.time_zone"]


@pytest.mark.parametrize("zone", [3 * HOUR, -5 * HOUR, 5.75 * HOUR, -1_800.0, 14 * HOUR, 29.0 + HOUR])
def test_whole_quarter_hours_are_a_time_zone_which_is_said_once_and_taken_off(zone):
    watch = Watch().subscribe()
    whole = round(zone / 900.0) * 900.0
    found = []
    for at in (0.5, 1.0, 1.5):
        found += watch.receive(at, sent=at - 0.25 + zone)

    assert zones(found) == [{"tst_ahead_seconds": whole}]
    assert watch.snapshot.clock_offset_seconds == 0.25 + whole - zone
    assert watch.snapshot.latencies.total == max(3 * (0.25 + whole - zone), 0.0)
    assert "latency.high" not in [finding.event for finding in found]


@pytest.mark.parametrize("skew", [600.0, -900.0, 900.0, 1_200.0, 4_000.0, HOUR + 31.0, -HOUR + 32.0])
def test_any_other_difference_is_a_skew(skew):
    watch = Watch().subscribe()

    found = watch.receive(0.5, sent=0.5 + skew)

    assert zones(found) == []
    assert watch.snapshot.clock_offset_seconds == -skew


def test_a_path_that_is_ever_later_is_no_time_zone():
    watch = Watch().subscribe()
    found = []
    for second in range(1, 3_700):
        found += watch.receive(float(second), sent=0.5)

    assert zones(found) == []
    assert watch.snapshot.clock_offset_seconds == pytest.approx(3_639.5, abs=1.0)


def test_another_zone_is_said_and_the_same_one_is_not_said_again():
    watch = Watch().subscribe()
    found = []
    for at, zone in enumerate([HOUR, 0.0, HOUR, 2 * HOUR], start=1):
        found += watch.receive(float(at), sent=at + zone)

    assert zones(found) == [{"tst_ahead_seconds": 3_600}, {"tst_ahead_seconds": 7_200}]
    assert watch.snapshot.clock_offset_seconds == 0.0
