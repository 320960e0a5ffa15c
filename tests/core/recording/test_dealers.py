"""Dealers are left out of a record, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.protocol.documents import EXAMPLE
from watchdog.core.protocol.updates import UpdateDecoder
from watchdog.core.recording.dealers import without_dealers


def record(game: str) -> str:
    return '{"arguments":[{"wgi":[' + game + ']}],"target":"x"}'


@pytest.mark.parametrize(
    ("game", "left"),
    [
        ('{"di":{"n":"Ann"},"i":1}', '{"i":1}'),
        ('{"i":1,"di":{"n":"Ann"}}', '{"i":1}'),
        ('{"i":1, "di" : {"n":"Ann"} , "t":2}', '{"i":1,  "t":2}'),
        ('{"di":null}', "{}"),
        ('{ "di":null }', "{  }"),
        ('{"i":1,"di":1,"di":[2,{"di":3}]}', '{"i":1}'),
        ('{"di":1,"di":"}","i":1}', '{"i":1}'),
        (r'{"\u0064i":{"n":"Ann"},"i":1}', '{"i":1}'),
        (r'{"i":"\"di\":","di":"a\\"}', r'{"i":"\"di\":"}'),
        ('{"di":1},{"i":"di"},{"di":2}', '{},{"i":"di"},{}'),
        # Neither a text nor a member of something else.
        ('{"i":"di"}', '{"i":"di"}'),
        ('{"e":[{"di":1}],"h":{"di":1}}', '{"e":[{"di":1}],"h":{"di":1}}'),
        ('["di",1]', '["di",1]'),
    ],
)
def test_the_member_goes_and_every_other_character_stays(game, left):
    assert without_dealers(record(game)) == record(left)


@pytest.mark.parametrize(
    "text", ['{"di":1}', '"di"', '[[{"di":[{"di":1}]}]]', '{"wgi":[{"di":1}]}', "{}", "1"]
)
def test_what_is_elsewhere_stays(text):
    assert without_dealers(text) == text


def test_the_example_of_the_specification_is_judged_the_same_without():
    without = without_dealers(EXAMPLE)

    assert '"di"' in EXAMPLE
    assert '"di"' not in without
    assert UpdateDecoder().decode(without) == UpdateDecoder().decode(EXAMPLE)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["di", "i", "wgi", "arguments"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["di", "i", "r"]) | st.text(), VALUES, max_size=4)


@given(st.lists(OBJECTS | VALUES, max_size=3), st.sampled_from([None, 1]), st.booleans())
def test_of_any_document_the_same_is_left_as_when_it_is_deleted(games, indent, ascii_only):
    document = {"arguments": [{"wgi": games, "di": 1}], "di": 2}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    without = json.loads(without_dealers(text))
    for game in games:
        if isinstance(game, dict):
            game.pop("di", None)

    assert without == document
