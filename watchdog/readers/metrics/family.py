"""What a metric is, as data."""

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from watchdog.core.instruments import Distribution
from watchdog.core.snapshot import GameSnapshot

Subject = TypeVar("Subject")
Values = Mapping[str, float] | float | None


class Family(NamedTuple, Generic[Subject]):
    """One metric as data: a counter if its name ends in `_total`, a gauge otherwise.

    `read` returns one value, None for an absent series, or with a `label` one value for each of its texts.
    """

    name: str
    help: str
    read: Callable[[Subject], Values]
    label: str | None = None


class HistogramFamily(NamedTuple):
    """One histogram of a game as data."""

    name: str
    help: str
    read: Callable[[GameSnapshot], Distribution]
