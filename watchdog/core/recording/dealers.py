"""Leaving dealers' names, ages and countries out of a record, and nothing else."""

import re

import msgspec
from msgspec import Struct

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]')


class _Open(Struct):
    """An object or array that is not closed yet."""

    is_object: bool
    key: str | None = None
    comma: int | None = None
    """Where the last comma is that stays."""
    dealer: int | None = None
    """Where the member begins that is left out."""


def without_dealers(record: str) -> str:
    """A record without the member `di` of its games; every other character of it stays.

    The record must be JSON. With the member goes the comma that it needs, so JSON it remains.
    """
    if '"di"' not in record and "\\" not in record:
        return record
    scan = _Scan(record)
    for token in _TOKEN.finditer(record):
        scan.take(token[0], token.start())
    kept, end = [], 0
    for begin, stop in sorted(scan.cuts):
        kept.append(record[end:begin])
        end = stop
    return "".join((*kept, record[end:]))


class _Scan:
    """Goes through a record once, and notes what is to be cut out of it."""

    def __init__(self, record: str) -> None:
        self._record = record
        self._inside: list[_Open] = []
        self.cuts: list[tuple[int, int]] = []

    def take(self, text: str, at: int) -> None:
        if text in "{[":
            self._inside.append(_Open(text == "{"))
        elif text in "}]":
            self._close(self._inside.pop(), at)
        elif text == ",":
            self._next_member(self._inside[-1], at)
        elif self._inside and self._inside[-1].is_object and self._inside[-1].key is None:
            self._inside[-1].key = msgspec.json.decode(text, type=str)
            if self._inside[-1].key == "di" and _is_game(self._inside):
                self._inside[-1].dealer = at

    def _close(self, closed: _Open, at: int) -> None:
        if closed.dealer is None:
            return
        self.cuts.append((closed.dealer, _value_end(self._record, at)))
        if closed.comma is not None:
            self.cuts.append((closed.comma, closed.comma + 1))

    def _next_member(self, present: _Open, at: int) -> None:
        present.key = None
        if present.dealer is None:
            present.comma = at
        else:
            self.cuts.append((present.dealer, at + 1))
            present.dealer = None


def _value_end(record: str, closes: int) -> int:
    """Where the last value of an object ends that closes there: before the white space."""
    while record[closes - 1] in " \t\n\r":
        closes -= 1
    return closes


def _is_game(inside: list[_Open]) -> bool:
    """Whether the innermost object is one of `arguments[].wgi[]`."""
    match inside:
        case [_Open(key="arguments"), _Open(is_object=False), _Open(key="wgi"), _Open(is_object=False), _]:
            return True
    return False
