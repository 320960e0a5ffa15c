"""From a TOML file to the accounting of statements, or to every mistake of the file at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from watchdog.config.load import read_toml
from watchdog.config.rules import duplicates, tables
from watchdog.config.validation import ConfigError, Mistake, Section, Table, Validation, build
from watchdog.config.values import Value
from watchdog.core.statement import schedule
from watchdog.core.statement.accounting import Accounting, Basis, CreditStep, Exclusion, Seconds


class Hours(Value):
    """A weekly window in which the promise holds.

    Raises:
        ValueError: the text is none.

    """

    __slots__ = ()
    allowed: ClassVar[str] = schedule.WEEKLY

    def __init__(self, text: str) -> None:
        super().__init__(text)
        schedule.parse_weekly(text)

    def __str__(self) -> str:
        return self._text


class Maintenance(Value):
    """A window of agreed maintenance, weekly or between two instants.

    Raises:
        ValueError: the text is none.

    """

    __slots__ = ()
    allowed: ClassVar[str] = schedule.WINDOW

    def __init__(self, text: str) -> None:
        super().__init__(text)
        schedule.parse_window(text)

    def __str__(self) -> str:
        return self._text


class AccountingFile(Section, frozen=True, kw_only=True):
    """What may stand in the file; without a key its default holds."""

    basis: Basis = "time"
    exclude: tuple[Exclusion, ...] = Accounting().exclude
    ignore_shorter_than_seconds: Seconds = 0.0
    round_to_seconds: Seconds = 0.0
    hours: tuple[Hours, ...] | None = None
    planned_maintenance: tuple[Maintenance, ...] | None = None
    credits: tuple[CreditStep, ...] = ()

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """Mistakes in what contradicts or repeats itself."""
        excluded = valid.get("exclude", ())
        for index, state in enumerate(excluded):
            if state in excluded[:index]:
                yield f"exclude[{index}]", f'expected each entry once, got "{state}" again'
        if given.get("hours") == []:
            yield "hours", f"expected at least one entry: {schedule.WEEKLY}"
        yield from duplicates("credits", "below", [step.get("below") for step in tables(given, "credits")])
        if "planned_maintenance" in given and "maintenance" not in valid.get("exclude", ("maintenance",)):
            yield "planned_maintenance", 'only of use together with "maintenance" in exclude'


def load_accounting(path: Path) -> Accounting:
    """The accounting in a file, at most 1 MiB of UTF-8 TOML.

    Raises:
        ConfigError: with every mistake of the file, each `FILE: KEY PATH: what is wrong and what is allowed`.

    """
    validation = Validation(_value)
    values = validation.values(AccountingFile, read_toml(path))
    if validation.mistakes:
        raise ConfigError(*(f"{path}: {where}: {text}" for where, text in validation.mistakes))
    for key in ("hours", "planned_maintenance"):
        if key in values:
            values[key] = tuple(map(str, values[key]))
    return build(Accounting, values)


def _value(kind: Any, value: Any) -> Any:
    if not isinstance(value, str):
        raise TypeError
    return kind(value)
