"""What one or several watchdogs saw of a game, as one line of time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.histories import at, watched
from watchdog.core.history import combined
from watchdog.core.ledger import STATES
from watchdog.core.timeline import CUT_OFF, PRECEDENCE, RECEIVING, Span, merged, timeline


def line(*histories, start=0, end=100):
    history = combined(histories)
    return timeline(history.runs, history.stays, at(start), at(end))


def states(a_line):
    return [(span.state, (span.began - at(0)) / 1e6, (span.ended - at(0)) / 1e6) for span in a_line.spans]


def test_time_without_a_watchdog_is_unobserved():
    killed = watched([(10, "fresh"), (20, "silent")], 30, run="one", orderly=False)
    next_run = watched([(50, "fresh")], 80, run="two")

    assert states(line(killed, next_run)) == [
        ("unobserved", 0, 10),
        ("fresh", 10, 20),
        ("silent", 20, 30),
        ("unobserved", 30, 50),
        ("fresh", 50, 80),
        ("unobserved", 80, 100),
    ]


def test_without_any_watchdog_all_of_it_is_unobserved():
    assert states(line()) == [("unobserved", 0, 100)]


def test_a_stay_without_an_end_ends_with_the_next_one_of_its_run():
    history = watched([(0, "fresh")], 60, orderly=False)
    later = watched([(20, "silent")], 60, orderly=False)

    assert states(timeline(history.runs, [*later.stays, *history.stays], at(0), at(60))) == [
        ("fresh", 0, 20),
        ("silent", 20, 60),
    ]


def test_two_stays_in_the_same_state_for_the_same_reasons_are_one_span():
    assert states(line(watched([(0, "silent"), (10, "silent")], 100))) == [("silent", 0, 100)]
    assert len(line(watched([(0, "frozen", ("a",)), (10, "frozen", ("b",))], 100)).spans) == 2


def test_a_clock_set_back_shows_time_twice_and_one_set_forward_leaves_time_out():
    history = watched([(0, "fresh"), (50, "silent")], 100)
    back = [Span("fresh", at(0), at(60)), Span("silent", at(40), at(100))]
    forward = [Span("fresh", at(0), at(40)), Span("fresh", at(60), at(100))]

    assert history.runs
    assert states(merged([("a", span) for span in back], at(0), at(100))) == [
        ("fresh", 0, 60),
        ("silent", 60, 100),
    ]
    assert states(merged([("a", span) for span in forward], at(0), at(100)))[1] == ("unobserved", 40, 60)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (["unobserved", "silent", "fresh"], "fresh"),
        (["fresh", "maintenance"], "fresh"),
        (["frozen", "maintenance", "unobserved"], "maintenance"),
        (["disconnected", "unauthorized"], "unauthorized"),
        (["frozen", "unauthorized"], "unauthorized"),
        (["silent", "disconnected"], "disconnected"),
        (["silent", "unobserved"], "silent"),
        (["silent", "frozen"], "frozen"),
        (["disconnected", "frozen"], "frozen"),
        (["unobserved", "unobserved"], "unobserved"),
    ],
)
def test_of_what_several_watchdogs_saw_one_state_holds(seen, state):
    spans = [(str(index), Span(each, at(0), at(100))) for index, each in enumerate(seen)]

    assert states(merged(spans, at(0), at(100))) == [(state, 0, 100)]
    assert states(merged(reversed(spans), at(0), at(100))) == [(state, 0, 100)]


def test_the_causes_of_all_that_saw_the_state_are_named():
    seen = [
        ("a", Span("disconnected", at(0), at(10), ("dns",))),
        ("b", Span("disconnected", at(0), at(10), ("closed", "dns"))),
        ("c", Span("silent", at(0), at(10), ("other",))),
    ]

    assert merged(seen, at(0), at(10)).spans[0].because == ("closed", "dns")


def test_a_watchdog_that_alone_is_cut_off_has_that_booked_to_its_path():
    here = watched([(0, "fresh")], 100)
    there = watched(
        [(0, "fresh"), (10, "disconnected"), (20, "silent"), (30, "fresh"), (50, "unauthorized")],
        100,
        instance="us-1",
    )

    both = line(here, there)
    assert states(both) == [("fresh", 0, 100)]
    assert both.path == {"us-1": ((at(10), at(30)),)}


def test_what_all_of_them_lost_is_nobodys_path():
    seen = [("a", Span("silent", at(0), at(50))), ("b", Span("disconnected", at(0), at(50)))]

    assert merged(seen, at(0), at(50)).path == {}


@pytest.mark.parametrize("other", ["unobserved", "unauthorized"])
def test_a_watchdog_that_receives_nothing_proves_nothing_of_anothers_path(other):
    seen = [("a", Span("silent", at(0), at(50))), ("b", Span(other, at(0), at(50)))]

    assert merged(seen, at(0), at(50)).path == {}


def test_a_watchdog_that_sees_time_twice_is_not_cut_off_from_itself():
    seen = [("a", Span("silent", at(0), at(50))), ("a", Span("fresh", at(20), at(80)))]

    assert merged(seen, at(0), at(100)).path == {}


SPANS = st.lists(
    st.builds(
        lambda began, lasted, state, cause: Span(state, began, began + lasted, cause),
        st.integers(-50, 150),
        st.integers(0, 60),
        st.sampled_from(STATES),
        st.sampled_from(((), ("a",), ("a", "b"))),
    ),
    max_size=12,
)


def by_hand(spans, moment):
    """The state of one instant, straight from the rule."""
    seen = {span.state for span in spans if span.began <= moment < span.ended}
    return next((state for state in PRECEDENCE if state in seen), "unobserved")


@given(SPANS, SPANS)
def test_every_instant_is_in_one_span_with_the_state_that_the_rule_gives(some, others):
    seen = [*(("a", span) for span in some), *(("b", span) for span in others)]
    spans = merged(seen, 0, 100).spans

    assert (spans[0].began, spans[-1].ended) == (0, 100)
    assert all(one.ended == other.began for one, other in pairwise(spans))
    for moment in range(100):
        [state] = [span.state for span in spans if span.began <= moment < span.ended]
        assert state == by_hand([*some, *others], moment)


@given(SPANS, SPANS, SPANS, st.randoms())
def test_merging_depends_neither_on_the_order_nor_on_what_was_merged_before(first, second, third, random):
    tagged = [
        (name, span) for name, spans in zip("abc", (first, second, third), strict=True) for span in spans
    ]
    whole = merged(tagged, 0, 100)
    shuffled = list(tagged)
    random.shuffle(shuffled)
    left = merged([each for each in tagged if each[0] != "c"], 0, 100).spans
    right = merged([each for each in tagged if each[0] != "a"], 0, 100).spans

    assert merged(shuffled, 0, 100) == whole
    pairs = [
        [*(("ab", span) for span in left), *(("c", span) for span in third)],
        [*(("a", span) for span in first), *(("bc", span) for span in right)],
    ]
    assert [merged(pair, 0, 100).spans for pair in pairs] == [whole.spans, whole.spans]


@given(SPANS, SPANS)
def test_path_time_is_what_only_some_of_them_lost(some, others):
    path = merged([*(("a", span) for span in some), *(("b", span) for span in others)], 0, 100).path

    for name, mine, theirs in (("a", some, others), ("b", others, some)):
        for moment in range(100):
            own, seen = (
                {span.state for span in spans if span.began <= moment < span.ended}
                for spans in (mine, theirs)
            )
            alone = bool(own & CUT_OFF and not own & RECEIVING and seen & RECEIVING)
            assert alone == any(began <= moment < ended for began, ended in path.get(name, ()))
