"""What `/api/v1/history` answers to a query."""

import time
from contextlib import closing

import pytest

from tests.archive.rows import ROWS, at
from watchdog.archive import api
from watchdog.archive.database import Database, HistoryError
from watchdog.archive.lines import decode
from watchdog.core.errors import ClientError

PERIOD = {"from": "2025-06-19T11:00Z", "to": "2025-06-19T13:00Z"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "history.db"
    with closing(Database(path)) as database:
        database.write(ROWS)
    return path


def answered(file, **query):
    return decode(api.page(file, {**PERIOD, **query}))


def test_a_period_has_all_rows_in_one_page(file):
    page = answered(file)
    assert (len(page.rows), page.after) == (len(ROWS), None)


@pytest.mark.parametrize("most", [1, 2, 3, 8, 9, 10])
def test_pages_have_every_row_once_and_in_the_same_order(file, monkeypatch, most):
    whole = answered(file).rows
    monkeypatch.setattr(api, "MOST_ROWS", most)
    rows, after = [], ""
    while after is not None:
        page = answered(file, after=after)
        assert len(page.rows) <= most
        rows += page.rows
        after = page.after
    assert tuple(rows) == whole


def test_a_feed_or_a_game_type_alone_leaves_out_the_rows_of_others(file):
    assert {name for name, _ in answered(file, feed="another").rows} == {"runs", "clock_steps"}
    assert {name for name, _ in answered(file, game_type="7").rows} == {"runs", "clock_steps"}
    assert len(answered(file, feed="betcore", game_type="3").rows) == len(ROWS)


def test_without_a_period_it_is_the_last_day(file, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: at(3_600) / 1e6)
    assert len(decode(api.page(file, {})).rows) == len(ROWS)
    monkeypatch.setattr(time, "time", lambda: at(2 * 86_400) / 1e6)
    assert decode(api.page(file, {})).rows == ()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"form": "x"}, "'form': expected only after, feed, from, game_type, to"),
        ({"x" * 1_000: ""}, "expected only"),
        ({"feed": "x" * 65}, "feed: expected at most 64 characters"),
        ({"from": "yesterday"}, "from: expected a date or time"),
        ({"to": "9" * 60}, "to: expected a date or time"),
        ({"to": "2200-01-01"}, "to: expected a time between"),
        ({"from": PERIOD["to"]}, "from: expected a time before to"),
        ({"game_type": "-1"}, "game_type: expected a number"),
        ({"game_type": "٣"}, "game_type: expected a number"),
        ({"game_type": "9" * 64}, "game_type: expected a number"),
        ({"after": "users:1"}, "after: expected what the last line"),
        ({"after": "runs:x"}, "after: expected what the last line"),
        ({"after": "runs:" + "9" * 50}, "after: expected what the last line"),
        ({"after": "runs"}, "after: expected what the last line"),
        ({"after": "' OR 1=1:1"}, "after: expected what the last line"),
    ],
)
def test_a_query_that_is_wrong_is_refused_with_what_is_allowed(file, query, words):
    with pytest.raises(ClientError) as caught:
        answered(file, **query)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_file_that_is_not_there_is_no_fault_of_the_client(tmp_path):
    with pytest.raises(HistoryError, match="no such file"):
        api.page(tmp_path / "none.db", {})
