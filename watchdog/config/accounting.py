"""From a TOML file to the accounting of statements, or to every mistake of the file at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from watchdog.config.load import read_toml
from watchdog.config.validation import ConfigError, Mistake, Section, Table, Validation, build
from watchdog.config.values import Value
from watchdog.core.statement import schedule
from watchdog.core.statement.accounting import Accounting, Basis, CreditStep, Exclusion, Percent, Seconds, Share


class Hours(Value):
    """A weekly window in which the promise holds."""

    __slots__ = ()
    allowed: ClassVar[str] = schedule.WEEKLY

    def __init__(self, text: str) -> None:
        super().__init__(text)
        schedule.parse_weekly(text)

    def __str__(self) -> str:
        return self._text


class Window(Hours):
    """A window of agreed maintenance."""
