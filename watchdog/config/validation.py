"""Finds every mistake of a decoded TOML table against a msgspec struct, where msgspec stops at the first."""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import NODEFAULT, Struct, inspect, structs

from watchdog.config.values import Value

Mistake: TypeAlias = tuple[str, str]
"""The key path, and what is wrong together with what is allowed."""

Table: TypeAlias = Mapping[str, Any]
Hook: TypeAlias = Callable[[type, Any], Any]

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INT64: Final = 2**63
_SHOWN_CHARACTERS: Final = 32


class Section(Struct, frozen=True, kw_only=True):
    """A table of the configuration; `echo=False` keeps its texts out of messages."""

    @staticmethod
    def echo() -> bool:
        """Whether a message may repeat a text of this table; false where a secret could stand by mistake."""
        return True

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """Yield what is wrong between the keys, each with its path inside the table.

        Args:
            given: The table as it stands in the file.
            valid: The values that are right by themselves, and the defaults of the keys not given.
        """
        del given, valid
        yield from ()


def find_mistakes(
    kind: type[Struct], table: object, hook: Hook | None = None, where: str = ""
) -> Iterator[Mistake]:
    """Yield every mistake of the table, outermost first, in the order of the struct's fields."""
    if not isinstance(table, Mapping):
        yield where, f"expected a table, got {_shown(table, echo=False)}"
        return
    fields = structs.fields(kind)
    names = [field.name for field in fields]
    for key in table:
        if key not in names:
            yield join(where, _quoted(key)), _unknown(key, names)
    section = kind if issubclass(kind, Section) else Section
    valid: dict[str, Any] = {}
    for field in fields:
        if field.name in table:
            value = table[field.name]
            found = list(
                _value_mistakes(field.type, value, hook, join(where, field.name), echo=section.echo())
            )
            yield from found
            if not found:
                valid[field.name] = msgspec.convert(value, field.type, dec_hook=hook)
        elif field.default is NODEFAULT:
            yield join(where, field.name), f"missing, expected {_allowed(_type_info(field.type))}"
        else:
            valid[field.name] = field.default
    for path, text in section.rules(table, valid):
        yield join(where, path), text


def join(where: str, path: str) -> str:
    """Return the path inside a table; an empty one is the table itself."""
    return f"{where}.{path}" if where and path else where or path


def _value_mistakes(
    kind: Any, value: object, hook: Hook | None, where: str, *, echo: bool
) -> Iterator[Mistake]:
    info = _type_info(kind)
    item = info.item_type if isinstance(info, inspect.VarTupleType) else None
    if isinstance(info, inspect.StructType):
        yield from find_mistakes(info.cls, value, hook, where)
    elif isinstance(item, inspect.StructType):
        if not isinstance(value, list) or not value:
            yield where, f"expected {_allowed(info)}, got {_shown(value, echo=False)}"
            return
        for index, element in enumerate(value):
            yield from find_mistakes(item.cls, element, hook, f"{where}[{index}]")
    else:
        try:
            msgspec.convert(value, kind, dec_hook=hook)
        except (msgspec.ValidationError, ValueError) as error:
            # A value of ours says what is wrong with it better than its type could.
            reason = error.__cause__
            wrong = str(reason) if isinstance(reason, ValueError) else None
            yield where, wrong or f"expected {_allowed(info)}, got {_shown(value, echo=echo)}"


@cache
def _type_info(kind: Any) -> inspect.Type:
    """Return what a key is once it is there: an optional one can be left out, but TOML has no null."""
    info = inspect.type_info(kind)
    if isinstance(info, inspect.UnionType):
        [info] = [each for each in info.types if not isinstance(each, inspect.NoneType)]
    return info


def _allowed(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(extra_json_schema={"description": description}):
            text = str(description)
        case inspect.LiteralType(values=values):
            text = "one of " + ", ".join(f'"{value}"' for value in values)
        case inspect.IntType(ge=low, le=high):
            text = f"an integer from {low} to {high}"
        case inspect.FloatType(ge=low, le=high):
            text = f"a number from {low:g} to {high:g}"
        case inspect.BoolType():
            text = "true or false"
        case inspect.VarTupleType():
            text = "an array of at least one table"
        case inspect.StructType():
            text = "a table"
        case inspect.CustomType(cls=cls) if issubclass(cls, Value):
            text = cls.allowed
        case _:
            text = "a path"
    return text


def _shown(value: object, *, echo: bool) -> str:
    match value:
        case bool():
            text = "true" if value else "false"
        case int() if abs(value) >= _INT64:
            text = "an integer beyond 64 bits"
        case int() | float():
            text = repr(value) if echo else "a number"
        case str() if echo and len(value) <= _SHOWN_CHARACTERS:
            text = json.dumps(value, ensure_ascii=not value.isprintable())
        case str():
            text = "a text" if value else "an empty text"
        case date() | time():
            text = "a date or time"
        case Mapping():
            text = "a table"
        case list():
            text = "an array" if value else "an empty array"
        case _:
            text = "something else"
    return text


def _quoted(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key[:_SHOWN_CHARACTERS])


def _unknown(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key[:64], known, n=1)
    guess = f', did you mean "{close[0]}"?' if close else ","
    return f"unknown key{guess} allowed are {', '.join(known)}"
