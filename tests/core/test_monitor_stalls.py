"""What the monitor makes of a stall of our own loop: nothing was observed, and nobody is blamed."""

from tests.support.builders import Watch, betting, changes_of, wall


def test_a_stall_of_ours_is_booked_as_unobserved():
    watch = Watch().subscribe()
    watch.receive(0.5)

    found = watch.monitor.stalled(0.75, 1.0)
    watch.receive(1.0)

    assert changes_of(found) == [("fresh", "unobserved"), ("unobserved", "fresh")]
    assert watch.seconds == {"fresh": 0.75, "unobserved": 0.25}


def test_an_update_that_came_late_because_of_us_blames_nobody():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.monitor.stalled(0.75, 3.0)
    assert watch.state == "unobserved"
    watch.receive(3.0, exact=False)
    watch.advance(3.25)

    assert watch.seconds == {"fresh": 1.0, "unobserved": 2.25}


def test_an_update_that_the_kernel_stamped_during_a_stall_was_on_time():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.monitor.stalled(0.75, 1.5)
    watch.receive(1.0)
    watch.advance(1.625)

    assert watch.seconds == {"fresh": 0.75 + 0.125, "unobserved": 0.75}
    assert watch.snapshot.intervals.total == 0.5


def test_real_silence_begins_after_the_stall():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.monitor.stalled(0.75, 3.0)
    assert watch.monitor.next_deadline <= 3.0
    watch.advance(3.0)
    assert watch.state == "silent"
    watch.advance(4.0)

    assert watch.seconds == {"fresh": 0.75, "unobserved": 2.25, "silent": 1.0}


def test_silence_before_a_stall_stays_silence():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.monitor.stalled(2.0, 3.0)
    watch.advance(3.0)

    assert watch.seconds == {"fresh": 1.25, "silent": 0.75, "unobserved": 1.0}


def test_silence_goes_on_with_the_end_of_a_stall_without_anyone_asking():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.advance(1.25)

    watch.monitor.stalled(2.0, 3.0)

    assert watch.state == "silent"
    watch.at = 4.0
    assert watch.seconds == {"fresh": 1.25, "silent": 0.75 + 1.0, "unobserved": 1.0}


def test_an_update_that_ended_a_silence_during_a_stall_ends_it():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.advance(1.25)

    watch.monitor.stalled(2.0, 3.0)
    watch.receive(2.75)
    watch.advance(3.25)

    assert watch.seconds == {"fresh": 1.25 + 0.25, "silent": 0.75, "unobserved": 1.0}


def test_a_stall_that_ends_before_the_next_update_is_due_does_not_excuse_the_silence_after_it():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.monitor.stalled(0.75, 1.0)
    watch.advance(2.0)

    assert watch.seconds == {"fresh": 0.75 + 0.25, "unobserved": 0.25, "silent": 0.75}


def test_a_stall_without_a_connection_goes_back_to_being_disconnected():
    watch = Watch().subscribe()
    watch.lose(0.5)

    watch.monitor.stalled(1.0, 3.0)

    assert watch.state == "disconnected"
    watch.advance(4.0)
    assert watch.seconds == {"fresh": 0.5, "disconnected": 1.5, "unobserved": 2.0}


def test_a_connection_found_lost_after_a_stall_is_disconnected_from_then_on():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.monitor.stalled(0.75, 3.0)

    watch.lose(3.0)
    watch.advance(4.0)

    assert watch.seconds == {"fresh": 0.75, "unobserved": 2.25, "disconnected": 1.0}


def test_an_invalid_message_after_a_stall_does_not_say_whether_the_feed_was_silent():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.monitor.stalled(0.75, 3.0)

    watch.monitor.invalid("json", 3.0, wall(3.0))

    assert watch.state == "unobserved"


def test_two_stalls_in_a_row_are_both_unobserved():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.monitor.stalled(0.75, 2.0)
    watch.monitor.stalled(2.0, 3.0)

    watch.receive(3.0, exact=False)

    assert watch.seconds == {"fresh": 0.75, "unobserved": 2.25}


def test_news_of_the_token_after_a_stall_do_not_say_whether_the_feed_was_silent():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.monitor.stalled(0.75, 3.0)

    assert watch.monitor.authorized(3.0, ok=False) == []

    assert watch.state == "unobserved"


def test_a_condition_that_only_lasts_because_of_our_stall_is_no_anomaly():
    watch = Watch().subscribe()
    watch.receive(0.5, games=(betting(),), betting_timer=9)

    watch.monitor.stalled(0.75, 10.0)
    watch.receive(10.0, exact=False, games=(betting(),), betting_timer=9)
    watch.receive(10.5, games=(betting(),), betting_timer=8)

    assert watch.anomalies == {}


def test_a_condition_that_goes_on_after_our_stall_is_one_after_its_own_time():
    watch = Watch().subscribe()
    watch.receive(0.5, games=(betting(),), betting_timer=9)

    watch.monitor.stalled(0.75, 10.0)
    watch.receive(10.0, exact=False, games=(betting(),), betting_timer=9)
    watch.keep_receiving(13.5, games=(betting(),), betting_timer=9)

    assert watch.anomalies == {"betting_timer.frozen": 1}


def test_an_update_that_shares_its_read_with_a_later_one_is_not_late_by_the_stamp_of_that():
    watch = Watch().subscribe()
    watch.receive(0.5)

    # Due at 1.25. Both were read at 1.3125: the first of them came before the second, nobody knows when.
    watch.receive(1.296875, exact=False)
    watch.receive(1.296875)
    watch.advance(1.3125)

    assert watch.seconds == {"fresh": 1.3125}
    assert watch.snapshot.late_updates == 0


def test_an_invalid_message_that_shares_its_read_does_not_make_the_next_update_late():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.monitor.invalid("json", 1.296875, wall(1.296875), exact=False)
    watch.receive(1.296875, exact=False, games=(betting(type=4),))
    watch.receive(1.296875, exact=False)
    watch.receive(1.296875)

    assert watch.seconds == {"fresh": 1.296875}


def test_an_inexact_stamp_freezes_no_timer_that_may_have_moved_in_time():
    watch = Watch().subscribe()
    watch.receive(0.5, games=(betting(),), betting_timer=9)
    watch.keep_receiving(3.0, games=(betting(),), betting_timer=9)

    # It would be frozen from 3.5 on.
    watch.receive(3.515625, exact=False, games=(betting(),), betting_timer=8)
    watch.receive(3.515625, games=(betting(),), betting_timer=8)

    assert watch.anomalies == {}


def test_silence_that_was_judged_lasts_until_the_stamp_of_what_ends_it():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.advance(1.25)

    watch.receive(2.0, exact=False)
    watch.receive(2.0)

    assert watch.seconds == {"fresh": 1.25, "silent": 0.75}


def test_an_update_whose_stamp_is_its_own_is_late_by_it():
    watch = Watch().subscribe()
    watch.receive(0.5)

    watch.receive(1.296875)
    watch.receive(1.296875, exact=False)

    assert watch.seconds == {"fresh": 1.25, "silent": 0.046875}
    assert watch.snapshot.late_updates == 1
