"""Rows of a history as JSON lines: what `/api/v1/history` hands out, and `report` reads."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from watchdog.archive.reading import Page, whole
from watchdog.archive.schema import TABLES, Row
from watchdog.core.history import History


class _Line(Struct, omit_defaults=True):
    """One row of a table, or what asks for the rows that follow."""

    table: str = ""
    row: msgspec.Raw = msgspec.Raw()
    after: str = ""


_ENCODER = msgspec.json.Encoder()
_KINDS = {table.name: msgspec.json.Decoder(table.kind) for table in TABLES}
_LINE = msgspec.json.Decoder(_Line)


def encode(page: Page) -> bytes:
    """One line a row, and a last one where rows follow that another request gets with its `after`."""
    lines = [
        b'{"table":"%b","row":%b}\n' % (table.encode(), _ENCODER.encode(row)) for table, row in page.rows
    ]
    if page.after is not None:
        lines.append(_ENCODER.encode({"after": page.after}) + b"\n")
    return b"".join(lines)


def decode(body: bytes) -> Page:
    """The page that these lines are.

    Raises:
        ValueError: they are none.

    """
    rows: list[tuple[str, Row]] = []
    after: str | None = None
    try:
        for text in body.splitlines():
            line = _LINE.decode(text)
            if line.after:
                after = line.after
            else:
                rows.append((line.table, _KINDS[line.table].decode(line.row)))
    except (msgspec.DecodeError, KeyError) as error:
        raise ValueError(f"not the rows of a history: {error}") from None
    return Page(tuple(rows), after)


def history_of(rows: Iterable[tuple[str, Row]]) -> History:
    """The rows, each with the name of its table, as one history."""
    tables: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    for table, row in rows:
        tables[table].append(row)
    return whole(tables)
