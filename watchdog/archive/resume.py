"""Going on with the incidents of the run before: a restart within one makes no second one."""

from pathlib import Path

from watchdog.archive.database import HistoryError
from watchdog.archive.reading import Period, read
from watchdog.core.history import SECOND, GameKey
from watchdog.core.incidents import IncidentTracker, tracked
from watchdog.core.timeline import timeline

_LOOK_BACK = 86_400 * SECOND
"""An incident that went on for longer begins anew with a restart, in what is logged and counted."""


def trackers(path: Path, now: int) -> dict[GameKey, IncidentTracker]:
    """The games that a file tells of, each with the incident that it was in; none if it can't be read."""
    if not path.exists():
        return {}
    try:
        history = read(path, Period(now - _LOOK_BACK, now))
    except HistoryError:
        return {}  # the thread that writes it says why
    found: dict[GameKey, IncidentTracker] = {}
    for key in {GameKey(stay.feed, stay.game_type) for stay in history.stays}:
        stays = [stay for stay in history.stays if (stay.feed, stay.game_type) == key]
        anomalies = [row for row in history.anomalies if (row.feed, row.game_type) == key]
        began = max(min(stay.began for stay in stays), now - _LOOK_BACK)
        found[key], _ = tracked(key, timeline(history.runs, stays, began, now).spans, anomalies)
    return found
