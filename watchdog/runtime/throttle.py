"""Holding back log lines that come too often."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Literal

import structlog
import trio
from msgspec import Struct


class Admission(Struct, frozen=True):
    """Whether a line may go out, and how many of its kind were held back since the last one."""

    emit: bool
    suppressed: int


class _Bucket(Struct):
    lines: float
    filled_at_seconds: float
    suppressed: int = 0


class Throttle:
    """Holds back lines of one kind that come too often: a burst of them, then one per interval.

    A kind is any hashable key, such as (feed, game_type, event). Beyond `most_keys` the kind that was
    not seen for the longest time is forgotten, with its count. Pure: told the time, in seconds of any clock.
    """

    def __init__(self, *, burst: int = 5, interval_seconds: float = 10.0, most_keys: int = 20_000) -> None:
        self._burst = burst
        self._interval_seconds = interval_seconds
        self._most_keys = most_keys
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def admit(self, key: Hashable, now_seconds: float) -> Admission:
        """Decide about one line now."""
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now_seconds))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)
        elapsed_seconds = max(0.0, now_seconds - bucket.filled_at_seconds)
        bucket.lines = min(self._burst, bucket.lines + elapsed_seconds / self._interval_seconds)
        bucket.filled_at_seconds = now_seconds
        if bucket.lines < 1:
            bucket.suppressed += 1
            return Admission(emit=False, suppressed=bucket.suppressed)
        bucket.lines -= 1
        suppressed, bucket.suppressed = bucket.suppressed, 0
        return Admission(emit=True, suppressed=suppressed)


class ThrottledLog:
    """Writes log events but holds back those that come too often; the next one says how many it were."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._log = structlog.get_logger()

    def write(
        self, level: Literal["info", "warning", "error"], event: str, key: Hashable = None, /, **detail: Any
    ) -> None:
        """Write an event of the kind `key` (by default its name), unless too many of that kind came."""
        admission = self._throttle.admit(event if key is None else key, trio.current_time())
        if not admission.emit:
            return
        if admission.suppressed:
            detail["suppressed"] = admission.suppressed
        getattr(self._log, level)(event, **detail)
