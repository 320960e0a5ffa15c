"""Updates that are none: no JSON, another schema, hostile values."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.protocol.documents import (
    EVENT,
    GAME,
    READ,
    RESULT,
    UNREAD,
    UPDATE,
    document,
    raw,
    refused,
)
from watchdog.core.protocol.updates import UpdateError, decode_update


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-06-19", "2025-13-19T15:57:18Z", "1750348638", "24:00"]
)
def test_a_timestamp_that_is_none_breaks_the_schema(text):
    assert refused(json.dumps([document(tst=text)])).reason == "schema"


HOSTILE = [
    (GAME, "i", "1" + "0" * 30),
    (GAME, "i", "9" * 5000),
    (GAME, "i", '"' + "9" * 5000 + '"'),
    (GAME, "i", "1.5"),
    (GAME, "i", '"1.5"'),
    (GAME, "i", "true"),
    (GAME, "i", '""'),
    (GAME, "i", '"abc"'),
    (GAME, "i", '"3 "'),
    (GAME, "i", '"\\u0663"'),
    (GAME, "i", '"0x3"'),
    (GAME, "i", '"nan"'),
    (GAME, "i", '"inf"'),
    (GAME, "i", "9007199254740993e0"),
    (GAME, "i", "1e999999999"),
    (GAME, "i", str(2**63)),
    (GAME, "i", f"{2**63}.0"),
    (GAME, "i", str(-(2**63) - 1)),
    (GAME, "lrId", "-" + "9" * 40),
    (GAME, "s", "true"),
    (GAME, "s", '"6"'),
    (GAME, "s", "0.0"),
    (GAME, "ps", '"3"'),
    (GAME, "cr", "{}"),
    (GAME, "sdt", "1750348638"),
    (GAME, "fdt", "false"),
    (GAME, "r", "{}"),
    (GAME, "r", "[null]"),
    (RESULT, "v", "true"),
    (RESULT, "v", "[]"),
    (RESULT, "s", "3.0"),
    (RESULT, "sn", '"one"'),
    (UPDATE, "sId", "-1"),
    (UPDATE, "sId", '"-1"'),
    (UPDATE, "sId", "8975.5"),
    (UPDATE, "sId", "true"),
    (UPDATE, "sId", "1" + "0" * 30),
    (UPDATE, "bt", "1e999"),
    (UPDATE, "bt", '"1e999"'),
    (UPDATE, "bt", '"soon"'),
    (UPDATE, "bt", "true"),
    (UPDATE, "bt", "1" + "0" * 30),
    (UPDATE, "bt", '"1' + "0" * 30 + '"'),
    (UPDATE, "im", "0"),
    (UPDATE, "im", '"false"'),
    (UPDATE, "wgi", "{}"),
    (UPDATE, "wgi", "[null]"),
    (UPDATE, "wgi", "[1]"),
]


@pytest.mark.parametrize(("path", "name", "text"), HOSTILE)
def test_a_value_of_another_type_or_beyond_all_sizes_breaks_the_schema(path, name, text):
    error = refused(raw(path, name, text))

    assert error.reason == "schema"
    assert name in str(error)
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "01", "1e", "0x1", "'1'", "undefined", "tru"]
)
def test_what_is_no_json_value_is_no_json(text):
    assert refused(raw(UPDATE, "bt", text)).reason == "json"


@pytest.mark.parametrize("arguments", ["[]", "{}", "null", "1", '"x"', "[null]", "[1]", "[[]]"])
def test_arguments_without_an_update_break_the_schema(arguments):
    assert refused(arguments).reason == "schema"


def test_two_arguments_are_not_the_documented_one():
    assert refused(json.dumps([document(), document()])).reason == "schema"


@pytest.mark.parametrize(
    "arguments", ["", " ", "[", "[{]", '[{"sId":1', "nonsense", '["\\ud800"]', "\ud800", b"\xff"]
)
def test_arguments_that_are_no_json_are_told_from_a_broken_schema(arguments):
    assert refused(arguments).reason == "json"


def test_a_wrong_type_before_a_syntax_error_is_no_json_either():
    assert refused('[{"sId": "x", "tst": ').reason == "json"


@pytest.mark.parametrize("nested", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000])
@pytest.mark.parametrize(("path", "name"), [(EVENT, "p"), (UPDATE, "unknown"), (UPDATE, "bt")])
def test_nesting_without_end_is_refused_and_survived(path, name, nested):
    assert refused(raw(path, name, nested)).reason in ("json", "schema")


@pytest.mark.parametrize("digits", [7, 2_000, 100_000])
@pytest.mark.parametrize("rest", ["", '"', '","sId":"x"}]', '\ud800"}]'])
def test_a_date_of_never_saves_no_update_that_is_invalid_otherwise(digits, rest):
    assert refused(f'[{{"tst":"9999-12-31T23:59:59.{"9" * digits}{rest}').reason in ("json", "schema")


@given(st.text() | st.binary())
def test_no_input_raises_anything_but_an_update_error(arguments):
    assert refused(arguments).reason in ("json", "schema")


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(READ + UNREAD), JSON_VALUES)
def test_any_value_in_any_place_is_decoded_or_breaks_the_schema(place, value):
    path, name = place
    arguments = msgspec.json.encode([document(path, **{name: value})])
    reason = None
    try:
        decode_update(arguments)
    except UpdateError as error:
        reason = error.reason

    assert reason in (None, "schema")
