"""What one or several watchdogs saw of a game, as one line of time without gaps and without overlap."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from watchdog.core.history import Run, Stay
from watchdog.core.ledger import State

PRECEDENCE: tuple[State, ...] = (
    "fresh",
    "maintenance",
    "unauthorized",
    "frozen",
    "disconnected",
    "silent",
    "unobserved",
)
"""Which state holds where watchdogs differ: the first of these that any of them saw.

After `fresh` and `maintenance` it is the order of the states. But `frozen` comes before the two in which a
watchdog is cut off: one that receives updates shows that the others were cut off by their own path.
"""

CUT_OFF: frozenset[State] = frozenset({"disconnected", "silent"})
RECEIVING: frozenset[State] = frozenset({"fresh", "maintenance", "frozen"})

Cut = tuple[int, int]
"""A span of time without more to say: its start, and its end, which is excluded."""


class Span(Struct, frozen=True, gc=False):
    """A span in one state, `ended` excluded; `agreed` is false for maintenance that nobody agreed to."""

    state: State
    began: int
    ended: int
    because: tuple[str, ...] = ()
    agreed: bool = True

    @property
    def is_trouble(self) -> bool:
        """Whether the span is part of an incident."""
        return self.state != "fresh" and not (self.state == "maintenance" and self.agreed)


class Timeline(Struct, frozen=True):
    """A game from `began` to `ended`: adjoining spans, and where each watchdog alone was cut off.

    `path` has the spans in which a watchdog (by its instance) was cut off while another one received updates.
    """

    began: int
    ended: int
    spans: tuple[Span, ...]
    path: Mapping[str, tuple[Cut, ...]]


def timeline(runs: Iterable[Run], stays: Iterable[Stay], began: int, ended: int) -> Timeline:
    """What the runs of one or several watchdogs saw of a game whose stays these are.

    What none of them saw is `unobserved`.
    """
    by_id = {run.id: run for run in runs}
    seen = [(by_id[stay.run].instance, span) for stay, span in _closed(by_id, stays)]
    return merged(seen, began, ended)


def merged(seen: Iterable[tuple[str, Span]], began: int, ended: int) -> Timeline:
    """The spans that watchdogs saw, each with the watchdog's instance, as one line of time."""
    clipped = [(instance, span, max(span.began, began), min(span.ended, ended)) for instance, span in seen]
    clipped = [each for each in clipped if each[2] < each[3]]
    changes: list[tuple[int, bool, int]] = []
    for index, (_, _, since, until) in enumerate(clipped):
        changes += ((since, True, index), (until, False, index))
    changes.sort()
    present: dict[int, tuple[str, Span]] = {}
    spans: list[Span] = []
    path: dict[str, list[Cut]] = {}
    at = began
    for when, begins, index in [*changes, (ended, False, -1)]:
        if at < when:
            _append(spans, _agreed(present.values(), at, when))
            for instance in _alone(present.values()):
                _append_cut(path.setdefault(instance, []), (at, when))
            at = when
        if begins:
            present[index] = clipped[index][:2]
        else:
            present.pop(index, None)
    return Timeline(began, ended, tuple(spans), {name: tuple(cuts) for name, cuts in sorted(path.items())})


def _closed(runs: Mapping[str, Run], stays: Iterable[Stay]) -> Iterator[tuple[Stay, Span]]:
    """Each stay with its end: where it goes on, the next stay of the run or the run's last sign of life."""
    ordered = sorted(stays, key=lambda stay: (stay.run, stay.began))
    for index, stay in enumerate(ordered):
        ended = stay.ended
        if ended is None:
            after = ordered[index + 1] if index + 1 < len(ordered) else stay
            goes_on = after is stay or after.run != stay.run
            ended = runs[stay.run].until if goes_on else after.began
        yield stay, Span(stay.state, stay.began, ended, stay.because)


def _agreed(present: Iterable[tuple[str, Span]], began: int, ended: int) -> Span:
    spans = [span for _, span in present]
    states = {span.state for span in spans}
    state: State = next((each for each in PRECEDENCE if each in states), "unobserved")
    because = {cause: None for span in spans if span.state == state for cause in span.because}
    return Span(state, began, ended, tuple(sorted(because)))


def _alone(present: Iterable[tuple[str, Span]]) -> set[str]:
    """The watchdogs that are cut off while another one receives updates."""
    states = [(instance, span.state) for instance, span in present]
    receiving = {instance for instance, state in states if state in RECEIVING}
    cut_off = {instance for instance, state in states if state in CUT_OFF}
    return cut_off - receiving if receiving else set()


def _append(spans: list[Span], span: Span) -> None:
    last = spans[-1] if spans else None
    if last is not None and (last.state, last.because) == (span.state, span.because):
        spans[-1] = Span(last.state, last.began, span.ended, last.because)
    else:
        spans.append(span)


def _append_cut(cuts: list[Cut], cut: Cut) -> None:
    if cuts and cuts[-1][1] == cut[0]:
        cuts[-1] = (cuts[-1][0], cut[1])
    else:
        cuts.append(cut)
