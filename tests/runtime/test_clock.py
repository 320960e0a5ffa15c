"""The heartbeat of the loop. Virtual time never stalls, so these tests block the real loop for a moment."""

import math
import time
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.raw_server import block
from watchdog.runtime.clock import BEAT_SECONDS, STALL_SECONDS, Clock

BLOCK_SECONDS = 0.3
SHORT_SECONDS = 0.04


@asynccontextmanager
async def beating(clock):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.beat)
        await wait_all_tasks_blocked()
        yield
        nursery.cancel_scope.cancel()


async def test_the_first_who_asks_after_a_stall_reports_it():
    clock, stalls = Clock(), []
    clock.on_stall(lambda since, until: stalls.append((since, until)))
    async with beating(clock):
        began = clock.now()
        block(BLOCK_SECONDS)
        now = clock.now()
        assert len(stalls) == 1
    since, until = stalls[0]
    assert began <= since <= began + BEAT_SECONDS
    assert since < until == now
    assert clock.stalled_until == now
    assert clock.stall_seconds == pytest.approx(until - since)
    assert clock.stall_seconds >= BLOCK_SECONDS - BEAT_SECONDS


async def test_the_heartbeat_reports_a_stall_when_nobody_asks():
    clock, reported = Clock(), trio.Event()
    clock.on_stall(lambda _since, _until: reported.set())
    async with beating(clock):
        block(BLOCK_SECONDS)
        with trio.fail_after(2.0):
            await reported.wait()


async def test_a_stall_is_reported_once():
    clock, stalls = Clock(), []
    clock.on_stall(lambda *times: stalls.append(times))
    async with beating(clock):
        block(BLOCK_SECONDS)
        for _ in range(10):
            clock.now()
            await trio.lowlevel.checkpoint()
    assert len(stalls) == 1


async def test_stalls_add_up_and_every_listener_hears_of_each():
    clock, first, second = Clock(), [], []
    clock.on_stall(lambda *times: first.append(times))
    clock.on_stall(lambda *times: second.append(times))
    async with beating(clock):
        for _ in range(2):
            block(BLOCK_SECONDS)
            clock.now()
            await wait_all_tasks_blocked()
    assert first == second
    assert len(first) == 2
    assert all(since < until for since, until in first)
    assert first[0][1] <= first[1][0]
    assert clock.stall_seconds == pytest.approx(sum(until - since for since, until in first))


async def test_time_seen_during_the_block_is_no_part_of_the_stall():
    """A task that runs long but asks for the time now and then was looking until it last asked."""
    clock, stalls = Clock(), []
    clock.on_stall(lambda *times: stalls.append(times))
    async with beating(clock):
        block(STALL_SECONDS)
        seen_at = clock.now()
        block(BLOCK_SECONDS)
        clock.now()
    assert stalls[0][0] == seen_at


async def test_a_short_block_is_no_stall():
    clock = Clock()
    async with beating(clock):
        block(SHORT_SECONDS)
        clock.now()
    assert clock.stall_seconds == 0.0
    assert clock.stalled_until == -math.inf


async def test_without_a_heartbeat_nothing_is_called_a_stall(mock_clock):
    clock = Clock()
    clock.now()
    mock_clock.jump(3600.0)
    assert clock.now() == 3600.0
    assert clock.stall_seconds == 0.0


async def test_virtual_time_never_stalls(autojump_clock):
    clock = Clock()
    async with beating(clock):
        await trio.sleep(60.0)
    assert clock.stall_seconds == 0.0


async def test_a_listener_may_ask_for_the_time():
    clock, times = Clock(), []
    clock.on_stall(lambda _since, _until: times.append(clock.now()))
    async with beating(clock):
        block(BLOCK_SECONDS)
        clock.now()
    assert len(times) == 1


async def test_wall_time_is_the_machines_unless_told_otherwise():
    assert Clock().wall() == pytest.approx(time.time(), abs=5.0)
    assert Clock(wall=lambda: 42.0).wall() == 42.0
