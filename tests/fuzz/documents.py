"""Hostile variants of the specification's example, as texts that may or may not be JSON."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.core.protocol.documents import DOCUMENT

LONG = 64 * 1024

HOSTILE = [
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "0",
    "-0",
    "-0.0",
    "-1",
    "2",
    "0.5",
    "1e400",
    "-1e400",
    "1e-400",
    "NaN",
    "Infinity",
    "-Infinity",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1" + "0" * 4000,
    "9" * 5000,
    "1" * LONG,
    "01",
    "+1",
    "1.",
    ".5",
    "0x10",
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u0000"',
    '"\\u001e"',
    '"\x1e"',
    '"\x00"',
    '"\ud800"',
    '"\ufeff"',
    '"\\x41"',
    '"' + "a" * LONG + '"',
    '"' + "\U0001f0a1" * 1000 + '"',
    '"unfinished',
    "[" * 500 + "]" * 500,
    "[" * LONG,
    '{"a":' * 500 + "1" + "}" * 500,
    '{"a":' * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"i":1,"i":2}',
    "[1,]",
    "/* */ 1",
    '"0001-01-01T00:00:00Z"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59.9999999"',
    '"9999-12-31T23:59:59-14:00"',
    '"2025-02-29T00:00:00Z"',
    '"2025-06-19T15:57:60Z"',
    '"2025-06-19"',
    '"2025-06-19T15:57:01.0000000000001Z"',
]
"""What a value of the example may be replaced by."""


def _places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(place for key, child in children for place in _places(child, (*path, key)))]


PLACES = _places(DOCUMENT)[1:]


@st.composite
def mutated_arguments(draw: st.DrawFn) -> str:
    """The example's arguments with one to three values replaced, dropped, repeated or moved."""
    document = deepcopy(DOCUMENT)
    texts: list[str] = []
    for path in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3)):
        parent = document
        try:
            for key in path[:-1]:
                parent = parent[key]
            _mutate(draw, parent, path[-1], texts)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier mutation took the place away
    text = json.dumps([document])
    for number, hostile in enumerate(texts):
        text = text.replace(f'"@{number}@"', hostile)
    return text


def _mutate(draw: st.DrawFn, parent: Any, key: object, texts: list[str]) -> None:
    match draw(st.sampled_from(["hostile", "hostile", "missing", "twice", "elsewhere"])):
        case "missing":
            del parent[key]
        case "twice":
            texts.append(json.dumps(parent[key]) + f',"{key}":' + json.dumps(parent[key]))
            parent[key] = f"@{len(texts) - 1}@"
        case "elsewhere":
            parent[key] = deepcopy(DOCUMENT["wgi"][0].get(draw(st.sampled_from(sorted(DOCUMENT["wgi"][0])))))
        case _:
            texts.append(draw(st.sampled_from(HOSTILE)))
            parent[key] = f"@{len(texts) - 1}@"
