"""The commands about what was: incidents, the statement of a period, and whether a statement holds."""

import ssl
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from time import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from watchdog.archive.reading import Period
from watchdog.archive.sources import histories
from watchdog.core.errors import OperatorError
from watchdog.core.history import SECOND, AnomalyRow, GameKey, History, Stay
from watchdog.core.incidents import Incident, incidents_of, utc
from watchdog.core.instants import parse_instant
from watchdog.core.timeline import timeline
from watchdog.readers.incidents import as_json, as_text
from watchdog.runtime.http_client import Client
from watchdog.runtime.redaction import register_secret

_MARGIN = 31 * 86_400 * SECOND
"""How far before and after a period is looked for the true begin and end of its incidents."""


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
        return Period(began, ended, self.feed, self.game_type)

    def history(self, period: Period) -> History:
        """What the sources know of a period, and of some time around it.

        Raises:
            OperatorError: a source can't be read.

        """
        credentials = None if self.user_file is None else _credentials(self.user_file)
        wide = Period(max(period.began - _MARGIN, 0), period.ended + _MARGIN, period.feed, period.game_type)
        return histories(self.sources, wide, Client(ssl.create_default_context()), credentials)


def zone_of(name: str) -> tzinfo:
    """The time zone of that name.

    Raises:
        OperatorError: there is none.

    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OperatorError(f"--timezone: expected a name as Europe/Kyiv or UTC, got {name[:40]!r}") from None


def incidents(choice: Choice, *, json: bool) -> str:
    """The incidents of a period, as lines for people or as one JSON document.

    Raises:
        OperatorError: the period or a source can't be used.

    """
    now = _now()
    period = choice.period(now)
    history = choice.history(period)
    found = [
        incident
        for incident in incidents_of_all(history)
        if incident.began < period.ended and (incident.ended is None or incident.ended >= period.began)
    ]
    names = {GameKey(row.feed, row.game_type): row.game for row in history.promises}
    if json:
        return as_json(found, names)
    return as_text(found, names, zone_of(choice.timezone), history.known_until)


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


def _instant(option: str, text: str, now: int, zone: tzinfo) -> int:
    try:
        return parse_instant(text, now, zone)
    except ValueError as error:
        raise OperatorError(f"{option}: {error}, got {text[:40]!r}") from None


def _credentials(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"--user-file: {file}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        ) from None
    if ":" not in text or "\n" in text:
        raise OperatorError(f"--user-file: {file}: expected one line, user:password")
    register_secret(text.partition(":")[2])
    return text


def _now() -> int:
    return round(time() * SECOND)
