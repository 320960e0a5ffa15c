"""Settings of the Python interpreter for a loop that is never held for long."""

import gc
import sys

import trio

_GC_THRESHOLDS = (50_000, 20, 50)
"""Python's own are (700, 10, 10): with a thousand games it would walk through all of them all the time."""

_SWITCH_SECONDS = 0.0001
"""How long a busy thread may hold the loop, which gives way with every read; 5 ms by default."""


def shorten_pauses() -> None:
    """Let neither the garbage collector nor another thread hold the loop for long.

    An update leaves no cycles behind, a lost connection few: there is little to collect.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_SECONDS)


async def freeze_settled_objects(after_seconds: float) -> None:
    """Exempt from collection what has been made by then: once all are connected, most of it lasts."""
    await trio.sleep(after_seconds)
    gc.freeze()
