"""Counts by kind that whoever reads them may keep: a count that rises makes a new dictionary."""

from typing import TypeVar

_Kind = TypeVar("_Kind")


def one_more(counts: dict[_Kind, int], kind: _Kind) -> dict[_Kind, int]:
    """The counts with one more of a kind; those handed in stay as they are.

    Updates change no count, readers want all of them: so the readers need no copies.
    """
    return counts | {kind: counts[kind] + 1}
