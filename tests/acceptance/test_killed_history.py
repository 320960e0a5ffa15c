"""A watchdog is killed ten times while the hub fails: its history names every fault and all dead time."""

import os
import random
import time
from datetime import UTC
from pathlib import Path

import pytest

from tests.acceptance.processes import configuration, simulator, watchdog
from watchdog.archive.reading import Period, read
from watchdog.core.history import SECOND, History, combined
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.build import statement
from watchdog.core.statement.records import Statement
from watchdog.core.statement.verification import verify

pytestmark = pytest.mark.long

KILLS = 10
SEED = int(os.environ.get("BETCORE_KILL_SEED", "16"))
GAMES = (1, 2, 3, 4)
LASTS = 10.0
MAY_BE_LOST_SECONDS = 5.0
# Two busy cores may be late with a commit, and so may a disk.
SLOW_SECONDS = 5.0

FAULTS = {2: (5.0, "silence", "silent"), 3: (16.0, "frozen_timestamp", "frozen")}
"""Of a game: after how many seconds, which fault, and the state that it leads to."""
REJECTED = (27.0, "rejected_token", "unauthorized")
REFUSED = 40.0


def programme() -> str:
    lines = [
        f'[[faults]]\nname = "{name}"\ngame = {game}\nafter_seconds = {after}\nduration_seconds = {LASTS}'
        for game, (after, name, _) in {**FAULTS, 4: REJECTED}.items()
    ]
    lines.append(
        f'[[faults]]\nname = "refused_connection"\nafter_seconds = {REFUSED}\nduration_seconds = {LASTS}'
    )
    return "\n".join(lines)


class Lives:
    """Each start and each kill of the watchdog, in UNIX seconds."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.begun: list[float] = []
        self.ended: list[float] = []
        self._config = config
        self._folder = folder

    def live(self, seconds: float, *, killed: bool) -> None:
        log = self._folder / f"watchdog-{len(self.begun)}.log"
        with watchdog(self._config, stderr=log) as watched:
            self.begun.append(time.time())
            time.sleep(seconds)
            if killed:
                # When it was killed is known from two sides.
                watched.process.kill()
                watched.process.wait()
                self.ended.append(time.time())
        if not killed:
            self.ended.append(time.time())


def test_a_history_that_is_killed_ten_times_names_every_fault_and_every_dead_second(tmp_path):
    rng = random.Random(SEED)  # noqa: S311 - a programme, no secret
    config, file, faults = (tmp_path / name for name in ("watchdog.toml", "history.db", "faults.toml"))
    faults.write_text(programme())
    with simulator(
        *("--games", ",".join(map(str, GAMES)), "--faults", str(faults)), stderr=tmp_path / "simulator.log"
    ) as hub:
        settings = f'[checks]\ntolerance_seconds = 1.0\n[history]\nfile = "{file}"'
        config.write_text(configuration({"betcore": hub}, GAMES, settings=settings))
        lives = Lives(config, tmp_path)
        for _ in range(KILLS):
            lives.live(rng.uniform(3.0, 5.5), killed=True)
        lives.live(2.0, killed=False)

    history = combined([read(file, Period(0, 2**62))])
    began, ended = history.runs[0].started, history.known_until
    made = statement(
        history,
        began=began,
        ended=ended,
        zone=UTC,
        timezone="UTC",
        accounting=Accounting(),
        made_at=ended,
        made_by="tests",
    )
    assert verify(made, history, zone=UTC, version="tests") == []
    _assert_every_second_is_booked(made, ended - began)
    _assert_dead_time_is_unobserved(made, history, lives)
    _assert_every_fault_is_named(made, lives.begun[0])


def _assert_every_second_is_booked(made: Statement, period: int) -> None:
    assert [game.game_type for game in made.games] == list(GAMES)
    for game in made.games:
        assert sum(round(lasted * SECOND) for lasted in game.by_state.values()) == period


def _assert_dead_time_is_unobserved(made: Statement, history: History, lives: Lives) -> None:
    runs = sorted(history.runs, key=lambda run: run.started)
    assert len(runs) == KILLS + 1
    assert [run.ended is None for run in runs] == [True] * KILLS + [False]
    for game in made.games:
        dark = [
            (span.start.timestamp(), span.end.timestamp())
            for span in game.timeline
            if span.state == "unobserved"
        ]
        for run, after, killed in zip(runs, runs[1:], lives.ended, strict=False):
            since, until = run.until / SECOND, after.started / SECOND
            # From the last sign of life, which is no older than what may be lost, until the next start.
            assert killed - MAY_BE_LOST_SECONDS - SLOW_SECONDS < since < killed < until
            assert any(first <= since and until <= last for first, last in dark), (game.game_type, since)


def _assert_every_fault_is_named(made: Statement, origin: float) -> None:
    wanted = [(game, after, state) for game, (after, _, state) in {**FAULTS, 4: REJECTED}.items()]
    wanted += [(game, REFUSED, "disconnected") for game in GAMES]
    for game_type, after, state in wanted:
        # The programme begins with the first subscription, or with the simulator.
        first, last = origin + after - 5.0, origin + after + LASTS + 5.0
        spans = [
            span
            for game in made.games
            if game.game_type == game_type
            for span in game.timeline
            if span.state == state and first < span.end.timestamp() and span.start.timestamp() < last
        ]
        assert spans, (game_type, state)
        named = [
            incident
            for incident in made.incidents
            if incident.game_type == game_type
            and incident.seconds.get(state)  # type: ignore[call-overload]  # it is a state
            and incident.start <= spans[0].start
        ]
        assert named, (game_type, state)
        assert state in named[0].cause
