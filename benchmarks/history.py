"""What the history costs: to write while the watch goes on, to keep, and to make a statement of."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.contenders import start_watchdog
from benchmarks.figures import median, quantile
from benchmarks.programs import Program, hub, running, until
from watchdog.archive.archive import BEAT_SECONDS, CHUNK_GAMES
from watchdog.archive.database import Database
from watchdog.archive.journal import Journal
from watchdog.archive.reading import Period, read
from watchdog.archive.schema import Row
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.history import (
    HOUR,
    SECOND,
    AnomalyRow,
    Buckets,
    GameKey,
    HourlyRollup,
    Promise,
    Run,
    Stay,
    combined,
)
from watchdog.core.incidents import IncidentTracker
from watchdog.core.monitor import Monitor
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.build import statement

GAMES = 100
_BEATS = 200
_DAY = 24 * HOUR
_BEGAN = 1_767_225_600 * SECOND
_BOUNDS = (0.1, 0.25, 0.4, 0.45, 0.5, 0.55, 0.6, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)
_FEED = "betcore"
_DETAIL = '{"expected":6,"got":9,"missed":3}'
_RUN = Run(
    id="run",
    instance="",
    version="1",
    host="box",
    config_hash="",
    started=_BEGAN,
    last_alive=_BEGAN + 366 * _DAY,
)


def measure(seconds: float) -> dict[str, Any]:
    """All figures; the process is watched for so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "games": GAMES,
            **_loop(),
            **_process(Path(folder), seconds),
            "year_bytes": _year(Path(folder) / "year.db"),
            "statement_seconds": _statement(Path(folder) / "month.db"),
        }


def _drop(item: object) -> None:
    """Take a row or an incident to nowhere."""


def _loop() -> dict[str, float]:
    """What the loop does for a beat, and how long it is held at a time."""
    journal = Journal("run", 0.0, 0.0, put=_drop, on_incident=_drop)
    monitors = [Monitor(_FEED, number, "Poker", CheckSettings(), 0.0) for number in range(GAMES)]
    for monitor in monitors:
        journal.watch(monitor.snapshot(0.0, 0.0), 0.0, IncidentTracker(_FEED, monitor.game_type))
    beats, holds = [], []
    for beat in range(1, _BEATS):
        spent = 0.0
        for first in range(0, GAMES, CHUNK_GAMES):
            chunk = monitors[first : first + CHUNK_GAMES]
            for monitor in chunk:
                monitor.invalid("json", beat, beat)  # something to write
                monitor._counters.messages += 1  # noqa: SLF001 - an update costs the watch, not the history
            # By CPU time: what else runs on the machine holds no loop of ours.
            begun = time.thread_time()
            for monitor in chunk:
                journal.count(monitor.snapshot(beat, beat), beat)
            holds.append(time.thread_time() - begun)
            spent += holds[-1]
        beats.append(spent)
    return {"loop_us": median(beats) * 1e6, "held_p99_ms": quantile(holds, 0.99) * 1e3}


def _process(folder: Path, seconds: float) -> dict[str, float]:
    """The CPU of the thread that writes, and of the whole watch, per second."""
    settings = f'[history]\nfile = "{folder / "history.db"}"\n'
    with hub() as (load, at), running(start_watchdog(at, GAMES, settings)) as program:
        until(
            lambda: bool(load.ask()["subscribed"] == GAMES),
            within_seconds=60.0,
            what=f"{GAMES} subscriptions",
        )
        time.sleep(min(seconds, 5.0))
        cpu, writer, begun = program.cpu_seconds(), _writer_seconds(program), time.monotonic()
        time.sleep(seconds)
        lasted = time.monotonic() - begun
        writer, cpu = _writer_seconds(program) - writer, program.cpu_seconds() - cpu
    return {"cores": cpu / lasted, "writer_us": writer / lasted * BEAT_SECONDS * 1e6}


def _writer_seconds(program: Program) -> float:
    """What all threads but the first have used."""
    tasks = Path(f"/proc/{program.pid}/task")
    others = (task for task in tasks.iterdir() if task.name != str(program.pid))
    return sum(int((task / "schedstat").read_text().split()[0]) for task in others) / 1e9


def share(figures: dict[str, Any]) -> float:
    """Which share of the watch's own CPU the history takes."""
    written = (figures["loop_us"] + figures["writer_us"]) / BEAT_SECONDS / 1e6
    return float(written / (figures["cores"] - written))


def _rows(games: int, days: int, incidents: int) -> Iterator[Row]:
    """Games that are watched for so many days, with so many incidents in all."""
    rng = Random(1)  # noqa: S311 - no secret
    yield _RUN
    length = days * _DAY
    for number in range(games):
        game: dict[str, Any] = {"run": "run", "feed": _FEED, "game_type": number}
        yield Promise(
            **game, game=f"Game {number}", since=_BEGAN, interval=500_000, late_after=750_000, objective=0.999
        )
        at = _BEGAN
        each = incidents // games
        for place in range(each):
            fails = _BEGAN + length * place // each + rng.randrange(HOUR)
            mends = fails + rng.randrange(SECOND, 60 * SECOND)
            yield Stay(**game, state="fresh", began=at, ended=fails)
            yield Stay(**game, state="silent", began=fails, ended=mends)
            yield AnomalyRow(
                **game, at=mends, event="sequence.gap", detail='{"expected":6,"got":9,"missed":3}'
            )
            at = mends
        yield Stay(**game, state="fresh", began=at, ended=_BEGAN + length)
        for hour in range(days * 24):
            counts = tuple(rng.randrange(1_000) for _ in range(len(_BOUNDS) + 1))
            yield HourlyRollup(
                **game,
                began=_BEGAN + hour * HOUR,
                updates=7_200,
                late=1,
                missed=3,
                intervals=Buckets(_BOUNDS, counts),
                latencies=Buckets(_BOUNDS, counts),
            )


def _file(path: Path, games: int, days: int, incidents: int) -> None:
    with closing(Database(path)) as database:
        database.write(list(_rows(games, days, incidents)))


def _year(path: Path) -> int:
    _file(path, 8, 365, 2_000)
    return path.stat().st_size


def _statement(path: Path) -> float:
    """Seconds from the file to the statement."""
    _file(path, 20, 31, 2_000)
    begun = time.perf_counter()
    history = combined([read(path, Period(0, _BEGAN + 31 * _DAY))])
    made = statement(
        history,
        began=_BEGAN,
        ended=_BEGAN + 31 * _DAY,
        zone=UTC,
        timezone="UTC",
        accounting=Accounting(),
        made_at=_BEGAN,
        made_by="benchmarks",
        games={GameKey(_FEED, number) for number in range(20)},
    )
    if len(made.incidents) < 1_900:  # noqa: PLR2004 - nearly all of them
        raise AssertionError(f"{len(made.incidents)} incidents")
    return time.perf_counter() - begun
