"""Where a history comes from: a file, or a running watchdog that is asked for its own."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import trio

from watchdog.archive.database import HistoryError
from watchdog.archive.lines import decode, history_of
from watchdog.archive.reading import Period, read
from watchdog.archive.schema import Row
from watchdog.core.history import History, combined
from watchdog.core.incidents import utc
from watchdog.runtime.http_client import OK, Client, NoAnswerError

PATH = "/api/v1/history"

MOST_PAGE_BYTES = 16 * 1024 * 1024
"""More than a page has: what answers with more is no watchdog."""

_MOST_PAGES = 2_000
_UNAUTHORIZED = 401
_NOT_FOUND = 404


def histories(sources: Sequence[str], period: Period, client: Client, credentials: str | None) -> History:
    """What all sources know of a period, each a path or the http(s) address of a running watchdog.

    `credentials` is `user:password` for the addresses.

    Raises:
        HistoryError: one of them can't be read.

    """
    return combined([_history(source, period, client, credentials) for source in sources])


def _history(source: str, period: Period, client: Client, credentials: str | None) -> History:
    if source.startswith(("http://", "https://")):
        return history_of(trio.run(_fetched, source, period, client, credentials))
    return read(Path(source), period)


async def _fetched(
    address: str, period: Period, client: Client, credentials: str | None
) -> list[tuple[str, Row]]:
    parts = urlsplit(address)
    shown = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    asked: dict[str, object] = {
        "from": utc(period.began).isoformat(),
        "to": utc(period.ended).isoformat(),
        "feed": period.feed,
        "game_type": period.game_type,
    }
    asked = {key: value for key, value in asked.items() if value is not None}
    headers = {}
    if credentials is not None:
        headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    rows: list[tuple[str, Row]] = []
    after: str | None = ""
    for _ in range(_MOST_PAGES):
        query = urlencode({**asked, "after": after})
        url = f"{address.rstrip('/')}{PATH}?{query}"
        try:
            answer = await client.get(url, headers=headers, most_bytes=MOST_PAGE_BYTES)
            if answer.status != OK:
                raise HistoryError(f"{shown}: {_refusal(answer.status)}")
            page = decode(answer.body)
        except (NoAnswerError, ValueError) as error:
            raise HistoryError(f"{shown}: {error}") from None
        rows += page.rows
        after = page.after
        if after is None:
            return rows
    raise HistoryError(f"{shown}: more than {_MOST_PAGES} pages of rows; ask for a shorter period")


def _refusal(status: int) -> str:
    if status == _UNAUTHORIZED:
        return "it asks for a password: --user-file names a file with user:password"
    if status == _NOT_FOUND:
        return "no history there: the watchdog has no [history], or it is no watchdog"
    return f"answered with {status}"
