"""Where a history comes from: a file, or a running watchdog that is asked for its own."""

from base64 import b64encode
from collections.abc import Callable, Sequence
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


def histories(
    sources: Sequence[str],
    period: Period,
    client: Client,
    credentials: str | None,
    step: Callable[[str], None],
) -> History:
    """What all sources know of a period, each a path or the http(s) address of a running watchdog.

    `credentials` is `user:password` for the addresses; `step` is told of each source when its turn comes.

    Raises:
        HistoryError: one of them can't be read.

    """
    found = []
    for source in sources:
        if source.lower().startswith(("http://", "https://")):
            shown = _shown(source)
            step(f"reading {shown}")
            found.append(history_of(trio.run(_fetched, source, shown, period, client, credentials)))
        else:
            step(f"reading {Path(source).name}")
            found.append(read(Path(source), period))
    return combined(found)


def _shown(address: str) -> str:
    """An address as it may be shown: without the user in it.

    Raises:
        HistoryError: it is none of a watchdog.

    """
    try:
        parts = urlsplit(address)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None:
        raise HistoryError("--history: expected an address such as https://watchdog.example.com:9877")
    return f"{parts.scheme}://{parts.netloc}"


async def _fetched(
    address: str, shown: str, period: Period, client: Client, credentials: str | None
) -> list[tuple[str, Row]]:
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
        except NoAnswerError as error:
            raise HistoryError(f"{shown}: {error.reason}: {error}") from None
        except ValueError as error:
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
