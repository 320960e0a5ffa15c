"""Incidents as lines for people, and as JSON for programs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from watchdog.core.history import GameKey
from watchdog.core.incidents import Incident, utc
from watchdog.core.statement.figures import seconds
from watchdog.core.statement.words import cause_of, duration


def as_text(incidents: Sequence[Incident], names: Mapping[GameKey, str], zone: tzinfo, until: int) -> str:
    """One line an incident: since when, how long, whose, which game, why, its id.

    Times are by the clock of `zone`. One that goes on has lasted until `until`, in UTC microseconds.
    """
    lines = []
    for incident in incidents:
        game = f"{incident.feed}/{incident.game_type} {names.get(_key(incident), '')}".rstrip()
        ended = until if incident.ended is None else incident.ended
        lasted = duration(max(ended - incident.began, 0)) + (" so far" if incident.ended is None else "")
        began = utc(incident.began).astimezone(zone)
        lines.append(
            (f"{began:%Y-%m-%d %H:%M:%S%z}", lasted, incident.whose, game, cause_of(incident), incident.id)
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def as_json(incidents: Iterable[Incident], names: Mapping[GameKey, str]) -> str:
    """One document, with each incident as `facts` has it."""
    found = [facts(incident, names.get(_key(incident), "")) for incident in incidents]
    return msgspec.json.format(msgspec.json.encode({"incidents": found}), indent=2).decode() + "\n"


def facts(incident: Incident, game: str) -> dict[str, Any]:
    """An incident as JSON has it: times as ISO 8601 in UTC, null for an end that has not come."""
    return {
        "id": incident.id,
        "feed": incident.feed,
        "game_type": incident.game_type,
        "game": game,
        "start": utc(incident.began),
        "end": None if incident.ended is None else utc(incident.ended),
        "seconds": {state: seconds(lasted) for state, lasted in incident.lasted.items()},
        "whose": incident.whose,
        "cause": cause_of(incident),
        "anomalies": [
            {
                "event": each.event,
                "count": each.count,
                "first": utc(each.first),
                "last": utc(each.last),
                "detail": msgspec.Raw(each.detail.encode()),
            }
            for each in incident.anomalies
        ],
    }


def _key(incident: Incident) -> GameKey:
    return GameKey(incident.feed, incident.game_type)
