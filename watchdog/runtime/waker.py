"""Who calls the reader when it wants to be called: the loop itself where it is ours, a task on any other."""

import math
import time
from collections.abc import Callable
from typing import Protocol

import trio

Turn = Callable[[], float]
"""Does what is due, and returns when it wants to be called again, by Trio's clock.

A time that has passed means at once, but after whatever else can run.
"""


class Waker(Protocol):
    """Takes turn after turn."""

    async def run(self, turn: Turn) -> None:
        """Take a turn now, and each further one when it is due; what it raises goes through."""

    def hasten(self, at: float) -> None:
        """Take the next turn by then, if it is not due sooner."""


class TaskWaker:
    """Takes turns in a task, by Trio's deadlines: on any clock, also a virtual one."""

    def __init__(self) -> None:
        self._wait = trio.CancelScope()

    async def run(self, turn: Turn) -> None:
        """Take turns until cancelled."""
        while True:
            with trio.CancelScope(deadline=turn()) as self._wait:
                await trio.sleep_forever()

    def hasten(self, at: float) -> None:
        """Take the next turn by then."""
        self._wait.deadline = min(self._wait.deadline, at)


class LoopWaker(trio.abc.Clock, trio.abc.Instrument):
    """Trio's clock, and a hook in its loop that takes turns right after the wait, without a task.

    Waking up a task is most of what ten turns a second cost, and this halves it. As the clock of `trio.run`
    it is asked how long the loop may wait, and lets it wait no longer than until the next turn.
    """

    def __init__(self) -> None:
        self._turn: Turn | None = None
        self._at = math.inf
        self._mistake: BaseException | None = None
        self._failed = trio.Event()

    def start_clock(self) -> None:
        """It always runs."""

    def current_time(self) -> float:
        """Monotonic seconds."""
        return time.perf_counter()

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """How long the loop may wait if that is the next deadline of a task."""
        return min(deadline, self._at) - time.perf_counter()

    async def run(self, turn: Turn) -> None:
        """Have the loop take turns until cancelled."""
        self._turn, self._at = turn, -math.inf
        trio.lowlevel.add_instrument(self)
        try:
            await self._failed.wait()
        finally:
            self._turn, self._at = None, math.inf
            trio.lowlevel.remove_instrument(self)
        assert self._mistake is not None  # noqa: S101 - it is what set the event
        raise self._mistake

    def hasten(self, at: float) -> None:
        """Take the next turn by then."""
        self._at = min(self._at, at)

    def after_io_wait(self, timeout: float) -> None:
        """Take a turn if one is due."""
        del timeout
        if time.perf_counter() < self._at or self._turn is None:
            return
        try:
            self._at = self._turn()
        except BaseException as mistake:  # noqa: BLE001 - Trio would only log it: the task above raises it
            self._at, self._mistake = math.inf, mistake
            self._failed.set()


def current_waker() -> Waker:
    """The cheapest waker on the running loop."""
    clock = trio.lowlevel.current_clock()
    return clock if isinstance(clock, LoopWaker) else TaskWaker()


def time_of_loop() -> Callable[[], float]:
    """What tells the time of the running loop's clock at the least cost."""
    clock = trio.lowlevel.current_clock()
    return time.perf_counter if isinstance(clock, LoopWaker) else trio.current_time
