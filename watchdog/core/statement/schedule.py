"""When a promise holds and when maintenance was agreed: weekly windows by the clock of a time zone.

An instant is inside a weekly window if a clock on the wall of that time zone shows a time of the window. So
a window may be an hour shorter on the day on which clocks go forward, and longer when they go back. Windows
that adjoin on the clock adjoin in time.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from msgspec import Struct

from watchdog.core.history import HOUR, SECOND
from watchdog.core.statement.cuts import intersection, union
from watchdog.core.timeline import Cut

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

WEEKLY = 'days and times such as "mon-fri 08:00-20:00" or "sat,sun 22:00-02:00"'
WINDOW = f'{WEEKLY}, or two instants such as "2026-11-03T02:00Z/2026-11-03T04:00Z"'
"""What may stand in a text, for the message about a mistake."""

_DAY = 24 * HOUR
_MINUTE = 60 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR, _LAST_YEAR = 2000, 2999
_MONDAY = -3 * _DAY
"""The Monday of the week of 1970-01-01, a Thursday."""
_WEEKLY = re.compile(
    r"([a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*) ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})"
)


class Weekly(Struct, frozen=True):
    """A window on some days of the week (0 is Monday), in microseconds of the clock since midnight.

    One that ends after midnight has an end beyond 24 hours.
    """

    days: frozenset[int]
    begins: int
    ends: int


class Once(Struct, frozen=True):
    """A window between two instants, each aware of its time zone or naive, by the statement's."""

    began: datetime
    ended: datetime


def parse_weekly(text: str) -> Weekly:
    """A weekly window written as `mon-fri 08:00-20:00`; one that ends earlier than it begins ends next day.

    Raises:
        ValueError: the text is none.

    """
    match = _WEEKLY.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {WEEKLY}")
    days = frozenset(day for part in match[1].split(",") for day in _days(part))
    begins, ends = _clock(match[2], match[3]), _clock(match[4], match[5])
    if begins in (ends, _DAY):
        raise ValueError("expected a window that begins before 24:00 and doesn't end when it begins")
    return Weekly(days, begins, ends if begins < ends else ends + _DAY)


def parse_window(text: str) -> Weekly | Once:
    """A weekly window, or one between two instants in ISO 8601: `2026-11-03T02:00Z/2026-11-03T04:00Z`.

    Raises:
        ValueError: the text is none.

    """
    begin, slash, end = text.partition("/")
    if not slash:
        return parse_weekly(text)
    try:
        once = Once(datetime.fromisoformat(begin), datetime.fromisoformat(end))
    except ValueError:
        raise ValueError(f"expected {WINDOW}") from None
    if not all(_FIRST_YEAR <= each.year <= _LAST_YEAR for each in (once.began, once.ended)):
        raise ValueError(f"expected instants in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    if (once.began.tzinfo is None) != (once.ended.tzinfo is None):
        raise ValueError("expected an offset at both instants of a window or at neither")
    if once.began >= once.ended:
        raise ValueError("expected a window that ends after it begins")
    return once


def weekly_cuts(windows: Iterable[Weekly], zone: tzinfo, began: int, ended: int) -> list[Cut]:
    """The instants from `began` to `ended` at which the clock of the time zone is inside a window."""
    week = 7 * _DAY
    shapes = union(shape for window in windows for shape in _shapes(window))
    cuts: list[Cut] = []
    for since, until, offset in _offsets(zone, began, ended):
        first = (since + offset - _MONDAY) // week * week + _MONDAY - offset
        pieces = [
            (monday + begins, monday + ends)
            for monday in range(first, until, week)
            for begins, ends in shapes
        ]
        cuts += intersection(pieces, [(since, until)])
    return union(cuts)


def window_cuts(windows: Iterable[Weekly | Once], zone: tzinfo, began: int, ended: int) -> list[Cut]:
    """The instants from `began` to `ended` that are inside a window, weekly or not."""
    windows = list(windows)
    cuts = weekly_cuts((each for each in windows if isinstance(each, Weekly)), zone, began, ended)
    once = [
        (instant(each.began, zone), instant(each.ended, zone)) for each in windows if isinstance(each, Once)
    ]
    return union([*cuts, *intersection(union(once), [(began, ended)])])


def instant(moment: datetime, zone: tzinfo) -> int:
    """UTC microseconds of a moment; a naive one is by the clock of the time zone.

    Of a time that the clock shows twice it is the first; one that it skips counts as if it had not yet.
    """
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return (aware.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _days(part: str) -> Iterator[int]:
    first, _, last = part.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        raise ValueError(f"expected {', '.join(DAYS)} as days")
    start, end = DAYS.index(first), DAYS.index(last or first)
    # A range may go over the end of the week, whichever day that is: sat-mon, fri-thu.
    yield from ((start + step) % 7 for step in range((end - start) % 7 + 1))


def _clock(hours: str, minutes: str) -> int:
    at = int(hours) * HOUR + int(minutes) * _MINUTE
    if int(minutes) >= 60 or at > _DAY:  # noqa: PLR2004 - as everybody's clock
        raise ValueError("expected times from 00:00 to 24:00")
    return at


def _shapes(window: Weekly) -> Iterator[Cut]:
    """The window in microseconds of the clock since Monday; what goes over Sunday's end is on Monday."""
    week = 7 * _DAY
    for day in window.days:
        begins, ends = day * _DAY + window.begins, day * _DAY + window.ends
        yield begins, min(ends, week)
        yield 0, max(ends - week, 0)


def _offsets(zone: tzinfo, began: int, ended: int) -> Iterator[tuple[int, int, int]]:
    """The spans in which the time zone keeps one offset from UTC: start, end, offset."""
    since, offset = began, _offset(zone, began)
    at = began
    while at < ended:
        following = min(at + HOUR, ended)
        if (new := _offset(zone, following)) != offset:
            low, high = at, following
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            yield since, high, offset
            since, offset = high, new
        at = following
    if since < ended:
        yield since, ended, offset


def _offset(zone: tzinfo, at: int) -> int:
    local = (_EPOCH + timedelta(microseconds=at)).astimezone(zone)
    return (local.utcoffset() or timedelta()) // timedelta(microseconds=1)
