"""Updates as if they had been recorded: a healthy game, round after round, without a hub."""

import json
from datetime import UTC, datetime
from typing import Any

from benchmarks.programs import TEMPLATE

STEP_SECONDS = 0.5
_ROUND_SECONDS = 30.0
_FIRST_ROUND = 30_000_000_000
BEGIN_UNIX_SECONDS = 1_750_000_000.0
"""The `tst` of the first update."""


def records(
    count: int, *, begin: float = BEGIN_UNIX_SECONDS, step_seconds: float = STEP_SECONDS
) -> list[str]:
    """So many records, including separators, as the load generator would send them from `begin` on."""
    document = json.loads(TEMPLATE.read_text())
    return [_record(document, number, begin + number * step_seconds) for number in range(count)]


def _record(document: dict[str, Any], number: int, at: float) -> str:
    update = document["arguments"][0]
    game = update["wgi"][0]
    begun = at - at % _ROUND_SECONDS
    game["i"] = _FIRST_ROUND + int(at // _ROUND_SECONDS)
    game["lrId"] = game["i"] - 1
    game["sdt"], game["fdt"] = _date(begun), _date(begun + _ROUND_SECONDS)
    update["tst"] = _date(at)
    update["bt"] = round(_ROUND_SECONDS - (at - begun), 4)
    update["sId"] = number
    return json.dumps(document, separators=(",", ":")) + "\x1e"


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
