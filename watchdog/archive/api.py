"""What `/api/v1/history` answers: a page of rows of a file, as its query asks."""

import time
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

from watchdog.archive.lines import encode
from watchdog.archive.reading import MOST_GAME_TYPE, Period, read_page
from watchdog.archive.utc import microseconds
from watchdog.core.errors import ClientError
from watchdog.core.instants import parse_instant

MOST_ROWS = 5_000
"""How many rows a page has at most, about a megabyte and a half."""

_KEYS = frozenset({"from", "to", "feed", "game_type", "after"})
_LONGEST = 64


def page(file: Path, query: Mapping[str, str]) -> bytes:
    """The rows of the period from `from` until `to` as JSON lines: the last day's without them.

    `feed` and `game_type` choose, `after` goes on where the last line of a page before says that more follow.

    Raises:
        ClientError: the query is wrong; the text says where and what is allowed.
        HistoryError: the file can't be read.

    """
    for key, value in query.items():
        if key not in _KEYS:
            raise ClientError(f"{key[:_LONGEST]!r}: expected only {', '.join(sorted(_KEYS))}")
        if len(value) > _LONGEST:
            raise ClientError(f"{key}: expected at most {_LONGEST} characters")
    now = microseconds(time.time())
    began, ended = _instant(query, "from", "24h", now), _instant(query, "to", "0s", now)
    if began >= ended:
        raise ClientError("from: expected a time before to")
    game_type = query.get("game_type")
    is_number = game_type is None or (game_type.isascii() and game_type.isdecimal())
    if not is_number or int(game_type or 0) > MOST_GAME_TYPE:
        raise ClientError("game_type: expected a number")
    period = Period(began, ended, query.get("feed"), None if game_type is None else int(game_type))
    try:
        return encode(read_page(file, period, query.get("after", ""), MOST_ROWS))
    except ValueError:
        raise ClientError("after: expected what the last line of a page says") from None


def _instant(query: Mapping[str, str], key: str, default: str, now: int) -> int:
    try:
        return parse_instant(query.get(key, default), now, UTC)
    except ValueError as error:
        raise ClientError(f"{key}: {error}") from None
