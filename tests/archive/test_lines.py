"""Rows as JSON lines: what a watchdog hands out is what a reader gets, and nothing else is taken."""

import pytest

from tests.archive.rows import ROWS
from watchdog.archive.lines import decode, encode, history_of
from watchdog.archive.reading import Page
from watchdog.archive.schema import TABLE_OF

NAMED = tuple((TABLE_OF[type(row)].name, row) for row in ROWS)


@pytest.mark.parametrize("after", [None, "stays:17"])
def test_a_page_comes_back_as_it_was(after):
    body = encode(Page(NAMED, after))
    assert decode(body) == Page(NAMED, after)
    assert body.count(b"\n") == len(ROWS) + (after is not None)


def test_rows_make_a_history():
    history = history_of(NAMED)
    assert [len(rows) for rows in (history.runs, history.stays, history.clock_steps)] == [1, 2, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html>",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b'{"table":"runs"}',
        b'{"table":"users","row":{}}',
        b'{"table":"runs","row":{"id":1}}',
        b'{"table":"stays","row":{"run":"a","feed":"b","game_type":3,"state":"well","began":0}}',
    ],
)
def test_what_are_no_rows_is_refused_in_one_line(body):
    with pytest.raises(ValueError, match="not the rows of a history") as caught:
        decode(body)
    assert str(caught.value).isprintable()
