"""Stalls of our own loop. Virtual time never stalls, so these tests block the real loop for a moment."""

import math
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.raw_server import block
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import STALL_SECONDS, Blame, Stalls

BEAT_SECONDS = 0.05
BLOCK_SECONDS = 0.3
SHORT_SECONDS = 0.04


@asynccontextmanager
async def beating(stalls):
    """Has a task that is to wake up in a steady beat, as the reader does."""

    async def beat():
        while True:
            due = stalls.catch_up() + BEAT_SECONDS
            stalls.expected_at = due
            await trio.sleep_until(due)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(beat)
        await wait_all_tasks_blocked()
        yield
        nursery.cancel_scope.cancel()


async def test_the_first_who_asks_after_a_stall_reports_it():
    stalls, seen = Stalls(Clock()), []
    stalls.on_stall(lambda since, until: seen.append((since, until)))
    async with beating(stalls):
        began = stalls.catch_up()
        block(BLOCK_SECONDS)
        now = stalls.catch_up()
        assert len(seen) == 1
    since, until = seen[0]
    assert began <= since <= began + BEAT_SECONDS
    assert since < until == now
    assert stalls.until == now
    assert stalls.seconds == pytest.approx(until - since)
    assert stalls.seconds >= BLOCK_SECONDS - BEAT_SECONDS


async def test_the_task_that_wakes_up_late_reports_a_stall_when_nobody_asks():
    stalls, reported = Stalls(Clock()), trio.Event()
    stalls.on_stall(lambda _since, _until: reported.set())
    async with beating(stalls):
        block(BLOCK_SECONDS)
        with trio.fail_after(2.0):
            await reported.wait()


async def test_a_stall_is_reported_once():
    stalls, seen = Stalls(Clock()), []
    stalls.on_stall(lambda *times: seen.append(times))
    async with beating(stalls):
        block(BLOCK_SECONDS)
        for _ in range(10):
            stalls.catch_up()
            await trio.lowlevel.checkpoint()
    assert len(seen) == 1


async def test_stalls_add_up_and_every_listener_hears_of_each():
    stalls, first, second = Stalls(Clock()), [], []
    stalls.on_stall(lambda *times: first.append(times))
    stalls.on_stall(lambda *times: second.append(times))
    async with beating(stalls):
        for _ in range(2):
            block(BLOCK_SECONDS)
            stalls.catch_up()
            await wait_all_tasks_blocked()
    assert first == second
    assert len(first) == 2
    assert all(since < until for since, until in first)
    assert first[0][1] <= first[1][0]
    assert stalls.seconds == pytest.approx(sum(until - since for since, until in first))


async def test_time_seen_during_the_block_is_no_part_of_the_stall():
    """A task that runs long but asks for the time now and then was looking until it last asked."""
    stalls, seen = Stalls(Clock()), []
    stalls.on_stall(lambda *times: seen.append(times))
    async with beating(stalls):
        block(STALL_SECONDS)
        seen_at = stalls.catch_up()
        block(BLOCK_SECONDS)
        stalls.catch_up()
    assert seen[0][0] == seen_at


async def test_a_short_block_is_no_stall():
    stalls = Stalls(Clock())
    async with beating(stalls):
        block(SHORT_SECONDS)
        stalls.catch_up()
    assert stalls.seconds == 0.0
    assert stalls.until == -math.inf


async def test_while_nobody_is_to_wake_up_nothing_is_called_a_stall(mock_clock):
    stalls = Stalls(Clock())
    stalls.catch_up()
    mock_clock.jump(3600.0)
    assert stalls.catch_up() == 3600.0
    assert stalls.seconds == 0.0


async def test_virtual_time_never_stalls(autojump_clock):
    stalls = Stalls(Clock())
    async with beating(stalls):
        await trio.sleep(60.0)
    assert stalls.seconds == 0.0


async def test_a_listener_may_catch_up_itself():
    stalls, times = Stalls(Clock()), []
    stalls.on_stall(lambda _since, _until: times.append(stalls.catch_up()))
    async with beating(stalls):
        block(BLOCK_SECONDS)
        stalls.catch_up()
    assert len(times) == 1


# --- whose doing it was


@asynccontextmanager
async def blaming(stalls):
    blame = Blame(Clock())
    trio.lowlevel.add_instrument(blame)
    try:
        async with beating(stalls):
            yield blame
    finally:
        trio.lowlevel.remove_instrument(blame)


async def test_the_task_that_held_the_loop_is_named():
    stalls, seen = Stalls(Clock()), []

    async def hog():
        block(BLOCK_SECONDS)

    async with blaming(stalls) as blame:
        stalls.on_stall(lambda since, _until: seen.append(blame.task_since(since)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hog, name="the hog")
        stalls.catch_up()
    assert seen == ["the hog"]


async def test_the_task_that_holds_the_loop_while_it_asks_is_named():
    stalls, seen = Stalls(Clock()), []

    async def hog():
        block(BLOCK_SECONDS)
        stalls.catch_up()

    async with blaming(stalls) as blame, trio.open_nursery() as nursery:
        stalls.on_stall(lambda since, _until: seen.append(blame.task_since(since)))
        nursery.start_soon(hog, name="the hog")
    assert seen == ["the hog"]


async def test_of_many_short_steps_none_is_named():
    async with blaming(Stalls(Clock())) as blame:
        before = trio.current_time()
        for _ in range(10):
            block(SHORT_SECONDS)
            await trio.lowlevel.checkpoint()
        assert blame.task_since(before) is None


async def test_an_earlier_task_is_not_named_for_a_later_stall():
    async with blaming(Stalls(Clock())) as blame:

        async def hog():
            block(BLOCK_SECONDS)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(hog, name="the hog")
        assert blame.task_since(0.0) == "the hog"
        assert blame.task_since(trio.current_time()) is None
