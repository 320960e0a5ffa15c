"""The interpreter's steps: what a call costs, the same on every machine; and the coverage left out of it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

HANG_STEPS = 1_000_000
"""A hang. The longest good input takes a fifth of it, in 7 ms; the promise for 64 KiB is 50 ms."""


class TooManyStepsError(AssertionError):
    """The call was still running after as many steps as it may take."""


def steps(call: Callable[[], object], *, at_most: int = HANG_STEPS) -> int:
    """How many lines, calls and returns of Python a call takes.

    Raises:
        TooManyStepsError: it took more than it may; it is interrupted where it is.

    """
    count = 0

    def step(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal count
        count += 1
        if count > at_most:
            raise TooManyStepsError(f"more than {at_most:,} steps")
        return step

    before = sys.gettrace()  # the coverage's
    sys.settrace(step)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@contextmanager
def uncounted_lines() -> Iterator[None]:
    """Without the coverage's trace function, which makes a test of days several times as slow."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
