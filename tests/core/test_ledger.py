from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.ledger import BLAME, STATES, Ledger, State


def seconds_at(ledger, at):
    """What is booked once the time up to `at` is."""
    ledger.book(at)
    return ledger.seconds()


ENTRIES = st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from(STATES)))


def test_the_states_stand_in_the_order_of_their_precedence():
    assert STATES == (
        "unobserved",
        "maintenance",
        "unauthorized",
        "disconnected",
        "silent",
        "frozen",
        "fresh",
    )


def test_every_state_has_someone_to_blame():
    assert set(BLAME) == set(get_args(State))


def test_a_watch_begins_unobserved_with_nothing_booked():
    ledger = Ledger(5.0)

    assert ledger.state == "unobserved"
    assert seconds_at(ledger, 5.0) == dict.fromkeys(STATES, 0.0)


def test_entering_a_state_books_the_stay_in_the_one_before():
    ledger = Ledger(10.0)

    assert ledger.enter("fresh", 12.0) == 2.0
    assert ledger.enter("silent", 15.0) == 3.0

    assert ledger.state == "silent"
    assert ledger.since == 15.0
    assert seconds_at(ledger, 16.0) == dict.fromkeys(STATES, 0.0) | {
        "unobserved": 2.0,
        "fresh": 3.0,
        "silent": 1.0,
    }


def test_entering_the_same_state_again_is_no_transition():
    ledger = Ledger(0.0, "fresh")

    assert ledger.enter("fresh", 7.0) is None
    assert ledger.since == 0.0


def test_an_earlier_time_counts_as_the_latest_one_known():
    ledger = Ledger(0.0, "fresh")
    read = seconds_at(ledger, 5.0)

    assert ledger.enter("silent", 3.0) == 5.0
    assert seconds_at(ledger, 1.0) == read


def test_reading_the_seconds_changes_none():
    ledger = Ledger(0.0, "fresh")
    ledger.book(5.0)

    assert ledger.seconds() == ledger.seconds()
    assert ledger.booked_until == 5.0
    assert ledger.enter("silent", 6.0) == 6.0


@given(ENTRIES)
def test_the_seconds_over_all_states_add_up_to_the_time_watched(entries):
    ledger = Ledger(0.0)
    latest = 0.0
    for at, state in entries:
        ledger.enter(state, at)
        latest = max(latest, at)

    assert abs(sum(seconds_at(ledger, latest).values()) - latest) < 1e-6


@given(ENTRIES, st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_what_was_read_once_never_falls(entries, reads):
    ledger = Ledger(0.0)
    before = seconds_at(ledger, 0.0)
    for (at, state), read_at in zip(entries, reads, strict=False):
        ledger.enter(state, at)
        after = seconds_at(ledger, read_at)
        assert all(after[name] >= before[name] for name in STATES)
        before = after
