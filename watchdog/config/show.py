"""The configuration as it will be used, as TOML that can be read back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from watchdog.config.schema import Config, Document, Token
from watchdog.config.values import RequestTemplate, Url, Value

_DELETE = 0x7F


def as_toml(settings: Config) -> str:
    """Every key with its value, defaults and what is inherited included; what could be a secret is left out.

    What is left out, or not set, stands in a comment. Paths are absolute.
    """
    lines = [f"# {settings.source}", *_table(settings, "", structs.fields(Document))]
    return "\n".join(lines) + "\n"


def _table(table: Struct, path: str, fields: Any = None) -> Iterator[str]:
    """The keys of a table, and behind them, as TOML wants it, the tables in it."""
    values = {field.name: getattr(table, field.name) for field in fields or structs.fields(table)}
    tables = {name: value for name, value in values.items() if _holds_tables(value)}
    for name, value in values.items():
        if name not in tables:
            yield _line(name, value) if _applies(table, name) else f"# {name}: only with url"
    for name, value in tables.items():
        place = f"{path}.{name}" if path else name
        for each in value if isinstance(value, tuple) else (value,):
            yield ""
            yield f"[[{place}]]" if isinstance(value, tuple) else f"[{place}]"
            yield from _table(each, place)


def _applies(table: Struct, name: str) -> bool:
    return not isinstance(table, Token) or table.url is not None or name in ("file", "env", "url")


def _holds_tables(value: object) -> bool:
    return isinstance(value, Struct) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(each, Struct) for each in value)
    )


def _line(name: str, value: object) -> str:
    if value is None:
        return f"# {name}: not set"
    if isinstance(value, RequestTemplate):
        # Somebody may have written a secret into it.
        return f"# {name}: left out, as it may hold a secret"
    if isinstance(value, Url) and value.query:
        shown = str(value).removesuffix("?…")
        return f"{name} = {_text(shown)}  # with a query, which is left out"
    return f"{name} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, Path | Value | str):
        return _text(str(value))
    raise TypeError(f"no form in TOML for {type(value).__name__}")


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL.
    return json.dumps(text, ensure_ascii=False).replace(chr(_DELETE), "\\u007f")
