"""What a statement has to say of a game, from the programme alone.

The definitions are written out here once more, from the documents, and not taken from the code under test.
All times are UTC microseconds. A line is every instant of a game in one state, piece by piece.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from tests.month.noted import BEGAN, utc
from tests.month.watch import Outcome
from watchdog.core.ledger import State

SECOND = 1_000_000
DAY = 86_400 * SECOND
JOINED_BELOW = 10 * SECOND

PARTY = {
    "unobserved": "ours",
    "maintenance": "provider",
    "unauthorized": "partner",
    "disconnected": "path_or_provider",
    "silent": "provider",
    "frozen": "provider",
}
PARTIES = ("provider", "path_or_provider", "partner", "ours")

Piece = tuple[int, int, State]
Cut = tuple[int, int]


def line_of(outcome: Outcome) -> list[Piece]:
    """One game by its programme."""
    pieces: list[Piece] = []
    at = BEGAN
    for stretch in sorted(outcome.stretches, key=lambda stretch: stretch.begin):
        began, ended = utc(stretch.begin), utc(stretch.end)
        if at < began:
            pieces.append((at, began, "fresh"))
        pieces.append((began, ended, stretch.state))
        at = ended
    return [*pieces, (at, utc(outcome.seconds), "fresh")]


class Second(Struct, frozen=True):
    """A second watchdog beside one that sees all: where its path was cut, and where it did not run."""

    cut_off: tuple[Cut, ...]
    dead: tuple[Cut, ...]


BOTH_CUT_OFF: tuple[State, ...] = ("disconnected", "silent", "unobserved")
"""Where the first receives nothing, or doesn't count, and the second is cut off: nobody received the game."""


def seen_by_both(line: Sequence[Piece], second: Second) -> tuple[list[Piece], list[Cut]]:
    """The line of both together, and where only the second was cut off."""
    edges = sorted(
        {edge for piece in line for edge in piece[:2]} | {e for cut in second.cut_off for e in cut}
    )
    starts = [piece[0] for piece in line]
    both: list[Piece] = []
    path: list[Cut] = []
    for began, ended in pairwise(edges):
        if began >= line[-1][1]:
            break
        first = line[bisect_right(starts, began) - 1][2]
        if not any(since <= began < until for since, until in second.cut_off):
            both.append((began, ended, first))
        elif first in BOTH_CUT_OFF:
            both.append((began, ended, "disconnected"))
        else:
            both.append((began, ended, first))
            if first != "unauthorized":
                path.append((began, ended))
    return both, path


class Terms(Struct, frozen=True, kw_only=True):
    """What is agreed, as an accounting says it: promised and planned cuts, what is left out, and how."""

    promised: tuple[Cut, ...]
    planned: tuple[Cut, ...]
    left_out: tuple[State, ...]
    ignore_shorter: int = 0
    step: int = 0


class Loss(Struct, frozen=True):
    """One incident: its true begin and end, whose it is, and what it loses within the period."""

    began: int
    ended: int
    whose: str
    lost: int


class Expected(Struct, frozen=True, kw_only=True):
    """One game of a statement, in microseconds."""

    by_state: dict[str, int]
    not_agreed: int
    lost: int
    losses: list[Loss]


def expected(line: Sequence[Piece], anomalies: Iterable[int], period: Cut, terms: Terms) -> Expected:
    """What a statement of the period says of a game with this line and these instants of anomalies."""
    inside = _clipped(terms.promised, period)
    by_state = dict.fromkeys((*PARTY, "fresh"), 0)
    for began, ended, state in line:
        by_state[state] += _shared(began, ended, inside)
    troubles = [trouble for piece in line for trouble in _troubles(piece, terms.planned)]
    not_agreed = sum(_shared(t[0], t[1], inside) for t in troubles if t[2] == "maintenance")
    losses = [
        _loss(group, period, inside, terms)
        for group in _incidents(troubles, anomalies)
        if group[0][0] < period[1]
    ]
    return Expected(
        by_state=by_state, not_agreed=not_agreed, lost=sum(loss.lost for loss in losses), losses=losses
    )


def _troubles(piece: Piece, planned: Sequence[Cut]) -> Iterable[Piece]:
    """The parts of a piece that are trouble: of maintenance those that were not agreed."""
    began, ended, state = piece
    if state == "fresh":
        return
    if state == "maintenance":
        for since, until in planned:
            if since < ended and until > began:
                if began < since:
                    yield began, since, state
                began = until
    if began < ended:
        yield began, ended, state


def _incidents(troubles: list[Piece], anomalies: Iterable[int]) -> list[list[tuple[int, int, str]]]:
    """What is less than 10 s apart belongs together; an anomaly has no length."""
    groups: list[list[tuple[int, int, str]]] = []
    until = -JOINED_BELOW
    for sign in sorted([*troubles, *((at, at, "") for at in anomalies)]):
        if sign[0] - until < JOINED_BELOW:
            groups[-1].append(sign)
        else:
            groups.append([sign])
        until = sign[1] if len(groups[-1]) == 1 else max(until, sign[1])
    return groups


def _loss(group: list[tuple[int, int, str]], period: Cut, inside: Sequence[Cut], terms: Terms) -> Loss:
    stays = [sign for sign in group if sign[2]]
    lasted = dict.fromkeys(PARTIES, 0)
    whole = within = 0
    for began, ended, state in stays:
        lasted[PARTY[state]] += ended - began
        # Maintenance is trouble only where it was not agreed, and then it is lost.
        if state == "maintenance" or state not in terms.left_out:
            whole += _shared(began, ended, terms.promised)
            within += _shared(began, ended, inside)
    if whole < terms.ignore_shorter:
        within = 0
    if terms.step:
        # To the nearest step, half a step upwards.
        within = (within + terms.step // 2) // terms.step * terms.step
    return Loss(
        group[0][0],
        max((stay[1] for stay in stays), default=group[0][0]),
        # The first of those with most.
        max(PARTIES, key=lambda party: lasted[party]),
        within,
    )


def _clipped(cuts: Iterable[Cut], period: Cut) -> list[Cut]:
    clipped = [(max(began, period[0]), min(ended, period[1])) for began, ended in cuts]
    return [cut for cut in clipped if cut[0] < cut[1]]


def _shared(began: int, ended: int, cuts: Sequence[Cut]) -> int:
    return sum(max(min(ended, until) - max(began, since), 0) for since, until in cuts)


def daily(first: int, last: int, begins: int, ends: int) -> tuple[Cut, ...]:
    """A window of every day from a day before `first` until `last`; `begins` and `ends` are microseconds of
    the day in UTC."""
    midnight = first // DAY * DAY - DAY
    return tuple((day + begins, day + ends) for day in range(midnight, last + DAY, DAY))
