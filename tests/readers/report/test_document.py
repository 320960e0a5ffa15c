"""A statement as JSON: its schema, and what is refused when it is read again."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.report.samples import SILENT_ID, statement
from tests.readers.report.schema import PATH, made_schema
from watchdog.readers.report.document import StatementError, as_json, json_schema, read

VALIDATOR = jsonschema.Draft202012Validator(
    json.loads(PATH.read_text()), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def document(**changes):
    return {**json.loads(as_json(statement())), **changes}


def test_the_published_schema_is_that_of_the_records():
    made = json.loads(json.dumps(made_schema()))

    assert json.loads(PATH.read_text()) == made, "run python -m tests.readers.report.schema"
    assert json_schema() == made


@pytest.mark.parametrize(
    "accounting", [{}, {"basis": "updates", "hours": ("mon-fri 08:00-20:00",)}, {"credits": ()}]
)
def test_a_statement_is_valid_by_its_schema(accounting):
    content = as_json(statement(**accounting))

    VALIDATOR.validate(json.loads(content))
    assert content.endswith(b"}\n")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "betcore-statement/2"),
        ("games", {}),
        ("made_at", 5),
        ("total", None),
        ("surprise", 1),
    ],
)
def test_the_schema_refuses_what_reading_refuses(key, value):
    changed = document(**{key: value})

    assert not VALIDATOR.is_valid(changed)
    with pytest.raises(StatementError, match=r"^not a betcore-statement/1 document: "):
        read(json.dumps(changed).encode())


def test_a_statement_is_read_as_it_was_written():
    assert read(as_json(statement())) == statement()


def test_figures_are_plain_seconds_and_times_are_utc():
    game = document()["games"][0]
    [incident] = [each for each in document()["incidents"] if each["id"] == SILENT_ID]

    assert (game["lost_seconds"], game["by_state"]["silent"]) == (90.5, 90.5)
    assert (incident["start"], incident["end"]) == ("2026-11-02T00:16:40Z", "2026-11-02T00:18:10.500000Z")
    assert incident["evidence"] == {"file": f"{SILENT_ID}.jsonl.gz", "sha256": "ab" * 32}


def period(start, end):
    return {"start": start, "end": end, "timezone": "UTC"}


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"period": period("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z")}, "ends after it starts"),
        ({"period": period("0001-01-01T00:00:00Z", "2026-11-01T00:00:00Z")}, "ends after it starts"),
        ({"period": period("2001-01-01T00:00:00Z", "2026-11-01T00:00:00Z")}, "at most 3660 days"),
        ({"period": period("2026-11-01T00:00:00", "2026-12-01T00:00:00")}, "timezone component"),
        ({"accounting": {"hours": ["whenever"]}}, "days and times"),
        ({"accounting": {"planned_maintenance": ["whenever"]}}, "days and times"),
    ],
)
def test_what_cannot_be_a_statement_is_refused_in_one_line(changes, mistake):
    with pytest.raises(StatementError, match=mistake) as caught:
        read(json.dumps(document(**changes)).encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(StatementError):
        read(content)


@given(st.binary(max_size=200))
def test_whatever_is_read_is_refused_or_a_statement(content):
    with pytest.raises(StatementError):
        read(content)
