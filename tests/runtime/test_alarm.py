"""Waking up in a steady beat, and sooner where that is asked for."""

import ctypes
import math
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from watchdog.runtime.alarm import KernelAlarm, TrioAlarm, best_alarm

SOON = 0.02
LATE = 60.0
PATIENCE_SECONDS = 10.0


@pytest.fixture(params=[TrioAlarm, KernelAlarm])
async def alarm(request):
    made = request.param()
    yield made
    made.close()


async def test_it_rings_at_its_time_and_not_before(alarm):
    begun = trio.current_time()
    alarm.set(begun + SOON, math.inf)
    with trio.fail_after(PATIENCE_SECONDS):
        await alarm.wait()
    assert trio.current_time() >= begun + SOON


async def test_it_rings_at_once_for_a_time_that_has_passed(alarm):
    alarm.set(trio.current_time() - 1.0, math.inf)
    with trio.fail_after(PATIENCE_SECONDS):
        await alarm.wait()


async def test_it_rings_again_in_its_beat(alarm):
    begun = trio.current_time()
    alarm.set(begun + SOON, SOON)
    with trio.fail_after(PATIENCE_SECONDS):
        for _ in range(4):
            await alarm.wait()
    assert trio.current_time() >= begun + 4 * SOON


async def test_it_rings_sooner_when_it_is_set_anew_while_somebody_waits(alarm):
    alarm.set(trio.current_time() + LATE, LATE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(alarm.wait)
        await wait_all_tasks_blocked()
        alarm.set(trio.current_time() + SOON, LATE)
        nursery.cancel_scope.deadline = trio.current_time() + PATIENCE_SECONDS
    assert not nursery.cancel_scope.cancelled_caught


async def test_without_a_beat_it_rings_once(alarm):
    alarm.set(trio.current_time(), math.inf)
    with trio.fail_after(PATIENCE_SECONDS):
        await alarm.wait()
    with trio.move_on_after(3 * SOON) as waiting:
        await alarm.wait()
    assert waiting.cancelled_caught


async def test_a_beat_that_was_missed_is_not_caught_up_with(mock_clock):
    alarm = TrioAlarm()
    alarm.set(1.0, 1.0)
    mock_clock.jump(10.5)
    await alarm.wait()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(alarm.wait)
        mock_clock.jump(0.25)
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        mock_clock.jump(0.25)


def test_without_timers_of_the_kernel_trio_does_it(monkeypatch):
    class Nothing:
        def __init__(self, *_, **__):
            pass

    monkeypatch.setattr(ctypes, "CDLL", Nothing)
    assert isinstance(best_alarm(), TrioAlarm)


def test_a_kernel_that_gives_no_timer_is_no_obstacle(monkeypatch):
    class Refusing:
        def __init__(self, *_, **__):
            pass

        def timerfd_create(self, *_):
            return -1

    monkeypatch.setattr(ctypes, "CDLL", Refusing)
    assert isinstance(best_alarm(), TrioAlarm)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_the_timer_is_given_back():
    before = open_files()
    alarm = best_alarm()
    assert isinstance(alarm, KernelAlarm)
    assert open_files() == before + 1
    alarm.close()
    assert open_files() == before
