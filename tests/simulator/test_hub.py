import json

import pytest
import trio

from watchdog.simulator.broadcast import Broadcast
from watchdog.simulator.games import GAME_TYPES
from watchdog.simulator.hub import Clock, Stage
from watchdog.simulator.requests import FaultRequest
from watchdog.simulator.table import Table

EPOCH = 1_790_000_000.0
INTERVAL = 0.5


class Listener:
    """A connection that notes what it gets, and when."""

    swallowing = False

    def __init__(self):
        self.heard = []
        self.farewells = []

    def post(self, record):
        sequence = json.loads(record[:-1])["arguments"][0]["sId"]
        self.heard.append((round(trio.current_time() - self.start, 6), sequence))

    def finish(self, record):
        self.farewells.append(record)

    def listen(self, stage, partner=1):
        self.start = trio.current_time()
        stage.join(partner, self)
        return self


@pytest.fixture
async def clock():
    return Clock(EPOCH)


@pytest.fixture
async def stage(clock, nursery):
    """A stage that plays."""
    broadcast = Broadcast(Table(GAME_TYPES[3], seed=1, now=EPOCH))
    played = Stage(broadcast)
    nursery.start_soon(played.play, clock.now, INTERVAL)
    return played


def ask(stage, clock, name, after=0.0, **parameters):
    assert stage.broadcast.ask(FaultRequest(name, 3, after_seconds=after, parameters=parameters), clock.now())


async def test_wall_time_follows_the_clock_of_the_loop(autojump_clock, clock):
    await trio.sleep(3600)
    assert clock.now() == pytest.approx(EPOCH + 3600)


async def test_updates_keep_to_the_grid_without_drift(autojump_clock, stage):
    listener = Listener().listen(stage)
    await trio.sleep(3600.1)
    assert listener.heard == [(beat * INTERVAL, beat) for beat in range(7201)]


async def test_a_late_update_delays_only_itself(autojump_clock, stage, clock):
    listener = Listener().listen(stage)
    ask(stage, clock, "late", after=0.9, delay_seconds=0.4)
    await trio.sleep(2.1)
    assert listener.heard == [(0.0, 0), (0.5, 1), (1.4, 2), (1.5, 3), (2.0, 4)]


async def test_beats_missed_by_a_long_delay_are_left_out(autojump_clock, stage, clock):
    listener = Listener().listen(stage)
    ask(stage, clock, "late", after=0.9, delay_seconds=1.3)
    await trio.sleep(3.1)
    assert listener.heard == [(0.0, 0), (0.5, 1), (2.3, 2), (2.3, 3), (2.5, 4), (3.0, 5)]


async def test_nothing_is_counted_while_nobody_listens(autojump_clock, stage, clock):
    first = Listener().listen(stage)
    ask(stage, clock, "late", after=0.9, delay_seconds=0.4)
    await trio.sleep(1.2)
    stage.leave(first)
    await trio.sleep(600)
    second = Listener().listen(stage)
    await trio.sleep(0.1)
    assert first.heard == [(0.0, 0), (0.5, 1)]
    assert second.heard == [(0.0, 2)]


async def test_a_farewell_is_said_to_everybody_and_empties_the_audience(autojump_clock, stage, clock):
    listeners = [Listener().listen(stage), Listener().listen(stage, partner=2)]
    ask(stage, clock, "dropped_connection", after=0.9)
    await trio.sleep(2.1)
    assert [listener.farewells for listener in listeners] == [[None], [None]]
    assert [len(listener.heard) for listener in listeners] == [2, 2]


async def test_while_a_client_swallows_a_large_record_no_update_is_lost_behind_it(autojump_clock, stage):
    listener = Listener().listen(stage)
    await trio.sleep(0.75)
    listener.swallowing = True
    await trio.sleep(1.0)
    listener.swallowing = False
    await trio.sleep(0.5)

    assert listener.heard == [(0.0, 0), (0.5, 1), (2.0, 2)]
