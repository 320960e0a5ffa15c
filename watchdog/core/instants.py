"""Instants and spans as people write them: `2026-11-01`, `2026-11-01T12:00Z`, `24h`, `30d`."""

import re
from datetime import datetime, tzinfo

from watchdog.core.history import SECOND
from watchdog.core.statement.schedule import instant

ALLOWED = "a date or time as ISO 8601 has them (2026-11-01, 2026-11-01T12:00Z) or a span back (24h, 30d)"

_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_FIRST = 0
LAST = 4_102_444_800 * SECOND
"""2100-01-01: no instant that is read lies there or later."""


def parse_instant(text: str, now: int, zone: tzinfo) -> int:
    """The UTC microseconds that a text means, between 1970 and 2100.

    Args:
        text: An ISO 8601 date or time, by the clock of `zone` if it has no offset, or a span back from `now`.
        now: UTC microseconds.
        zone: A time zone.

    Raises:
        ValueError: it means nothing; the message says what is allowed.

    """
    if match := _SPAN.fullmatch(text):
        at = now - int(match[1]) * _UNITS[match[2]] * SECOND
    else:
        try:
            at = instant(datetime.fromisoformat(text), zone)
        except (ValueError, OverflowError):
            raise ValueError(f"expected {ALLOWED}") from None
    if not _FIRST <= at < LAST:
        raise ValueError("expected a time between 1970 and 2100")
    return at
