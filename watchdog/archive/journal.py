"""The journal: what monitors find becomes rows of the history and incidents, in UTC microseconds."""

from collections.abc import Callable, Iterable
from typing import cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from watchdog.archive.schema import Row
from watchdog.archive.utc import UtcClock, microseconds
from watchdog.core.checks.suite import ANOMALY_KINDS
from watchdog.core.findings import Detail, Finding
from watchdog.core.history import (
    HOUR,
    SECOND,
    AnomalyRow,
    Buckets,
    ClockStep,
    Disconnect,
    GameKey,
    HourlyRollup,
    Promise,
    Rotation,
    Stay,
)
from watchdog.core.incidents import IncidentEvent, IncidentTracker
from watchdog.core.instruments import Distribution
from watchdog.core.ledger import State
from watchdog.core.snapshot import GameSnapshot
from watchdog.runtime.redaction import TEXT_CHARACTERS, present, presentable

_ANOMALIES = frozenset(f"{check}.{kind}" for check, kinds in ANOMALY_KINDS.items() for kind in kinds) | {
    "message.invalid"
}


class _Game(Struct):
    """A game while it is watched: the stay that goes on, and what was counted when the present hour began."""

    key: GameKey
    state: State
    began: int
    because: tuple[str, ...]
    tracker: IncidentTracker
    counted_from: int
    baseline: GameSnapshot | None = None
    written: int = -1
    last_reason: str = ""


class Journal:
    """Tells the history of one run what the monitors find, in the order in which it happened.

    `put` takes each row, `on_incident` each begin and end of an incident. Times are monotonic seconds of the
    clock that the monitors are told; `wall` is UNIX seconds.
    """

    def __init__(
        self,
        run: str,
        now: float,
        wall: float,
        *,
        put: Callable[[Row], None],
        on_incident: Callable[[IncidentEvent], None],
    ) -> None:
        self._run = run
        self._utc = UtcClock(now, wall)
        self._put = put
        self._on_incident = on_incident
        self._games: dict[GameKey, _Game] = {}

    def utc(self, at: float) -> int:
        """The UTC microseconds of a monotonic instant."""
        return self._utc.utc(at)

    def watch(self, game: GameSnapshot, at: float, tracker: IncidentTracker) -> None:
        """A game is watched from now on, in the state in which it is shown."""
        began = self.utc(at)
        key = GameKey(game.feed, game.game_type)
        self._games[key] = entry = _Game(key, game.state, began, (), tracker, began)
        self.promise(game, at)
        self._begin(entry)

    def promise(self, game: GameSnapshot, at: float) -> None:
        """What is promised for a game from now on."""
        promise = Promise(
            run=self._run,
            feed=game.feed,
            game_type=game.game_type,
            game=game.game,
            since=self.utc(at),
            interval=microseconds(game.interval_seconds),
            late_after=microseconds(game.late_after_seconds),
            objective=game.freshness_objective,
        )
        self._put(promise)

    def unwatch(self, game: GameSnapshot, at: float) -> None:
        """A game is no longer watched."""
        entry = self._games.pop(GameKey(game.feed, game.game_type))
        self._end(entry, self.utc(at))
        self._count(entry, game)

    def report(self, feed: str, game_type: int, finding: Finding) -> None:
        """Write what the monitor of a game found."""
        if finding.at is not None:
            self._write(self._games[GameKey(feed, game_type)], finding, self.utc(finding.at))

    def advance(self, at: float) -> None:
        """Report the incidents that are known to be over."""
        now = self.utc(at)
        for entry in self._games.values():
            self._tell(entry.tracker.advance(now))

    def due_in_seconds(self, at: float) -> float:
        """After how long the next incident is known to be over or the next hour begins."""
        now = self.utc(at)
        deadlines = (entry.tracker.deadline for entry in self._games.values())
        due = min((due for due in deadlines if due is not None), default=now + HOUR)
        return max(min(due, now - now % HOUR + HOUR) - now, 0) / SECOND

    def hour_is_over(self, at: float) -> bool:
        """Whether an hour has begun that nothing was counted in yet."""
        hour = self.utc(at) // HOUR * HOUR
        return any(entry.counted_from < hour for entry in self._games.values())

    def count(self, game: GameSnapshot, at: float) -> None:
        """Write what was counted of a game in the present hour, and begin the next one if it is over."""
        entry = self._games[GameKey(game.feed, game.game_type)]
        self._count(entry, game)
        hour = self.utc(at) // HOUR * HOUR
        if hour > entry.counted_from:
            entry.counted_from, entry.baseline, entry.written = hour, game, -1

    def step(self, games: Callable[[], Iterable[GameSnapshot]], now: float, wall: float) -> int:
        """Look whether the wall clock was set; if so, each stay ends by the old time and goes on by the new.

        Returns by how many microseconds it was set, 0 if it was not.
        """
        before = self.utc(now)
        by = self._utc.step(now, wall)
        if by == 0:
            return 0
        self._put(ClockStep(run=self._run, at=before, by=by))
        for game in games():
            entry = self._games[GameKey(game.feed, game.game_type)]
            self._end(entry, before)
            self._count(entry, game)
            entry.counted_from, entry.baseline, entry.written = before + by, game, -1
            entry.began = before + by
            if by < 0:
                # Time that is gone through twice is no part of one incident.
                if cut := entry.tracker.current(before):
                    over = replace(cut, ended=before) if cut.ended is None else cut
                    self._tell([IncidentEvent("incident.ended", over)])
                entry.tracker = IncidentTracker(*entry.key)
            else:
                self._tell(entry.tracker.entered("unobserved", (), before))
            self._begin(entry)
        return by

    def _write(self, entry: _Game, finding: Finding, at: int) -> None:
        event, detail = finding.event, finding.detail
        run, (feed, game_type) = self._run, entry.key
        if event == "feed.state_changed":
            self._change(entry, finding, at)
        elif event in ("connection.lost", "connection.failed"):
            entry.last_reason = reason = str(detail["reason"])
            words = present(str(detail.get("error", "")), TEXT_CHARACTERS)
            self._put(Disconnect(run=run, feed=feed, game_type=game_type, at=at, reason=reason, detail=words))
        elif event in ("connection.rotated", "connection.rotation_failed"):
            outcome = "ok" if event == "connection.rotated" else "failed"
            self._put(Rotation(run=run, feed=feed, game_type=game_type, at=at, outcome=outcome))
        elif event in _ANOMALIES and "in_maintenance" not in detail:
            shown = msgspec.json.encode(presentable(detail)).decode()
            self._put(AnomalyRow(run=run, feed=feed, game_type=game_type, at=at, event=event, detail=shown))
            self._tell(entry.tracker.anomaly(event, shown, at))

    def _change(self, entry: _Game, finding: Finding, at: int) -> None:
        # What fell due before the clock was set may be judged after it.
        at = max(at, entry.began)
        self._end(entry, at)
        entry.state = cast("State", finding.detail["new"])
        entry.began = at
        entry.because = _because(entry, finding.detail)
        self._begin(entry)

    def _begin(self, entry: _Game) -> None:
        self._put(self._stay(entry, None))
        self._tell(entry.tracker.entered(entry.state, entry.because, entry.began))

    def _end(self, entry: _Game, at: int) -> None:
        # One that has no length is replaced by the next, which begins at the same time.
        if at > entry.began:
            self._put(self._stay(entry, at))

    def _stay(self, entry: _Game, ended: int | None) -> Stay:
        return Stay(
            run=self._run,
            feed=entry.key.feed,
            game_type=entry.key.game_type,
            state=entry.state,
            began=entry.began,
            ended=ended,
            because=entry.because,
        )

    def _count(self, entry: _Game, game: GameSnapshot) -> None:
        if game.messages == entry.written:
            return
        entry.written = game.messages
        before = entry.baseline
        self._put(
            HourlyRollup(
                run=self._run,
                feed=game.feed,
                game_type=game.game_type,
                began=entry.counted_from,
                updates=game.messages - (before.messages if before else 0),
                late=game.late_updates - (before.late_updates if before else 0),
                missed=game.sequence_missed - (before.sequence_missed if before else 0),
                intervals=_grown(game.intervals, before.intervals if before else None),
                latencies=_grown(game.latencies, before.latencies if before else None),
            )
        )

    def _tell(self, events: Iterable[IncidentEvent]) -> None:
        for event in events:
            self._on_incident(event)


def _because(entry: _Game, detail: Detail) -> tuple[str, ...]:
    if entry.state == "frozen":
        return tuple(str(cause) for cause in cast("list[object]", detail["because"]))
    return (
        (entry.last_reason,) if entry.state in ("disconnected", "unauthorized") and entry.last_reason else ()
    )


def _grown(now: Distribution, before: Distribution | None) -> Buckets:
    counts = tuple(now.counts)
    if before is not None:
        counts = tuple(count - old for count, old in zip(counts, before.counts, strict=True))
    return Buckets(now.bounds, counts)
