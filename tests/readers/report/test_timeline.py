"""The drawing of a game's timeline: bars and ticks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.ledger import STATES
from watchdog.core.statement.records import Period, TroubleSpan
from watchdog.readers.report.timeline import WIDTH, Bar, bars, ticks

START = datetime(2026, 11, 2, tzinfo=UTC)
THOUSAND = Period(start=START, end=START + timedelta(seconds=1000), timezone="UTC")


def span(state, start, end):
    return TroubleSpan(
        state=state, start=START + timedelta(seconds=start), end=START + timedelta(seconds=end)
    )


def test_a_bar_is_as_long_as_the_span_and_never_thinner_than_a_column():
    assert bars([span("silent", 100, 250)], THOUSAND) == [Bar(100, 150, "silent")]
    assert bars([span("silent", 100.4, 100.5)], THOUSAND) == [Bar(100, 1, "silent")]
    assert bars([span("silent", 999.9, 1000)], THOUSAND) == [Bar(999, 1, "silent")]
    assert bars([], THOUSAND) == []


def test_of_several_states_in_a_column_the_provider_s_trouble_shows():
    spans = [span("unobserved", 100, 100.3), span("silent", 100.3, 100.6), span("maintenance", 100.6, 102)]

    assert bars(spans, THOUSAND) == [Bar(100, 1, "silent"), Bar(101, 1, "maintenance")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([s for s in STATES if s != "fresh"]), st.floats(0, 999), st.floats(0.001, 500)
        )
    )
)
def test_bars_are_in_order_and_inside_the_drawing(entries):
    drawn = bars([span(state, start, min(start + long, 1000)) for state, start, long in entries], THOUSAND)

    ends = [0, *(bar.x + bar.width for bar in drawn)]
    assert all(end <= bar.x for end, bar in zip(ends, drawn, strict=False))
    assert ends[-1] <= WIDTH
    assert bool(drawn) == bool(entries)


@pytest.mark.parametrize(
    ("days", "hours", "texts"),
    [
        (0, 1, ["0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00"]),
        (1, 0, ["00:00", "03:00", "06:00"]),
        (7, 0, ["2 Nov", "3 Nov", "4 Nov"]),
        (30, 0, ["2 Nov", "7 Nov", "12 Nov"]),
        (365, 0, ["2 Nov", "1 Jan", "2 Mar"]),
        (3600, 0, ["2 Nov", "2 Nov", "1 Nov"]),
    ],
)
def test_ticks_are_round_times_and_at_most_ten(days, hours, texts):
    period = Period(start=START, end=START + timedelta(days=days, hours=hours), timezone="UTC")
    found = ticks(period, UTC)

    assert [tick.text.lstrip("0") for tick in found][: len(texts)][:3] == [
        text.lstrip("0") for text in texts
    ][:3]
    assert len(found) <= 11
    assert (found[0].x, found[0].anchor) == (0, "start")


def test_ticks_are_by_the_clock_of_the_time_zone_also_where_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    period = Period(
        start=datetime(2026, 10, 24, 12, tzinfo=berlin).astimezone(UTC),
        end=datetime(2026, 10, 28, tzinfo=berlin).astimezone(UTC),
        timezone="Europe/Berlin",
    )
    found = ticks(period, berlin)

    assert [tick.text for tick in found] == ["25 Oct", "26 Oct", "27 Oct", "28 Oct"]
    assert [tick.x for tick in found] == [round(1000 * h / 85, 1) for h in (12, 37, 61, 85)]
