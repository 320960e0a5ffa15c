"""A statement with something of everything, for all its formats."""

from zoneinfo import ZoneInfo

from tests.support.histories import rollup, stated, watched
from watchdog.core.history import Buckets
from watchdog.core.statement.accounting import CreditStep
from watchdog.core.statement.records import Evidence

DAY = 86_400
BERLIN = ZoneInfo("Europe/Berlin")
SILENT_ID = "betcore-3-20261102T001640Z"


def statement(*, games=2, outages=1, **accounting):
    """A day of which the last hours nobody watched; game 3 is silent `outages` times, for 90.5 s each."""
    steps = [(0, "unobserved"), (0.25, "fresh")]
    for index in range(outages):
        steps += [(1000 + index * 200, "silent"), (1090.5 + index * 200, "fresh")]
    quiet = {game_type: [(0, "fresh")] for game_type in range(4, 3 + games)}
    here = watched(
        {3: [*steps, (70_000, "maintenance"), (71_000, "fresh")], **quiet},
        80_000,
        orderly=False,
        anomalies=[(60_000, "round.result_changed", '{"was": "<script>alert(1)</script>", "is": "3c"}')],
        rollups=[rollup(0, 7150, late=2, missed=1, intervals=Buckets((0.5, 0.75), (7000, 148, 2)))],
    )
    there = watched(
        {3: [(900, "fresh"), (950, "disconnected", ("dns",)), (975, "fresh"), (1000, "silent")]},
        1090.5,
        instance="us-1",
    )
    return stated(
        here,
        there,
        start=0,
        end=DAY,
        zone=BERLIN,
        timezone="Europe/Berlin",
        evidence={SILENT_ID: Evidence(file=f"{SILENT_ID}.jsonl.gz", sha256="ab" * 32)},
        **{"credits": (CreditStep(below=0.999, percent=10.0),), **accounting},
    )
