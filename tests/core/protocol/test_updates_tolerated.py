"""Updates that are not as documented where no check reads, or where a number is written otherwise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.protocol.documents import (
    DEALER,
    EVENT,
    GAME,
    HAND,
    NUMBERS,
    OPTIONAL_UNREAD,
    REQUIRED_UNREAD,
    RESULT,
    UNREAD,
    UPDATE,
    as_read,
    at_path,
    decode,
    document,
    place,
    raw,
    refused,
)
from tests.core.protocol.test_updates_refused import JSON_VALUES
from watchdog.core.protocol.records import encode_record
from watchdog.core.protocol.tolerant import MAX_TOLERATED_BYTES
from watchdog.core.protocol.updates import UPDATE_TARGET, UpdateDecoder, decode_update

RIGHT = as_read(decode(document()))

# The first is how the specification has it.
SPELLINGS = ["{0}", "{0}.0", "{0}.000", "{0}e0", "{0}.0E+0", '"{0}"', '"{0}.0"', '"{0}e0"']


def short_way(arguments):
    """The same update as a record that is the ordinary delivery of one."""
    record = f'{{"type":1,"target":"{UPDATE_TARGET}","arguments":{arguments}}}'
    return UpdateDecoder().decode(record)


@pytest.mark.parametrize("value", ["null", "{}", "[1]", '"text"', "-3.5", "true", "1e999", "9" * 5000])
@pytest.mark.parametrize(("path", "name"), REQUIRED_UNREAD)
def test_a_field_that_no_check_reads_may_hold_anything(path, name, value):
    update = decode_update(raw(path, name, value))

    assert as_read(update) == RIGHT
    # Some of them are right in some places.
    assert update.tolerated in ((), (place(path, name),))


@pytest.mark.parametrize(("path", "name"), REQUIRED_UNREAD)
def test_a_required_field_that_no_check_reads_may_be_missing_or_null_and_is_named(path, name):
    missing = document()
    del at_path(missing, path)[name]

    for changed in (missing, document(path, **{name: None})):
        assert as_read(decode(changed)) == RIGHT
        assert decode(changed).tolerated == (place(path, name),)


@pytest.mark.parametrize("value", ['"text"', "5", "{}", "[5]", "[null]"])
@pytest.mark.parametrize(("path", "name"), OPTIONAL_UNREAD)
def test_an_optional_field_that_no_check_reads_may_be_of_another_type(path, name, value):
    if (path, name) == (EVENT, "p") and value.startswith("["):
        return  # its elements are not documented
    update = decode_update(raw(path, name, value))

    assert as_read(update) == RIGHT
    assert [field.startswith(place(path, name)) for field in update.tolerated] == [True]


@given(st.sampled_from(UNREAD), JSON_VALUES)
def test_any_value_in_any_unread_field_is_the_same_to_the_checks(where, value):
    path, name = where
    arguments = json.dumps([document(path, **{name: value})])

    assert as_read(decode_update(arguments)) == RIGHT
    assert as_read(short_way(arguments)) == RIGHT
    assert short_way(arguments).tolerated == decode_update(arguments).tolerated


@given(st.lists(st.sampled_from(UNREAD), unique=True, max_size=5))
def test_any_unread_fields_may_be_missing_together(places):
    changed = document()
    for path, name in sorted(places, key=lambda each: -len(each[0])):
        del at_path(changed, path)[name]

    assert as_read(decode(changed)) == RIGHT


def test_each_field_that_is_not_as_documented_is_named_once():
    changed = document(GAME, ge=None, di={"id": "x"})
    for event in changed["wgi"][0]["e"]:
        event["c"] = None
    for result in changed["wgi"][0]["r"]:
        result["h"] = 1
    changed["wgi"][0]["h"] = "none"

    assert decode(changed).tolerated == (
        "wgi[].ge",
        "wgi[].h",
        "wgi[].e[].c",
        "wgi[].di.id",
        "wgi[].r[].h",
    )


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("path", "name"), NUMBERS)
def test_a_number_that_is_read_may_be_written_in_any_way(path, name, spelling):
    arguments = raw(path, name, spelling.format(at_path(document(), path)[name]))

    assert as_read(decode_update(arguments)) == RIGHT
    assert decode_update(arguments).tolerated == ()


@given(st.sampled_from(NUMBERS), st.integers(-(2**63), 2**63 - 1), st.sampled_from(SPELLINGS))
def test_any_whole_number_is_the_same_in_any_spelling(where, value, spelling):
    path, name = where
    if "e" in spelling.lower():
        value %= 2**53
    exact, spelled = (raw(path, name, each.format(value)) for each in (SPELLINGS[0], spelling))
    found = []
    for arguments in (exact, spelled):
        try:
            found.append(as_read(decode_update(arguments)))
        except Exception as error:  # noqa: BLE001 - compared below
            found.append(type(error))
    assert found[0] == found[1]


@pytest.mark.parametrize("text", ["28.125", '"28.125"', '"2.8125e1"', "2.8125E+1"])
def test_a_betting_timer_may_have_fractions_in_any_spelling(text):
    assert decode_update(raw(UPDATE, "bt", text)).betting_timer == 28.125


@pytest.mark.parametrize(("text", "value"), [("7", "7"), ("7.0", "7"), ("7.5", "7.5"), ('"7"', "7")])
def test_the_value_of_a_result_may_be_a_number(text, value):
    results = decode_update(raw(RESULT, "v", text)).games[0].results

    assert results is not None
    assert results[0].value == value


def test_a_mistake_that_counts_is_named_behind_one_that_is_tolerated():
    changed = document(GAME, ge=None)
    changed["sId"] = None
    assert "sId" in str(refused(json.dumps([changed])))

    changed = document(EVENT, c=None)
    changed["wgi"][0]["r"][3]["sn"] = "x"
    assert "wgi[].r[].sn" in str(refused(json.dumps([changed])))


def test_a_date_of_never_is_no_mistake_beside_one():
    never = "9999-12-31T23:59:59.9999999Z"
    changed = document(GAME, fdt=never, ge=None)

    update = decode(changed)

    assert update.games[0].finishes.year == 9999
    assert update.tolerated == ("wgi[].ge",)


def test_what_is_not_as_documented_has_a_limit():
    long = document(GAME, ge=None, new="x" * MAX_TOLERATED_BYTES)

    assert "more than 1,048,576 bytes" in str(refused(json.dumps([long])))
    assert decode(document(GAME, new="x" * MAX_TOLERATED_BYTES)).sequence_id == 8975


def test_games_that_are_not_as_documented_are_decoded_once_too():
    decode_record = UpdateDecoder().decode
    changed = document(DEALER, a=None)
    records = [
        encode_record({"type": 1, "target": UPDATE_TARGET, "arguments": [each]}).removesuffix("\x1e")
        for each in (changed, changed | {"bt": 2}, document(HAND, s=None), document())
    ]
    first, second, third, fourth = (decode_record(record) for record in records)

    assert second.games is first.games
    assert second.games_unchanged
    assert [update.tolerated for update in (first, second, third, fourth)] == [
        ("wgi[].di.a",),
        ("wgi[].di.a",),
        ("wgi[].h[].s",),
        (),
    ]
