"""One pass over a decoded TOML table: every value converted once, every mistake noted, not only the first."""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from functools import cache
from typing import Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, inspect, structs

from watchdog.config.values import Value
from watchdog.core.errors import OperatorError

Mistake = tuple[str, str]
"""The key path, and what is wrong together with what is allowed."""

Table = Mapping[str, Any]
Hook = Callable[[type, Any], Any]
AnyStruct = TypeVar("AnyStruct", bound=Struct)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INT64 = 2**63
_SHOWN_CHARACTERS = 32


class ConfigError(OperatorError):
    """A configuration, or a file that it names, that can't be used; each mistake is one line."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Section(Struct, frozen=True, kw_only=True):
    """A table of the configuration."""

    echo: ClassVar[bool] = True
    """Whether a message may repeat a text of this table; false where a secret could stand by mistake."""

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """What is wrong between the keys, each with its path inside the table.

        Args:
            given: The table as it stands in the file.
            valid: The values that are right by themselves, and the defaults of the keys not given.
        """
        del given, valid
        yield from ()


class Validation:
    """What is right in a document, and its `mistakes`: outermost first, in the order of the fields."""

    def __init__(self, hook: Hook) -> None:
        """`hook` makes values of our own types, or raises TypeError or a ValueError that says why not."""
        self.mistakes: list[Mistake] = []
        self._hook = hook

    def values(self, kind: type[Struct], table: object, where: str = "") -> dict[str, Any]:
        """The valid values of a table, converted to the types of the struct `kind`; mistakes are noted.

        The tables in it are dictionaries of the same sort, because what a key inherits is known only when
        all of them have been read; `build` makes the structs.
        """
        if not isinstance(table, Mapping):
            self._note(where, f"expected a table, got {_shown(table, echo=False)}")
            return {}
        fields = structs.fields(kind)
        names = [field.name for field in fields]
        for key in table:
            if key not in names:
                self._note(join(where, _quoted(key)), _unknown(key, names))
        section = kind if issubclass(kind, Section) else Section
        valid, defaults = {}, {}
        for field in fields:
            place = join(where, field.name)
            if field.name in table:
                value = self._value(field.type, table[field.name], place, echo=section.echo)
                if value is not UNSET:
                    valid[field.name] = value
            elif field.required:
                self._note(place, f"missing, expected {_allowed(_type_info(field.type))}")
            else:
                defaults[field.name] = field.default
        for path, text in section.rules(table, defaults | valid):
            self._note(join(where, path), text)
        return valid

    def _note(self, where: str, text: str) -> None:
        self.mistakes.append((where, text))

    def _value(self, kind: Any, value: object, where: str, *, echo: bool) -> Any:
        """The value converted; UNSET if it is wrong."""
        match _type_info(kind):
            case inspect.StructType(cls=cls):
                return self.values(cls, value, where)
            case inspect.VarTupleType(item_type=inspect.StructType(cls=cls)) as info:
                if isinstance(value, list) and value:
                    return [self.values(cls, each, f"{where}[{index}]") for index, each in enumerate(value)]
                self._note(where, f"expected {_allowed(info)}, got {_shown(value, echo=False)}")
            case inspect.VarTupleType() as info:
                if isinstance(value, list):
                    item = _type_of(info.item_type)
                    items = [
                        self._value(item, each, f"{where}[{n}]", echo=echo) for n, each in enumerate(value)
                    ]
                    return UNSET if UNSET in items else tuple(items)
                self._note(where, f"expected {_allowed(info)}, got {_shown(value, echo=False)}")
            case info:
                try:
                    return msgspec.convert(value, kind, dec_hook=self._hook)
                except (msgspec.ValidationError, ValueError) as error:
                    # A value of our own says what is wrong with it better than its type could.
                    reason = error.__cause__
                    wrong = str(reason) if isinstance(reason, ValueError) else None
                    self._note(where, wrong or f"expected {_allowed(info)}, got {_shown(value, echo=echo)}")
        return UNSET


def build(kind: type[AnyStruct], values: Table, **more: Any) -> AnyStruct:
    """The struct of the values of a table without mistakes, and of `more`, which is not in the file."""
    types = {field.name: _type_info(field.type) for field in structs.fields(kind) if field.name in values}
    return kind(**{name: _built(types[name], value) for name, value in values.items()}, **more)


def _built(info: inspect.Type, value: Any) -> Any:
    match info:
        case inspect.StructType(cls=cls):
            return build(cls, value)
        case inspect.VarTupleType(item_type=inspect.StructType(cls=cls)):
            return tuple(build(cls, each) for each in value)
    return value


def join(where: str, path: str) -> str:
    """The path inside a table; an empty one is the table itself."""
    return f"{where}.{path}" if where and path else where or path


@cache
def _type_info(kind: Any) -> inspect.Type:
    """The type of a key once it is there: an optional one can be left out, but TOML has no null."""
    info = inspect.type_info(kind)
    if isinstance(info, inspect.UnionType):
        [info] = [each for each in info.types if not isinstance(each, inspect.NoneType)]
    return info


def _type_of(info: inspect.Type) -> Any:
    """The type of an array's entries, which are texts, read as one of our own types or one of a few."""
    return info.cls if isinstance(info, inspect.CustomType) else Literal[info.values]  # type: ignore[attr-defined]


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
        case inspect.VarTupleType(item_type=inspect.StructType()):
            text = "an array of at least one table"
        case inspect.VarTupleType(item_type=item):
            text = f"an array, each entry {_allowed(item)}"
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
