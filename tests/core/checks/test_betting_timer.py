import pytest

from tests.support.builders import TICK, Watch, betting, dealing, events, game

OPEN, CLOSED = betting(), dealing()


def watched(*timers, current=OPEN, every=0.5, **settings):
    return receive_all(Watch(**settings).subscribe(), *timers, current=current, every=every)


def receive_all(watch, *timers, current=OPEN, every=0.5):
    for timer in timers:
        watch.receive(watch.at + every, betting_timer=timer, games=(current,))
    return watch


@pytest.mark.parametrize("timers", [(3, 2.5, 2, 1.5, 1, 0.5, 0), (3, 3, 2, 2, 1, 1, 0, 0)])
def test_a_timer_that_counts_down_is_right(timers):
    assert watched(*timers).anomalies == {}


@pytest.mark.parametrize(("last", "anomalies"), [(3.5, {}), (3.5 + TICK, {"betting_timer.frozen": 1})])
def test_a_timer_is_frozen_when_it_is_not_lower_for_longer_than_three_seconds(last, anomalies):
    watch = watched(9, 9, 9, 9, 9, 9)

    watch.receive(last, betting_timer=9, games=(OPEN,))

    assert watch.anomalies == anomalies


def test_a_timer_that_gets_lower_after_exactly_three_seconds_is_not_frozen():
    watch = watched(9, 9, 9, 9, 9, 9)

    watch.receive(3.5, betting_timer=8, games=(OPEN,))
    watch.advance(3.5)

    assert watch.anomalies == {}


@pytest.mark.parametrize("timers", [[9] * 8, [9, 9.5, 9.75, 9.5, 9.25, 9, 9.5, 9.75]])
def test_a_timer_that_wavers_without_getting_lower_is_frozen(timers):
    assert watched(*timers).anomalies == {"betting_timer.frozen": 1}


def test_the_time_a_timer_may_stand_still_is_a_setting():
    assert watched(*[9] * 7, timer_frozen_seconds=5.0).anomalies == {}
    assert watched(*[9] * 12, timer_frozen_seconds=5.0).anomalies == {"betting_timer.frozen": 1}


def test_a_frozen_timer_counts_once_and_again_after_it_moved():
    watch = watched(*[9] * 20)
    assert watch.anomalies == {"betting_timer.frozen": 1}

    receive_all(watch, *[8] * 20)

    assert watch.anomalies == {"betting_timer.frozen": 2}


def test_a_frozen_timer_is_stale_and_freezes_the_game_until_it_moves():
    watch = watched(*[9] * 8)
    assert watch.state == "frozen"
    assert watch.snapshot.betting_timer_stale
    assert watch.snapshot.frozen_because == ("betting_timer.frozen",)

    receive_all(watch, 8)

    assert watch.state == "fresh"
    assert not watch.snapshot.betting_timer_stale


def test_a_frozen_timer_that_catches_up_has_not_jumped():
    assert watched(*[20] * 20, 10).anomalies == {"betting_timer.frozen": 1}


def test_a_frozen_timer_is_over_when_betting_closes():
    watch = watched(*[9] * 8)

    receive_all(watch, 0, current=CLOSED)

    assert watch.state == "fresh"


def test_a_timer_at_zero_is_not_frozen():
    assert "betting_timer.frozen" not in watched(*[0] * 20).anomalies


def test_a_timer_standing_at_a_new_window_begins_anew():
    watch = watched(*[9] * 6, current=betting(current_round=1))

    receive_all(watch, *[9] * 6, current=betting(current_round=2))

    assert watch.anomalies == {}


def test_silence_is_no_evidence_of_a_frozen_timer():
    watch = watched(9, 9)

    watch.advance(20.0)

    assert watch.anomalies == {}


def test_the_time_without_a_connection_is_no_evidence_of_a_frozen_timer():
    watch = watched(9, 9)
    watch.lose(1.5)
    watch.subscribe(9.0)

    receive_all(watch, 9, 9)

    assert watch.anomalies == {}


@pytest.mark.parametrize(
    ("current", "timer", "kind"),
    [(OPEN, 0, "expired"), (CLOSED, 9, "lingering"), (CLOSED, TICK, "lingering")],
)
@pytest.mark.parametrize(("last", "begins"), [(3.5, False), (3.5 + TICK, True)])
def test_a_timer_that_contradicts_the_play_status_for_longer_than_the_grace_is_stale(
    current, timer, kind, last, begins
):
    watch = watched(*[timer] * 6, current=current)

    watch.receive(last, betting_timer=timer, games=(current,))

    assert watch.anomalies == ({f"betting_timer.{kind}": 1} if begins else {})
    assert watch.snapshot.betting_timer_stale is begins
    assert watch.snapshot.frozen_because == ((f"betting_timer.{kind}",) if begins else ())


def test_a_lingering_timer_lingers_even_while_it_counts_down():
    assert watched(*range(20, 10, -1), current=CLOSED).anomalies == {"betting_timer.lingering": 1}


@pytest.mark.parametrize(
    ("current", "timer", "kind", "other"), [(OPEN, 0, "expired", CLOSED), (CLOSED, 9, "lingering", OPEN)]
)
def test_a_contradiction_counts_once_and_again_after_it_ended(current, timer, kind, other):
    watch = watched(*[timer] * 10, current=current)
    assert watch.anomalies == {f"betting_timer.{kind}": 1}

    receive_all(watch, timer, current=other)
    assert watch.state == "fresh"
    receive_all(watch, *[timer] * 10, current=current)

    assert watch.anomalies == {f"betting_timer.{kind}": 2}


def test_the_grace_is_a_setting():
    assert watched(*[0] * 20, timer_grace_seconds=10.0).anomalies == {}
    assert watched(0, 0, timer_grace_seconds=0.25).anomalies == {"betting_timer.expired": 1}


@pytest.mark.parametrize("grace", [0.0, 0.25])
def test_one_update_alone_shows_nothing_that_lasts(grace):
    watch = watched(0, timer_grace_seconds=grace)

    watch.advance(1.0)

    assert watch.anomalies == {}


@pytest.mark.parametrize(("rise", "anomalies"), [(1.0, {}), (1.0 + TICK, {"betting_timer.rewound": 1})])
def test_a_timer_that_rises_by_more_than_a_second_within_a_window_is_rewound(rise, anomalies):
    assert watched(9, 8.5, 8.5 + rise).anomalies == anomalies


def test_every_rewinding_counts():
    assert watched(9, 8, 10, 9.5, 12).anomalies == {"betting_timer.rewound": 2}


def test_a_rewound_timer_counts_down_from_its_new_value():
    assert watched(3, 20, *(20 - n / 2 for n in range(20))).anomalies == {"betting_timer.rewound": 1}


@pytest.mark.parametrize(
    "following", [betting(current_round=2), betting(id=101, last_round_id=100)], ids=["round", "game"]
)
def test_a_timer_that_jumps_up_with_a_new_window_is_no_error(following):
    watch = watched(2, 1.5)

    receive_all(watch, 30, 29.5, current=following)

    assert watch.anomalies == {}


def test_a_timer_that_jumps_up_after_betting_was_closed_is_no_error():
    watch = watched(2, 1.5)
    receive_all(watch, 0, current=CLOSED)

    receive_all(watch, 30, 29.5)

    assert watch.anomalies == {}


@pytest.mark.parametrize(("fall", "anomalies"), [(3.5, {}), (3.5 + TICK, {"betting_timer.jumped": 1})])
def test_a_timer_that_falls_by_more_than_the_time_elapsed_and_the_grace_has_jumped(fall, anomalies):
    assert watched(20, 20 - fall).anomalies == anomalies


def test_a_jump_counts_once_and_the_timer_counts_down_from_there():
    assert watched(30, 20, 19.5, 19, 18.5).anomalies == {"betting_timer.jumped": 1}


def test_a_timer_may_fall_while_updates_are_missing():
    assert watched(30, 20, every=8.0).anomalies == {}


def test_a_timer_that_falls_with_the_end_of_betting_has_not_jumped():
    watch = watched(30)

    receive_all(watch, 0, current=CLOSED)

    assert watch.anomalies == {}


@pytest.mark.parametrize("current", [OPEN, CLOSED])
def test_a_timer_below_zero_is_negative_once_and_again_after_it_was_not(current):
    watch = watched(0, -TICK, -0.5, current=current)
    assert watch.anomalies == {"betting_timer.negative": 1}

    receive_all(watch, 0, -1, current=current)

    assert watch.anomalies == {"betting_timer.negative": 2}


@pytest.mark.parametrize(("between", "begins"), [((), 1), ((game(state=4),), 2)])
def test_a_negative_timer_is_another_one_after_the_game_was_not_active(between, begins):
    watch = watched(-1)

    for current in (*between, OPEN):
        receive_all(watch, -1, current=current)

    assert watch.anomalies == {"betting_timer.negative": begins}


def test_a_timer_that_jumps_up_after_the_game_was_not_active_is_no_error():
    watch = watched(5)
    receive_all(watch, 5, current=game(state=4))

    receive_all(watch, 30)

    assert watch.anomalies == {}


@pytest.mark.parametrize("state", [1, 3, 4, 5])
@pytest.mark.parametrize("play_status", [1, 2])
def test_without_an_active_game_the_timer_means_nothing(state, play_status):
    idle = game(state=state, play_status=play_status)

    assert watched(*[9] * 10, -5, 40, 0, *[0] * 10, current=idle).anomalies == {}


def test_a_game_that_is_no_longer_active_ends_what_lasted():
    watch = watched(*[9] * 8)

    receive_all(watch, 9, current=game(state=3))

    assert watch.state == "fresh"
    assert watch.snapshot.betting_timer_seconds == 9


def test_an_update_without_a_game_leaves_the_timer_unjudged():
    watch = watched(*[9] * 8)

    watch.receive(watch.at + 0.5, betting_timer=9, games=())

    assert watch.state == "fresh"


def test_a_timer_stale_before_and_after_a_reconnection_is_one_occurrence():
    watch = watched(*[9] * 8)
    watch.lose(4.5)
    watch.subscribe(5.0)
    assert watch.state == "fresh"
    assert not watch.snapshot.betting_timer_stale

    found = watch.receive(5.5, betting_timer=9, games=(OPEN,))

    assert events(found) == ["feed.state_changed"]
    assert watch.state == "frozen"
    assert watch.anomalies == {"betting_timer.frozen": 1}


def test_an_anomaly_tells_its_particulars():
    watch = watched(9, 8.5)

    (rewound,) = watch.receive(1.5, betting_timer=20, games=(OPEN,))

    assert (rewound.event, rewound.level) == ("betting_timer.rewound", "warning")
    assert rewound.detail == {"from_seconds": 8.5, "to_seconds": 20}


def test_a_lasting_anomaly_tells_its_value_and_its_limit():
    watch = watched(*[9] * 6)

    anomaly, changed = watch.receive(3.75, betting_timer=9, games=(OPEN,))

    assert anomaly.detail == {"seconds_left": 9, "longer_than_seconds": 3.0}
    assert changed.detail["because"] == ["betting_timer.frozen"]


def test_a_timer_below_zero_is_negative_and_not_expired():
    assert watched(*[-5] * 20).anomalies == {"betting_timer.negative": 1}
