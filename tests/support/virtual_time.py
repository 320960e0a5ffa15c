"""For the tests that run through days of virtual time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LOW = 10
"""The priority of what only counts: the tests of real processes, whose timing matters, go before it."""


@contextmanager
def uncounted_lines() -> Iterator[None]:
    """Without the coverage's trace function, which makes such a test far slower and learns nothing."""
    tracer, may_come_back = sys.gettrace(), os.geteuid() == 0
    sys.settrace(None)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    if may_come_back:
        os.setpriority(os.PRIO_PROCESS, 0, max(before, _LOW))
    try:
        yield
    finally:
        if may_come_back:
            os.setpriority(os.PRIO_PROCESS, 0, before)
        sys.settrace(tracer)
