"""What a call costs, in steps of the interpreter: the same on every machine, however busy."""

import sys
from collections.abc import Callable
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
