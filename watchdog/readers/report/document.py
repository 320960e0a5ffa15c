"""A statement as JSON, `betcore-statement/1`, and read from it again."""

from importlib.resources import files
from typing import Any

import msgspec

from watchdog.core.errors import OperatorError
from watchdog.core.statement.records import SCHEMA, Statement
from watchdog.core.statement.schedule import parse_weekly, parse_window

_YEARS = range(2000, 3000)
_LONGEST_DAYS = 3_660


class StatementError(OperatorError):
    """A file that is no statement; the text is one line."""


def as_json(statement: Statement) -> bytes:
    """The document, indented, in UTF-8."""
    return msgspec.json.format(msgspec.json.encode(statement)) + b"\n"


def read(content: bytes) -> Statement:
    """The statement in a JSON document.

    Raises:
        StatementError: it is none; the text says where and why.

    """
    try:
        statement = msgspec.json.decode(content, type=Statement)
        for text in statement.accounting.hours or ():
            parse_weekly(text)
        for text in statement.accounting.planned_maintenance or ():
            parse_window(text)
    except (ValueError, RecursionError) as error:
        raise StatementError(f"not a {SCHEMA} document: {error}") from None
    period = statement.period
    moments = (period.start, period.end, statement.known_until)
    if not all(moment.year in _YEARS for moment in moments) or not period.start < period.end:
        raise StatementError(f"not a {SCHEMA} document: expected a period that ends after it starts")
    if (period.end - period.start).days > _LONGEST_DAYS:
        raise StatementError(f"not a {SCHEMA} document: expected a period of at most {_LONGEST_DAYS} days")
    return statement


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document, as it is published beside this module."""
    schema: dict[str, Any] = msgspec.json.decode(
        files("watchdog.readers.report").joinpath("statement.schema.json").read_bytes()
    )
    return schema
