"""For the tests that run through days of virtual time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncounted_lines() -> Iterator[None]:
    """Without the coverage's trace function, which makes such a test far slower and learns nothing."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
