"""One round into which a fault is built, and the truth about it."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from tests.month.rounds import BEAT_SECONDS, Beat, Round, arrives_at, sent_at
from watchdog.core.findings import Finding
from watchdog.core.ledger import State
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.reasons import DisconnectReason

Call = Callable[[Monitor], list[Finding]]


class Event(Struct, frozen=True, order=True):
    """Something to be found: its name, and when it can first be known by its definition."""

    at: float
    name: str


class Stretch(Struct, frozen=True):
    """Time that is booked to another state than `fresh`."""

    begin: float
    end: float
    state: State


class Act(Struct, frozen=True):
    """Something that happens to the monitor besides updates."""

    at: float
    call: Call
    # A stall of ours: what it does is known at its end.
    until: float | None = None


class Truth(Struct):
    """What a fault does, by the programme alone."""

    kind: str
    onset: float
    events: list[Event] = []
    stretches: list[Stretch] = []
    counts: dict[str, int] = {}

    def expected(self) -> list[Event]:
        """All that is to be found, the changes of state included."""
        found = list(self.events)
        for number, stretch in enumerate(self.stretches):
            found.append(Event(stretch.begin, entered(stretch.state)))
            following = self.stretches[number + 1].begin if number + 1 < len(self.stretches) else None
            if following != stretch.end:
                found.append(Event(stretch.end, entered("fresh")))
        return sorted(found)


def entered(state: State) -> str:
    """The name of a change of state."""
    return f"feed.state_changed to {state}"


class Scene:
    """A round and its random numbers; a fault changes its beats and answers what that does.

    Where a beat stands says when it is sent and when it arrives, so times are asked for after the beats
    have been put in their places.
    """

    def __init__(self, played: Round, rng: Random) -> None:
        self.round = played
        self.beats = played.beats
        self.rng = rng
        self.acts: list[Act] = []

    def at(self, beat: int) -> float:
        """When a beat arrives."""
        arrives = self.beats[beat].arrives if beat < len(self.beats) else None
        return arrives_at(self.round.first + beat) if arrives is None else arrives

    def due(self, beat: int) -> float:
        """When a beat is sent."""
        return sent_at(self.round.first + beat)

    def anywhere(self, beats: int = 1) -> int:
        """A beat that has so many behind it in this round, and others before it."""
        return self.rng.randint(2, len(self.beats) - beats - 2)

    def within(self, *phases: str, before: int = 1, behind: int = 1) -> int:
        """A beat of one of these phases, with so many beats of the phase before it and from it on."""
        chosen = [(first, last) for name, first, last in self.round.phases if name in phases]
        first, last = self.rng.choice(chosen)
        return self.rng.randint(first + before, last - behind)

    def ends_of(self, phase: str) -> int:
        """The beat behind the last of one of these phases."""
        return self.rng.choice([last for name, _, last in self.round.phases if name == phase])

    def insert(self, beat: int, new: list[Beat]) -> None:
        """Put beats in; what the feed says of the time to come moves along."""
        later = timedelta(seconds=len(new) * BEAT_SECONDS)
        moved: dict[int, Any] = {}
        for each in self.beats[beat:]:
            key = id(each.game)
            if key not in moved:
                game = each.game
                moved[key] = (
                    game,
                    msgspec.structs.replace(game, starts=game.starts + later, finishes=game.finishes + later),
                )
            each.game = moved[key][1]
        self.beats[beat:beat] = new

    def stand_still(self, beat: int, count: int) -> list[Beat]:
        """The table stands still for so many beats, as it was at the beat before; answers these beats."""
        held = [self.beats[beat - 1].copy() for _ in range(count)]
        self.insert(beat, held)
        return held

    def say_nothing(self, beat: int, count: int) -> None:
        """Nothing comes for so many beats, and nothing is played meanwhile."""
        for each in self.stand_still(beat, count):
            each.missing = True

    def act(self, at: float, call: Call, until: float | None = None) -> None:
        """Let something else happen."""
        self.acts.append(Act(at, call, until))

    def subscribe(self, at: float) -> None:
        """An attempt that succeeds."""
        self.act(at, lambda monitor: [*monitor.connecting(at), *monitor.subscribed(at)])

    def lose(self, reason: DisconnectReason, at: float) -> None:
        """A connection, or an attempt, ends."""
        self.act(at, lambda monitor: monitor.lost(reason, at))

    def attempt(self, reason: DisconnectReason, at: float) -> None:
        """An attempt that fails at once."""
        self.act(at, lambda monitor: [*monitor.connecting(at), *monitor.lost(reason, at)])
