"""Figures from whole numbers: exact where something is decided, to four decimals where a share is shown."""

from collections.abc import Iterable

from watchdog.core.history import SECOND
from watchdog.core.statement.accounting import CreditStep

_DECIMALS = 10**4
_PARTS = 10**9
"""An objective has nine decimals at most."""


def seconds(lasted: int) -> float:
    """Microseconds as the document writes them."""
    return lasted / SECOND


def microseconds(lasted: float) -> int:
    """Seconds of the document, or of an accounting, as whole microseconds."""
    return round(lasted * SECOND)


def rounded(part: int, whole: int) -> float:
    """The ratio to four decimals, half upwards."""
    return (2 * part * _DECIMALS + whole) // (2 * whole) / _DECIMALS


def share(part: int, whole: int) -> float | None:
    """To 4 decimals; None of nothing."""
    return rounded(part, whole) if whole else None


def percent(part: int, whole: int) -> float | None:
    """In per cent to 4 decimals; None of nothing."""
    return rounded(100 * part, whole) if whole else None


def reaches(part: int, whole: int, objective: float) -> bool:
    """Whether the share isn't below the objective, exactly."""
    return part * _PARTS >= round(objective * _PARTS) * whole


def allowance(whole: int, objective: float) -> int:
    """What may be lost of the whole without missing the objective, rounded down."""
    return whole * (_PARTS - round(objective * _PARTS)) // _PARTS


def credit(part: int, whole: int, steps: Iterable[CreditStep]) -> float:
    """The per cent of the fee that are credited for a share: the highest of all steps that it is below."""
    due = (step.percent for step in steps if not reaches(part, whole, step.below))
    return max(due, default=0.0)
