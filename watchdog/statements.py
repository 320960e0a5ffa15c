"""The commands about what was: incidents, and the statement of a period."""

import ssl
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path
from time import time
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from watchdog import __version__
from watchdog.archive.reading import MOST_GAME_TYPE, Period
from watchdog.archive.sources import histories
from watchdog.config.accounting import load_accounting
from watchdog.core.errors import OperatorError
from watchdog.core.history import SECOND, AnomalyRow, GameKey, History, Stay
from watchdog.core.incidents import Incident, incidents_of, utc
from watchdog.core.instants import LAST, parse_instant
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.build import statement
from watchdog.core.timeline import timeline
from watchdog.readers.incidents import as_json, as_text
from watchdog.readers.report import document
from watchdog.readers.report.page import as_html
from watchdog.readers.report.pdf import as_pdf
from watchdog.readers.report.table import as_csv
from watchdog.runtime.http_client import Client
from watchdog.runtime.redaction import register_secret

Format = Literal["html", "pdf", "csv", "json"]
Step = Callable[[str], None]

_MARGIN = 31 * 86_400 * SECOND
"""How far before and after a period is looked for the true begin and end of its incidents."""

_STILL_WRITES = 60 * SECOND
"""A run whose last sign of life is not older goes on, unless it says that it has ended."""

_LONGEST_NAME = 64
_MOST_USER_BYTES = 4_096


class Choice(Struct, frozen=True, kw_only=True):
    """What the commands have in common: sources, a period as it was written, and which games."""

    sources: Sequence[str]
    since: str | None = None
    until: str | None = None
    feed: str | None = None
    game_type: int | None = None
    timezone: str = "UTC"
    user_file: Path | None = None

    def period(self, now: int) -> Period:
        """The period asked for; all that there is without one.

        Raises:
            OperatorError: it is none.

        """
        zone = zone_of(self.timezone)
        began = 0 if self.since is None else _instant("--from", self.since, now, zone)
        ended = now if self.until is None else _instant("--to", self.until, now, zone)
        if began >= ended:
            first, last = (f"{utc(at):%Y-%m-%dT%H:%MZ}" for at in (began, ended))
            raise OperatorError(f"--from: expected a time before --to, got {first} and {last}")
        if self.game_type is not None and not 0 <= self.game_type <= MOST_GAME_TYPE:
            raise OperatorError(f"--game-type: expected a number up to {MOST_GAME_TYPE}")
        if self.feed is not None and not (self.feed.isprintable() and len(self.feed) <= _LONGEST_NAME):
            raise OperatorError(f"--feed: expected a name of up to {_LONGEST_NAME} printable characters")
        return Period(began, ended, self.feed, self.game_type)

    def history(self, period: Period, step: Step) -> History:
        """What the sources know of a period, and of some time around it.

        Raises:
            OperatorError: a source can't be read.

        """
        credentials = None if self.user_file is None else _credentials(self.user_file)
        began, ended = max(period.began - _MARGIN, 0), min(period.ended + _MARGIN, LAST - 1)
        wide = Period(began, ended, period.feed, period.game_type)
        return histories(self.sources, wide, Client(ssl.create_default_context()), credentials, step)


def zone_of(name: str, where: str = "--timezone") -> tzinfo:
    """The time zone of that name.

    Raises:
        OperatorError: there is none.

    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OperatorError(f"{where}: expected a name as Europe/Kyiv or UTC, got {name[:40]!r}") from None


def incidents(choice: Choice, *, json: bool) -> str:
    """The incidents of a period, as lines for people or as one JSON document.

    Raises:
        OperatorError: the period or a source can't be used.

    """
    now = _now()
    period = choice.period(now)
    history = choice.history(period, _unseen)
    found = [
        incident
        for incident in incidents_of_all(history)
        if incident.began < period.ended and (incident.ended is None or incident.ended >= period.began)
    ]
    names = {GameKey(row.feed, row.game_type): row.game for row in history.promises}
    if json:
        return as_json(found, names)
    return as_text(found, names, zone_of(choice.timezone), history.known_until)


def report(choice: Choice, *, accounting: Path | None, form: Format, step: Step) -> bytes:
    """The statement of a period, in one of its formats. `step` is told what is done next.

    Raises:
        OperatorError: the period, the accounting or a source can't be used, or there is nothing to state.

    """
    now, zone = _now(), zone_of(choice.timezone)
    period = choice.period(now)
    agreed = Accounting() if accounting is None else load_accounting(accounting)
    history = choice.history(period, step)
    step("computing the statement")
    stated = statement(
        history,
        began=period.began,
        ended=_known_end(period, history, now),
        zone=zone,
        timezone=choice.timezone,
        accounting=agreed,
        made_at=now,
        made_by=__version__,
    )
    if not stated.games:
        raise OperatorError("--history: no game was watched in this period that the statement could be of")
    step(f"writing {form}")
    match form:
        case "json":
            return document.as_json(stated)
        case "csv":
            return as_csv(stated).encode()
        case "html":
            return as_html(stated, zone).encode()
    return as_pdf(as_html(stated, zone))


def incidents_of_all(history: History) -> list[Incident]:
    """The incidents of all games that a history tells of, in the order in which they began."""
    stays: dict[GameKey, list[Stay]] = {}
    for stay in history.stays:
        stays.setdefault(GameKey(stay.feed, stay.game_type), []).append(stay)
    anomalies: dict[GameKey, list[AnomalyRow]] = {}
    for row in history.anomalies:
        anomalies.setdefault(GameKey(row.feed, row.game_type), []).append(row)
    found: list[Incident] = []
    for key, its in stays.items():
        line = timeline(history.runs, its, min(stay.began for stay in its), history.known_until)
        found += incidents_of(key, line.spans, anomalies.get(key, ()))
    return sorted(found, key=lambda incident: (incident.began, incident.feed, incident.game_type))


def _known_end(period: Period, history: History, now: int) -> int:
    """The end of a statement of the period: nothing is stated of what is still to come.

    While a watchdog runs, that is all after its last sign of life; time without one is `unobserved`.

    Raises:
        OperatorError: all of the period is still to come.

    """
    goes_on = any(run.ended is None and run.last_alive > now - _STILL_WRITES for run in history.runs)
    ended = min(period.ended, history.known_until if goes_on else now)
    if ended <= period.began:
        known = f"{utc(ended):%Y-%m-%dT%H:%M:%SZ}"
        raise OperatorError(f"--from: nothing is known of this period yet, only of the time before {known}")
    return ended


def _instant(option: str, text: str, now: int, zone: tzinfo) -> int:
    try:
        return parse_instant(text, now, zone)
    except ValueError as error:
        raise OperatorError(f"{option}: {error}, got {text[:40]!r}") from None


def _credentials(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_USER_BYTES + 1).decode("utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"--user-file: {file}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        ) from None
    if ":" not in text or not text.isprintable() or len(text) > _MOST_USER_BYTES:
        raise OperatorError(f"--user-file: {file}: expected one line, user:password")
    register_secret(text.partition(":")[2])
    return text


def _unseen(doing: str) -> None:
    """Its step is too short for a progress bar."""


def _now() -> int:
    return round(time() * SECOND)
