"""What one game type sends, tick by tick, with the faults that were asked for."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from watchdog.simulator.faults import Fault
from watchdog.simulator.requests import FaultRequest
from watchdog.simulator.scene import Document, Farewell, Scene
from watchdog.simulator.table import Table
from watchdog.simulator.update import invocation, update_document

PATIENCE_SECONDS = 180.0
"""How long a fault waits for the moment it needs (betting open, a result on the table) before giving up."""

_MEMORY = 200
_MAX_WAITING = 200


class RunState(StrEnum):
    """How far a fault has come."""

    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"
    MISSED = "missed"


@dataclass(slots=True, eq=False)
class Run:
    """One occurrence of a fault; all times are UNIX seconds, None where not known yet."""

    request: FaultRequest
    due: float | None
    began: float | None = None
    fault: Fault = field(init=False)

    def __post_init__(self) -> None:
        self.fault = self.request.make()

    @property
    def ends(self) -> float | None:
        """When the occurrence is over."""
        return None if self.began is None else self.began + self.request.seconds

    def state(self, now: float) -> RunState:
        """How far the occurrence has come at `now`."""
        if self.ends is not None:
            return RunState.ACTIVE if now < self.ends else RunState.DONE
        if self.due is not None and now > self.due + PATIENCE_SECONDS:
            return RunState.MISSED
        return RunState.WAITING

    def report(self, now: float) -> Document:
        """The occurrence as JSON."""
        return {
            "name": self.request.name,
            "game": self.request.game,
            "state": self.state(now).value,
            "due": self.due,
            "began": self.began,
            "ends": self.ends,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tick leads to: records for each partner, the end of the connections, or a delay."""

    records: dict[int, list[str]] = field(default_factory=dict)
    farewell: Farewell | None = None
    delay_seconds: float = 0.0


class Broadcast:
    """The updates of one game type; pure, all times are UNIX seconds.

    Every partner has a sequence of its own, which starts at 0 and goes on across reconnects.
    """

    def __init__(self, table: Table, requests: Iterable[FaultRequest] = ()) -> None:
        self._table = table
        self._sequences: dict[int, int] = {}
        self._waiting = [Run(request, due=None) for request in requests]
        self._past: deque[Run] = deque(maxlen=_MEMORY)
        self._lasting: list[Run] = []
        self._first: float | None = None

    def ask(self, request: FaultRequest, now: float) -> bool:
        """Ask for a fault, due `after_seconds` from `now`; return False where too many wait already."""
        if len(self._waiting) >= _MAX_WAITING:
            return False
        self._waiting.append(Run(request, due=now + request.after_seconds))
        return True

    def reports(self, now: float) -> list[Document]:
        """The last runs, oldest first, and those that wait."""
        return [run.report(now) for run in (*self._past, *self._waiting)]

    def rejects_tokens(self, now: float) -> bool:
        """Whether new connections are answered 401 at the moment."""
        return any(run.fault.rejects_tokens and run.state(now) is RunState.ACTIVE for run in self._past)

    def tick(self, now: float, partners: Collection[int]) -> Outcome:
        """The next update for each of `partners`, who must not be empty.

        With a delay in the outcome nothing has been sent yet: tick again when it is over. At most one
        fault begins in a tick, so that none hides another.
        """
        self._schedule(now)
        self._end(now)
        if any(run.fault.mutes for run in self._lasting):
            return Outcome()
        if any(run.fault.holds_table for run in self._lasting):
            self._table.hold_to(now)
        else:
            self._table.move_to(now)
        scene = Scene(self._table, now, {partner: self._sequences.get(partner, 0) for partner in partners})
        begun = self._begin(scene)
        self._sequences.update(scene.sequences)
        if scene.delay_seconds or scene.farewell:
            return Outcome(farewell=scene.farewell, delay_seconds=scene.delay_seconds)
        if begun is not None and begun.fault.mutes:
            return Outcome()
        present = self._lasting if begun is None or begun in self._lasting else [*self._lasting, begun]
        return Outcome(self._records(scene, present))

    def _schedule(self, now: float) -> None:
        if self._first is not None:
            return
        self._first = now
        for run in self._waiting:
            if run.due is None:
                run.due = now + run.request.after_seconds

    def _end(self, now: float) -> None:
        for run in self._lasting:
            if run.state(now) is RunState.DONE:
                run.fault.end(self._table)
        self._lasting = [run for run in self._lasting if run.state(now) is RunState.ACTIVE]
        for run in [run for run in self._waiting if run.state(now) is RunState.MISSED]:
            self._settle(run, now)

    def _begin(self, scene: Scene) -> Run | None:
        for run in self._waiting:
            if run.due is not None and run.due <= scene.now and run.fault.ready(scene):
                run.began = scene.now
                run.fault.begin(scene)
                if run.request.seconds:
                    self._lasting.append(run)
                self._settle(run, scene.now)
                return run
        return None

    def _settle(self, run: Run, now: float) -> None:
        """Put away a run that has begun or was missed, and put the next of its kind in line."""
        self._waiting.remove(run)
        self._past.append(run)
        every = run.request.every_seconds
        if every is not None and run.due is not None:
            self._waiting.append(Run(run.request, due=max(run.due + every, now)))

    def _records(self, scene: Scene, runs: Iterable[Run]) -> dict[int, list[str]]:
        document = update_document(
            self._table.show(), sent_at=scene.now, betting_timer=self._table.betting_timer, sequence_id=0
        )
        for run in runs:
            run.fault.bend(scene, document)
        records = {}
        for partner, sequence in scene.sequences.items():
            good = document | {"sId": sequence}
            records[partner] = [invocation(good), *(make(good) for make in scene.extras)]
            self._sequences[partner] = sequence + 1
        return records
