"""The specification's example, whole and broken in every place."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from msgspec.structs import replace

from watchdog.core.protocol.updates import UpdateError, decode_update

EXAMPLE = Path(__file__).with_name("specification-example.json").read_text()
DOCUMENT = json.loads(EXAMPLE)["arguments"][0]

# A hand's result as the table of the specification documents it; its example has none.
HAND_RESULT = {
    "Value": "kh",
    "GameId": 30000603282,
    "ManualControl": True,
    "Created": "2025-06-19T15:57:01.5Z",
    "HandId": 2,
    "ResultAction": "open",
    "RoundId": 1,
    "Status": 1,
    "SequentialNumber": 7,
    "StudioCreated": "2025-06-19T15:57:01Z",
    "Horseshoe": False,
}

UPDATE = ()
GAME = ("wgi", 0)
RESULT = (*GAME, "r", 0)
HAND = (*GAME, "h", 0)
HAND_RESULT_PATH = (*HAND, "r", 0)
EVENT = (*GAME, "e", 0)
DEALER = (*GAME, "di")

READ = [
    *((UPDATE, name) for name in ("sId", "tst", "im", "bt", "wgi")),
    *((GAME, name) for name in ("i", "t", "lrId", "s", "ps", "cr", "sdt", "fdt")),
    *((RESULT, name) for name in ("v", "hi", "ri", "s", "sn")),
]
"""What the checks read."""

NUMBERS = [
    *((UPDATE, name) for name in ("sId", "bt")),
    *((GAME, name) for name in ("i", "t", "lrId", "s", "ps", "cr")),
    *((RESULT, name) for name in ("hi", "ri", "s", "sn")),
]

REQUIRED_UNREAD = [
    (GAME, "ge"),
    (RESULT, "h"),
    *((HAND, name) for name in ("i", "s", "p")),
    *((HAND_RESULT_PATH, name) for name in HAND_RESULT),
    *((EVENT, name) for name in ("t", "c", "b", "sn")),
    *((DEALER, name) for name in ("id", "n", "a", "c")),
]
OPTIONAL_UNREAD = [*((GAME, name) for name in ("h", "e", "di")), (HAND, "r"), (EVENT, "p")]
UNREAD = REQUIRED_UNREAD + OPTIONAL_UNREAD
"""What the specification documents and no check reads."""

OPTIONAL = [(GAME, "r"), *OPTIONAL_UNREAD]


def at_path(document, path):
    for key in path:
        document = document[key]
    return document


def document(path=UPDATE, **changes):
    """The example with one hand's result, and fields of the object at `path` changed."""
    changed = deepcopy(DOCUMENT)
    at_path(changed, HAND)["r"] = [dict(HAND_RESULT)]
    at_path(changed, path).update(changes)
    return changed


def decode(changed):
    return decode_update(json.dumps([changed]))


def raw(path, name, text):
    """The example with a field written as `text`, whether that is JSON or not."""
    return json.dumps([document(path, **{name: "@@"})]).replace('"@@"', text)


def refused(arguments):
    with pytest.raises(UpdateError) as caught:
        decode_update(arguments)
    return caught.value


def place(path, name):
    """How a field is named in the log: `wgi[].e[].c`."""
    return "".join("[]" if key == 0 else f".{key}" for key in (*path, name)).removeprefix(".")


def as_read(update):
    """An update with only what the checks read."""
    games = tuple(
        replace(
            game,
            edition="",
            hands=None,
            events=None,
            dealer=None,
            results=game.results and tuple(replace(each, horseshoe=False) for each in game.results),
        )
        for game in update.games
    )
    return replace(update, games=games, tolerated=())
