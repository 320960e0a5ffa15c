"""An update decoded in one pass with its record is the one that the long way finds, and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.protocol.documents import DOCUMENT
from tests.core.protocol.sessions import PING, established, plain
from tests.fuzz.documents import mutated_arguments
from watchdog.core.protocol.events import Invalid, Invocation, UpdateReceived
from watchdog.core.protocol.games import without_unread_fields
from watchdog.core.protocol.records import encode_record
from watchdog.core.protocol.updates import UPDATE_TARGET, UpdateDecoder, UpdateError, decode_update, is_update

UPDATE = encode_record({"type": 1, "target": UPDATE_TARGET, "arguments": [DOCUMENT]})
HEADS = ('"type":1,"target":"WholeGamesInfoSubscribe"', '"target":"wholegamesinfosubscribe","type":1')


def heard(text, expected):
    """What a session understands of a text, in the end."""
    session = established(expected=expected)
    found: list[object] = []
    for event in session.receive(text, 1.0):
        if isinstance(event, UpdateReceived):
            found.append((replace(event.update, games_unchanged=False), event.size_bytes))
        elif isinstance(event, Invocation) and is_update(event.target):
            try:
                update = decode_update(event.arguments)
                found.append((replace(update, games=without_unread_fields(update.games)), event.size_bytes))
            except UpdateError as error:
                found.append(Invalid(error.reason, str(error)))
        else:
            found += plain([event])
    return found, session.data_to_send()


@given(
    st.lists(
        st.tuples(st.sampled_from(HEADS), mutated_arguments(), st.sampled_from(["", ',"invocationId":"7"'])),
        min_size=1,
        max_size=3,
    )
)
def test_the_short_way_and_the_long_way_understand_the_same(parts):
    text = "".join(f'{{{head},"arguments":{arguments}{tail}}}\x1e' for head, arguments, tail in parts)

    assert heard(text, UpdateDecoder().decode) == heard(text, None)


@pytest.mark.parametrize("change", [('"i":', '"j":'), ('"bt":', '"bu":'), ('"s":2', '"s":9'), ("]}", "]")])
def test_what_is_kept_of_one_update_lets_no_broken_one_pass(change):
    broken = UPDATE.replace(change[0], change[1], 1)
    assert broken != UPDATE

    for text in (UPDATE + broken, UPDATE + broken + UPDATE + UPDATE, broken + UPDATE):
        assert heard(text, UpdateDecoder().decode) == heard(text, None)


def test_games_whose_text_is_the_same_are_decoded_once_and_marked():
    decode = UpdateDecoder().decode
    records = [UPDATE, UPDATE.replace('"im":false', '"im":true'), UPDATE.replace('"ps":1', '"ps":2'), UPDATE]
    updates = [decode(record.removesuffix("\x1e")) for record in records]

    assert updates[1].games is updates[0].games
    assert [update.maintenance for update in updates] == [False, True, False, False]
    assert [update.games[0].play_status for update in updates] == [1, 1, 2, 1]
    assert [update.games_unchanged for update in updates] == [False, True, False, False]


@pytest.mark.parametrize(
    "between", ["{", '{"type":6}', UPDATE.replace('"target":"Whole', '"target":"whole'), UPDATE[:-5]]
)
def test_after_a_record_that_goes_the_long_way_nothing_is_known_to_be_unchanged(between):
    decode = UpdateDecoder().decode
    decode(UPDATE.removesuffix("\x1e"))
    with pytest.raises(ValueError, match=r"JSON|Object|Invalid|truncated"):
        decode(between.removesuffix("\x1e"))

    assert [decode(UPDATE.removesuffix("\x1e")).games_unchanged for _ in range(2)] == [False, True]


def test_no_hub_can_say_that_its_games_are_unchanged():
    update = UPDATE.replace('"im":', '"games_unchanged":true,"im":', 1)

    assert not UpdateDecoder().decode(update.removesuffix("\x1e")).games_unchanged
    assert not decode_update(update[update.index("[") : update.rindex("]") + 1]).games_unchanged


@pytest.mark.parametrize(
    ("change", "short"),
    [
        (("", ""), True),
        (('"sId":', '"new":"é","sId":'), True),
        (('"type":1', '"type":1.0'), False),
        (('"type":1', '"type":2'), False),
        (('"type":1', '"tape":1'), False),
        (('"type":1', '"type":"1"'), False),
        (('"target":"Whole', '"target":"whole'), False),
        (('"arguments":[', '"arguments":[1,'), False),
        (('"type":1', '"type":1,"invocationId":"3"'), False),
        (('"type":1', '"type":1,"invocationId":null'), True),
    ],
)
def test_only_the_ordinary_delivery_goes_the_short_way(change, short):
    text = UPDATE.replace(change[0], change[1], 1)
    assert change == ("", "") or text != UPDATE

    events = established(expected=UpdateDecoder().decode).receive(text, 1.0)

    assert [isinstance(event, UpdateReceived) for event in events] in ([short], [])
    assert heard(text, UpdateDecoder().decode) == heard(text, None)


def test_a_ping_is_no_delivery():
    assert established(expected=UpdateDecoder().decode).receive(PING, 1.0) == []
