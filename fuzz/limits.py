"""What an input may cost, besides what its harness asserts: CPU time, and memory that stays."""

import gc
import sys
import time
from collections.abc import Callable

MAX_INPUT_BYTES = 64 * 1024
HANG_SECONDS = 0.05
"""The promise: so much CPU time for an input of up to `MAX_INPUT_BYTES`."""

INSTRUMENTED_HANG_SECONDS = 3 * HANG_SECONDS
"""The same under atheris, whose instrumentation makes the slowest inputs take three times as long."""

RSS_LIMIT_MB = 256
"""A run takes some 70 MB, mostly for its programs."""

GROWN_BLOCKS = 2_000
"""msgspec keeps the last 512 keys it has read; the rest is for what else settles down late."""

FIRST_LOOK = 1_024
"""After so many inputs caches are full: memory is compared with this, each time their number has doubled."""

_REPEATS = 3


class HangError(AssertionError):
    """An input that took too long each time it was tried."""


class GrowthError(AssertionError):
    """Memory that grows with the inputs; it is not known which of them did it."""


class Limited:
    """A harness that also fails where an input takes too long or memory grows.

    `tell` gets a line of figures (`stat::NAME: VALUE`) whenever one of them is new.
    """

    def __init__(
        self,
        harness: Callable[[bytes], None],
        hang_seconds: float,
        tell: Callable[[str], object],
        cpu_seconds: Callable[[], float] = time.process_time,
        blocks: Callable[[], int] = sys.getallocatedblocks,
    ) -> None:
        self._harness = harness
        self._hang_seconds = hang_seconds
        self._tell = tell
        self._cpu_seconds = cpu_seconds
        self._blocks = blocks
        self._inputs = 0
        self._longest_bytes = 0
        self._slowest_seconds = 0.0
        self._blocks_at_first: int | None = None

    def __call__(self, data: bytes) -> None:
        """Run the harness on one input; raise what it raises, `HangError` or `GrowthError`."""
        took = self._seconds(data)
        if took > self._slowest_seconds:
            # A collection or another process may have got in between: what counts is the best of four.
            took = min(took, *(self._seconds(data) for _ in range(_REPEATS)))
            self._judge_time(took, len(data))
        self._inputs += 1
        self._longest_bytes = max(self._longest_bytes, len(data))
        if self._inputs >= FIRST_LOOK and self._inputs.bit_count() == 1:
            self._judge_memory()

    def _seconds(self, data: bytes) -> float:
        begun = self._cpu_seconds()
        self._harness(data)
        return self._cpu_seconds() - begun

    def _judge_time(self, took: float, size: int) -> None:
        if took > self._hang_seconds:
            allowed = f"at most {self._hang_seconds * 1e3:.0f} ms are allowed"
            raise HangError(f"{took * 1e3:.0f} ms of CPU time for {size} bytes; {allowed}")
        if took > self._slowest_seconds:
            self._slowest_seconds = took
            self._tell(f"stat::slowest_input_ms: {took * 1e3:.2f}")

    def _judge_memory(self) -> None:
        gc.collect()
        blocks = self._blocks()
        if self._blocks_at_first is None:
            self._blocks_at_first = blocks
        grown = blocks - self._blocks_at_first
        self._tell(f"stat::grown_blocks: {grown}")
        self._tell(f"stat::longest_input_bytes: {self._longest_bytes}")
        if grown > GROWN_BLOCKS:
            since = f"from input {FIRST_LOOK:,} to input {self._inputs:,}"
            raise GrowthError(f"{grown:,} memory blocks more {since}; at most {GROWN_BLOCKS:,} are allowed")
