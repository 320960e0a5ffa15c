"""Turns at the times they ask for: taken by a task, or by the loop itself."""

import math
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from watchdog.runtime.waker import LoopWaker, TaskWaker, Waker, current_waker, time_of_loop

SOON = 0.02
LATE = 60.0
PATIENCE_SECONDS = 10.0

Run = Callable[[Callable[[], Awaitable[None]]], None]


class OursError(Exception):
    pass


@pytest.fixture(params=[TaskWaker, LoopWaker])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test on the loop whose cheapest waker is of this kind."""

    def patient(main: Callable[[], Awaitable[None]]) -> None:
        async def within_patience() -> None:
            assert type(current_waker()) is request.param
            with trio.fail_after(PATIENCE_SECONDS):
                await main()

        trio.run(within_patience, clock=LoopWaker() if request.param is LoopWaker else None)

    return patient


class Turns:
    """Takes note of each turn, and asks for the next ones at given times after the first; then for none."""

    def __init__(self, *after_seconds: float) -> None:
        self.begun_at = trio.current_time()
        self.taken_at: list[float] = []
        self.all_taken = trio.Event()
        self._wanted: Iterator[float] = iter(after_seconds)

    def __call__(self) -> float:
        self.taken_at.append(trio.current_time() - self.begun_at)
        after_seconds = next(self._wanted, math.inf)
        if after_seconds == math.inf:
            self.all_taken.set()
        return self.begun_at + after_seconds

    async def taken(self, waker: Waker) -> list[float]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waker.run, self)
            await self.all_taken.wait()
            nursery.cancel_scope.cancel()
        return self.taken_at


def test_each_turn_is_taken_when_the_one_before_asked_for_it_and_no_sooner(run):
    async def main() -> None:
        wanted = [SOON, 2 * SOON, 4 * SOON]
        first, *later = await Turns(*wanted).taken(current_waker())
        assert first >= 0.0
        assert len(later) == len(wanted)
        assert all(taken >= at for taken, at in zip(later, wanted, strict=True))

    run(main)


def test_a_turn_may_be_wanted_at_once(run):
    async def main() -> None:
        assert len(await Turns(-1.0, 0.0, -1.0).taken(current_waker())) == 4

    run(main)


def test_before_a_turn_that_is_wanted_at_once_other_tasks_have_theirs(run):
    async def main() -> None:
        turns, steps = Turns(*[0.0] * 200), list[int]()

        async def other() -> None:
            while True:
                await trio.lowlevel.checkpoint()
                steps.append(len(turns.taken_at))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            await turns.taken(current_waker())
            nursery.cancel_scope.cancel()
        # Trio runs those of one round in either order, so two turns may follow on each other.
        assert len(set(steps)) >= 50

    run(main)


def test_a_turn_comes_sooner_when_it_is_hastened(run):
    async def main() -> None:
        turns, waker = Turns(LATE), current_waker()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waker.run, turns)
            await wait_all_tasks_blocked(SOON)
            assert len(turns.taken_at) == 1
            hastened_to = trio.current_time() + SOON
            waker.hasten(hastened_to)
            waker.hasten(hastened_to + LATE)
            await turns.all_taken.wait()
            assert trio.current_time() >= hastened_to
            nursery.cancel_scope.cancel()

    run(main)


def test_no_turn_is_taken_before_it_runs_or_after_it_was_cancelled(run):
    async def main() -> None:
        turns, waker = Turns(SOON, 2 * SOON), current_waker()
        waker.hasten(trio.current_time())
        await trio.sleep(SOON)
        assert turns.taken_at == []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waker.run, turns)
            while not turns.taken_at:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        count = len(turns.taken_at)
        waker.hasten(trio.current_time())
        await trio.sleep(3 * SOON)
        assert len(turns.taken_at) == count

    run(main)


def test_what_a_turn_raises_ends_the_program(run):
    def turn() -> float:
        raise OursError

    async def main() -> None:
        await current_waker().run(turn)

    with pytest.raises(OursError):
        run(main)


def test_deadlines_of_tasks_go_on_beside_the_turns(run):
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(current_waker().run, Turns(LATE))
            begun = trio.current_time()
            await trio.sleep(SOON)
            assert trio.current_time() - begun >= SOON
            nursery.cancel_scope.cancel()

    run(main)


def test_the_time_of_the_loop_is_trios(run):
    async def main() -> None:
        before = trio.current_time()
        assert before <= time_of_loop()() <= trio.current_time()

    run(main)


async def test_a_virtual_clock_has_a_task_take_the_turns(mock_clock: MockClock):
    assert isinstance(current_waker(), TaskWaker)
    turns = Turns(1.0, 5.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(current_waker().run, turns))
        for jump in (0.0, 1.0, 3.0, 1.0):
            mock_clock.jump(jump)
            await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert turns.taken_at == [0.0, 1.0, 5.0]
