"""The one place where time is read."""

import time

import pytest
import trio

from watchdog.runtime.clock import Clock


async def test_wall_time_is_the_machines_unless_told_otherwise():
    assert Clock().wall() == pytest.approx(time.time(), abs=5.0)
    assert Clock(wall=lambda: 42.0).wall() == 42.0


async def test_now_is_trios_time(mock_clock):
    mock_clock.jump(42.0)
    assert Clock().now() == trio.current_time() == 42.0
