"""Weekly windows by the clock of a time zone: weeks over either end, daylight saving, leap days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.statement.cuts import total
from watchdog.core.statement.schedule import (
    DAYS,
    Once,
    Weekly,
    instant,
    parse_weekly,
    parse_window,
    weekly_cuts,
    window_cuts,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOURS = 3_600_000_000


def us(text, zone=UTC):
    return instant(datetime.fromisoformat(text), zone)


def shown(cuts, zone=UTC):
    return [
        tuple(
            (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at))
            .astimezone(zone)
            .strftime("%d %H:%M")
            for at in cut
        )
        for cut in cuts
    ]


def weekly(*texts, start, end, zone=UTC):
    windows = [parse_weekly(text) for text in texts]
    return weekly_cuts(windows, zone, us(start, zone), us(end, zone))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon 08:00-20:00", {0}),
        ("mon-fri 08:00-20:00", {0, 1, 2, 3, 4}),
        ("sat,sun 08:00-20:00", {5, 6}),
        ("mon-wed,fri 08:00-20:00", {0, 1, 2, 4}),
        ("sat-mon 08:00-20:00", {5, 6, 0}),
        ("sun-thu 08:00-20:00", {6, 0, 1, 2, 3}),
        ("fri-fri 08:00-20:00", {4}),
        ("tue-mon 08:00-20:00", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_days_are_named_alone_or_as_ranges_over_either_end_of_a_week(text, days):
    assert parse_weekly(text) == Weekly(frozenset(days), 8 * HOURS, 20 * HOURS)


def test_a_window_may_end_with_the_day_or_on_the_next_one():
    assert parse_weekly("mon 00:00-24:00").ends == 24 * HOURS
    assert parse_weekly("mon 22:00-02:00").ends == 26 * HOURS
    assert parse_weekly("mon 22:00-00:00").ends == 24 * HOURS


@pytest.mark.parametrize(
    "text",
    [
        *("", "mon", "08:00-20:00", "mon 8:00-20:00", "mon 08:00", "mon 08:00-20:00 ", "Mon 08:00-20:00"),
        *("abc 08:00-20:00", "mon-abc 08:00-20:00", "mon 08:60-20:00", "mon 08:00-24:01", "mon 99:00-20:00"),
        *("mon 08:00-08:00", "mon 24:00-08:00", "mon,, 08:00-20:00", "mon-tue-wed 08:00-20:00"),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        parse_weekly(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-03T02:00Z", "2026-11-03/", "/2026-11-03", "x/y", "2026-11-03/2026-11-03"),
        *("2026-11-04/2026-11-03", "2026-11-03T02:00Z/2026-11-03T04:00", "0001-01-01/2026-01-01"),
        "2026-02-29/2026-03-01",
    ],
)
def test_a_window_between_instants_has_two_of_one_sort_in_their_order(text):
    with pytest.raises(ValueError, match="expected"):
        parse_window(text)


def test_a_window_is_weekly_or_between_two_instants():
    assert isinstance(parse_window("mon 08:00-20:00"), Weekly)
    assert isinstance(parse_window("2024-02-29/2024-03-01"), Once)


def test_a_window_covers_every_week_of_a_period_and_no_more_than_the_period():
    cuts = weekly("wed 08:00-20:00", start="2026-11-04T10:00", end="2026-11-18T09:00")

    assert shown(cuts) == [("04 10:00", "04 20:00"), ("11 08:00", "11 20:00"), ("18 08:00", "18 09:00")]


def test_a_window_over_midnight_on_sunday_goes_on_on_monday():
    cuts = weekly("sun 22:00-02:00", start="2026-11-01T00:00", end="2026-11-09T23:00")

    assert shown(cuts) == [("01 22:00", "02 02:00"), ("08 22:00", "09 02:00")]


def test_windows_that_overlap_or_adjoin_are_one():
    cuts = weekly(
        "mon 08:00-12:00", "mon 11:00-14:00", "mon 14:00-15:00", start="2026-11-02", end="2026-11-03"
    )

    assert shown(cuts) == [("02 08:00", "02 15:00")]


def test_a_day_on_which_clocks_change_has_the_hours_that_it_has():
    every_day = "mon-sun 00:00-24:00"

    assert total(weekly(every_day, start="2026-03-29", end="2026-03-30", zone=BERLIN)) == 23 * HOURS
    assert total(weekly(every_day, start="2026-10-25", end="2026-10-26", zone=BERLIN)) == 25 * HOURS


def test_a_window_by_the_clock_is_shorter_or_longer_when_clocks_change():
    def lasts(day, times, zone):
        end = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
        return total(weekly(f"sun {times}", start=day, end=end, zone=zone)) / HOURS

    # At 02:00 clocks go forward to 03:00; at 03:00 they go back to 02:00, so 02:00 to 03:00 is shown twice.
    assert lasts("2026-03-29", "01:30-02:30", BERLIN) == 0.5
    assert lasts("2026-03-29", "02:00-03:00", BERLIN) == 0
    assert lasts("2026-03-29", "01:00-04:00", BERLIN) == 2
    assert lasts("2026-10-25", "02:00-03:00", BERLIN) == 2
    assert lasts("2026-10-25", "02:30-03:30", BERLIN) == 1.5
    assert lasts("2026-11-01", "01:00-02:00", NEW_YORK) == 2


def test_the_hours_of_a_working_day_stay_where_the_clock_shows_them():
    cuts = weekly("mon-sun 08:00-20:00", start="2026-10-24", end="2026-10-27", zone=BERLIN)

    assert shown(cuts, BERLIN) == [
        ("24 08:00", "24 20:00"),
        ("25 08:00", "25 20:00"),
        ("26 08:00", "26 20:00"),
    ]
    assert cuts[1][0] - cuts[0][0] == 25 * HOURS


def test_february_has_its_leap_day():
    cuts = weekly("mon-sun 12:00-13:00", start="2028-02-01", end="2028-03-01")

    assert len(cuts) == 29
    assert shown(cuts)[-1] == ("29 12:00", "29 13:00")


def test_instants_are_by_the_time_zone_unless_they_say_otherwise():
    local = parse_window("2026-07-01T02:00/2026-07-01T04:00")
    fixed = parse_window("2026-07-01T02:00Z/2026-07-01T04:00+00:00")

    period = us("2026-07-01", BERLIN), us("2026-07-02", BERLIN)
    assert shown(window_cuts([local], BERLIN, *period)) == [("01 00:00", "01 02:00")]
    assert shown(window_cuts([fixed], BERLIN, *period)) == [("01 02:00", "01 04:00")]
    assert window_cuts([local, fixed, parse_window("mon 00:00-01:00")], BERLIN, *period) == [
        (us("2026-07-01T00:00"), us("2026-07-01T04:00"))
    ]


def test_without_windows_nothing_is_inside():
    assert weekly_cuts([], UTC, 0, 10**12) == []
    assert weekly_cuts([parse_weekly("mon 00:00-24:00")], UTC, 5, 5) == []


CLOCKS = st.integers(0, 24 * 60)


@given(
    st.sampled_from(DAYS),
    CLOCKS,
    CLOCKS,
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - local times, on purpose
    st.sampled_from((UTC, BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu"))),
)
def test_an_instant_is_inside_if_the_clock_shows_a_time_of_the_window(day, one, other, moment, zone):
    begins, ends = min(one, other), max(one, other)
    if begins == ends:
        return
    text = f"{day} {begins // 60:02}:{begins % 60:02}-{ends // 60:02}:{ends % 60:02}"
    start = instant(moment, zone)
    end = start + 15 * 24 * HOURS
    cuts = weekly_cuts([parse_weekly(text)], zone, start, end)

    for step in range(55):
        at = start + step * 6 * HOURS + step * 7 * 60_000_000
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone)
        clock = local.hour * 60 + local.minute
        inside = DAYS[local.weekday()] == day and begins <= clock < ends
        assert inside == any(began <= at < ended for began, ended in cuts)
