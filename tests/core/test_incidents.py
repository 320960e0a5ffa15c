"""From stays and anomalies to incidents: live, and from the file."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.histories import KEY, at, watched
from watchdog.core.history import AnomalyRow
from watchdog.core.incidents import Cause, IncidentTracker, incidents_of
from watchdog.core.ledger import STATES
from watchdog.core.timeline import Span, timeline

SILENT = ("fresh", "silent", "fresh")


def spans_of(*steps, until):
    history = watched(steps, until)
    return timeline(history.runs, history.stays, at(steps[0][0]), at(until)).spans


def incidents(*steps, until=1000, anomalies=()):
    history = watched(steps, until, anomalies=anomalies)
    spans = timeline(history.runs, history.stays, at(steps[0][0]), at(until)).spans
    return incidents_of(KEY, spans, history.anomalies)


def tracker():
    return IncidentTracker(*KEY)


def events(told):
    return [event.event for event in told]


def test_an_incident_is_the_time_in_which_a_game_is_neither_fresh_nor_in_maintenance():
    [incident] = incidents((0, "fresh"), (100, "silent"), (130, "disconnected", ("dns",)), (150, "fresh"))

    assert (incident.began, incident.ended) == (at(100), at(150))
    assert incident.lasted == {"silent": 30_000_000, "disconnected": 20_000_000}
    assert incident.causes == (
        Cause("silent", (), 30_000_000),
        Cause("disconnected", ("dns",), 20_000_000),
    )
    assert incident.whose == "provider"
    assert incident.id == "betcore-3-20261102T000140Z"


@pytest.mark.parametrize(("between", "count"), [(9.999999, 1), (10, 2)])
@pytest.mark.parametrize("state", ["fresh", "maintenance"])
def test_an_interruption_of_less_than_ten_seconds_is_part_of_it(between, count, state):
    found = incidents((0, "fresh"), (100, "silent"), (110, state), (110 + between, "silent"), (140, "fresh"))

    assert len(found) == count
    assert sum(each.lasted["silent"] for each in found) == round((40 - between) * 1e6)
    assert found[-1].ended == at(140)


def test_one_that_is_not_over_goes_on():
    [incident] = incidents((0, "fresh"), (100, "silent"), until=130)

    assert incident.ended is None
    assert incident.lasted == {"silent": 30_000_000}


def test_one_that_may_yet_go_on_has_an_end():
    [incident] = incidents((0, "fresh"), (100, "silent"), (120, "fresh"), until=125)

    assert incident.ended == at(120)


def test_an_anomaly_by_itself_is_an_incident_of_no_length_and_the_providers():
    [incident] = incidents((0, "fresh"), anomalies=[(50, "sequence.gap", '{"missed": 3}')])

    assert (incident.began, incident.ended, incident.lasted) == (at(50), at(50), {})
    assert incident.whose == "provider"
    [count] = incident.anomalies
    assert (count.event, count.count, count.detail) == ("sequence.gap", 1, '{"missed": 3}')


def test_anomalies_of_one_sort_are_counted_in_one_line():
    gaps = [(50 + step, "sequence.gap", f'{{"missed": {step}}}') for step in range(5)]
    [incident] = incidents((0, "fresh"), anomalies=[*gaps, (52, "round.skipped")])

    gap, skipped = incident.anomalies
    assert (gap.count, gap.first, gap.last, gap.detail) == (5, at(50), at(54), '{"missed": 0}')
    assert skipped.event == "round.skipped"
    assert (incident.began, incident.ended) == (at(50), at(50))


def test_anomalies_that_follow_one_another_are_one_incident():
    chain = [(50 + 8 * step, "sequence.gap") for step in range(5)]
    [incident] = incidents((0, "fresh"), anomalies=chain)

    assert (incident.ended, incident.anomalies[0].count) == (at(50), 5)
    assert len(incidents((0, "fresh"), anomalies=[*chain, (92, "sequence.gap")])) == 2


@pytest.mark.parametrize(("found_at", "count"), [(100, 1), (110, 1), (120, 1), (129.9, 1), (130, 2)])
def test_an_anomaly_counts_to_what_is_less_than_ten_seconds_before_it(found_at, count):
    found = incidents((0, "fresh"), (100, "silent"), (120, "fresh"), anomalies=[(found_at, "sequence.gap")])

    assert len(found) == count
    assert (found[0].began, found[0].ended) == (at(100), at(120))
    assert sum(len(each.anomalies) for each in found) == 1


def test_trouble_less_than_ten_seconds_after_an_anomaly_is_one_incident_with_it():
    steps = ((0, "fresh"), (100, "frozen", ("sequence.frozen",)), (120, "fresh"))

    [incident] = incidents(*steps, anomalies=[(98, "sequence.duplicate")])
    assert (incident.began, incident.ended) == (at(98), at(120))
    assert incident.lasted == {"frozen": 20_000_000}
    assert len(incidents(*steps, anomalies=[(90, "sequence.duplicate")])) == 2


def test_anomalies_outside_the_spans_are_left_out():
    assert incidents((0, "fresh"), until=100, anomalies=[(-1, "sequence.gap"), (100, "sequence.gap")]) == ()


def test_it_is_the_partys_with_most_of_the_time():
    [path] = incidents((0, "fresh"), (100, "silent"), (101, "disconnected"), (120, "fresh"))
    [partner] = incidents((0, "fresh"), (100, "unauthorized"), (120, "fresh"))
    [ours] = incidents((0, "unobserved"), (1, "disconnected"), (1.2, "fresh"))
    [even] = incidents((0, "fresh"), (100, "unobserved"), (110, "silent"), (120, "fresh"))

    assert [each.whose for each in (path, partner, ours, even)] == [
        "path_or_provider",
        "partner",
        "ours",
        "provider",
    ]


def test_maintenance_that_nobody_agreed_to_is_the_providers_incident():
    spans = [
        Span("fresh", at(0), at(10)),
        Span("maintenance", at(10), at(40), agreed=False),
        Span("maintenance", at(40), at(90)),
    ]
    [incident] = incidents_of(KEY, spans, ())

    assert (incident.began, incident.ended, incident.whose) == (at(10), at(40), "provider")


def test_live_an_incident_is_told_when_it_begins_and_when_it_has_been_over_for_ten_seconds():
    game = tracker()
    assert game.entered("fresh", (), at(0)) == []
    assert game.current(at(50)) is None

    [began] = game.entered("disconnected", ("refused",), at(100))
    assert (began.event, began.incident.whose, began.incident.ended) == (
        "incident.began",
        "path_or_provider",
        None,
    )
    assert game.deadline is None
    assert game.advance(at(500)) == []
    assert game.current(at(500)).lasted == {"disconnected": 400_000_000}

    assert game.entered("fresh", (), at(600)) == []
    assert game.deadline == at(610)
    assert game.advance(at(609)) == []
    [ended] = game.advance(at(610))
    assert (ended.event, ended.incident.began, ended.incident.ended) == ("incident.ended", at(100), at(600))
    assert game.current(at(610)) is None
    assert game.deadline is None


def test_live_a_later_stay_tells_that_the_incident_before_is_over():
    game = tracker()
    game.entered("silent", (), at(100))
    game.entered("fresh", (), at(110))

    assert events(game.entered("silent", (), at(150))) == ["incident.ended", "incident.began"]


def test_live_an_incident_of_no_length_is_told_like_any_other():
    game = tracker()
    game.entered("fresh", (), at(0))

    assert events(game.anomaly("sequence.gap", "{}", at(50))) == ["incident.began"]
    assert game.current(at(51)).ended == at(50)
    assert game.anomaly("sequence.gap", "{}", at(55)) == []
    assert events(game.advance(at(65))) == ["incident.ended"]


def test_a_run_goes_on_from_the_one_before():
    game = tracker()
    game.entered("unobserved", (), at(0))
    game.entered("unobserved", (), at(100))
    game.entered("disconnected", (), at(100))
    game.entered("fresh", (), at(101))

    [ended] = game.advance(at(200))
    assert ended.incident.began == at(0)
    assert ended.incident.whose == "ours"


STEPS = st.lists(
    st.tuples(st.integers(1, 30), st.sampled_from(STATES), st.sampled_from(((), ("dns",)))), min_size=1
)
ANOMALIES = st.lists(st.integers(0, 400))


def told_live(spans, anomalies):
    """What a tracker says that is asked at every whole second, as a watchdog's would be."""
    game, told, position = tracker(), [], 0
    for span in spans:
        for second in range(math.ceil(span.began / 1e6), math.ceil(span.ended / 1e6)):
            while position < len(anomalies) and anomalies[position].at <= second * 1_000_000:
                told += game.anomaly(anomalies[position].event, "{}", anomalies[position].at)
                position += 1
            if second * 1_000_000 == span.began:
                told += game.entered(span.state, span.because, span.began)
            told += game.advance(second * 1_000_000)
    return told, game.current(spans[-1].ended)


@given(STEPS, ANOMALIES)
def test_live_and_from_the_file_the_incidents_are_the_same(steps, times):
    spans, now = [], 0
    for lasted, state, because in steps:
        spans.append(Span(state, at(now), at(now + lasted), because))
        now += lasted
    rows = [
        AnomalyRow(run="r", feed="betcore", game_type=3, at=at(time), event="sequence.gap")
        for time in sorted(times)
        if time < now
    ]
    told, last = told_live(spans, rows)
    live = [event.incident for event in told if event.event == "incident.ended"]
    from_file = list(incidents_of(KEY, spans, reversed(rows)))

    assert [*live, *([last] if last else [])] == from_file
    assert len({each.id for each in from_file}) == len(from_file)
    trouble = sum(span.ended - span.began for span in spans if span.is_trouble)
    assert sum(sum(each.lasted.values()) for each in from_file) == trouble
    begun = sum(event.event == "incident.began" for event in told)
    assert begun == len(from_file)
