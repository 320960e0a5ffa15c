"""One row of each kind, for the tests of the history."""

from typing import Any

from msgspec.structs import replace

from watchdog.archive.schema import Row
from watchdog.core.history import (
    SECOND,
    AnomalyRow,
    Buckets,
    ClockStep,
    Disconnect,
    HourlyRollup,
    Promise,
    Rotation,
    Run,
    Stay,
)

NOON = 1_750_334_400 * SECOND


def at(seconds: float) -> int:
    """UTC microseconds so many seconds after noon."""
    return NOON + round(seconds * SECOND)


def run(name: str = "a", began: float = 0.0, until: float = 60.0, **changes: Any) -> Run:
    fields: dict[str, Any] = {
        "id": name,
        "instance": "",
        "version": "1.0",
        "host": "box",
        "config_hash": "c0ffee",
        "started": at(began),
        "last_alive": at(until),
    }
    return Run(**(fields | changes))


def stay(began: float, ended: float | None, state: Any = "fresh", **changes: Any) -> Stay:
    plain = Stay(
        run="a",
        feed="betcore",
        game_type=3,
        state=state,
        began=at(began),
        ended=None if ended is None else at(ended),
    )
    return replace(plain, **changes)


GAME: dict[str, Any] = {"run": "a", "feed": "betcore", "game_type": 3}

ROWS: tuple[Row, ...] = (
    run(),
    Promise(**GAME, game="Покер", since=at(0), interval=500_000, late_after=750_000, objective=0.999),
    stay(0, 10),
    stay(10, None, "frozen", because=("betting_timer.frozen", "round.overdue")),
    AnomalyRow(**GAME, at=at(12), event="sequence.gap", detail='{"missed":2}'),
    Disconnect(**GAME, at=at(13), reason="dns", detail="no such name"),
    Rotation(**GAME, at=at(14), outcome="ok"),
    HourlyRollup(
        **GAME,
        began=at(0),
        updates=3,
        late=1,
        missed=2,
        intervals=Buckets((0.5, 1.0), (1, 1, 1)),
        latencies=Buckets((0.5,), (3, 0)),
    ),
    ClockStep(run="a", at=at(15), by=-2 * SECOND),
)
