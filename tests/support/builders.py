"""Builders of what the tests feed in: updates that keep every promise unless told otherwise."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.ledger import State
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.games import Game, GameState, PlayStatus, Result
from watchdog.core.protocol.updates import Update
from watchdog.core.snapshot import GameSnapshot

START = datetime(2025, 6, 19, 15, 57, 18, tzinfo=UTC)
"""What the wall clocks show when the monotonic clock of a test shows 0."""

TICK = 1 / 64
"""The grid of the tests' times: exact as a binary fraction and in microseconds, so sums are exact too."""

GAME_TYPE = 3


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def wall(seconds: float) -> float:
    return START.timestamp() + seconds


def result(
    value: str = "3c", *, hand: int = 1, round_id: int = 1, number: int = 1, status: Any = 1
) -> Result:
    return Result(
        value=value, hand_id=hand, round_id=round_id, status=status, sequential_number=number, horseshoe=False
    )


def game(**changes: Any) -> Game:
    """A game that awaits its start in an hour."""
    fields: dict[str, Any] = {
        "id": 100,
        "type": GAME_TYPE,
        "edition": "PB650351",
        "state": GameState.AWAITING,
        "play_status": PlayStatus.GAME_ACTION,
        "current_round": 1,
        "starts": moment(3600),
        "finishes": moment(7200),
    }
    fields |= changes
    return Game(**({"last_round_id": fields["id"] - 1} | fields))


def betting(**changes: Any) -> Game:
    """An active game, betting open."""
    return game(**{"state": GameState.ACTIVE, "play_status": PlayStatus.BETTING_TIME} | changes)


def dealing(**changes: Any) -> Game:
    """An active game, betting closed."""
    return game(**{"state": GameState.ACTIVE, "play_status": PlayStatus.GAME_ACTION} | changes)


def overdue() -> Game:
    """An active game that should have finished a minute before the test began."""
    return dealing(finishes=moment(-60))


def update(**changes: Any) -> Update:
    """An update; `sent` is seconds from `START`."""
    fields: dict[str, Any] = {
        "games": (game(),),
        "sent": 0.0,
        "betting_timer": 0,
        "maintenance": False,
        "sequence_id": 0,
    }
    fields |= changes
    return Update(**(fields | {"sent": moment(fields["sent"])}))


class Watch:
    """A monitor with a clock, told of a feed that keeps its promises unless told otherwise."""

    def __init__(self, **settings: Any) -> None:
        self.settings = CheckSettings(**settings)
        self.monitor = Monitor("betcore", GAME_TYPE, "Poker", self.settings, 0.0)
        self.at = 0.0
        self.sequence_id = 0

    def subscribe(self, at: float | None = None) -> "Watch":
        self._to(at)
        self.monitor.connecting(self.at)
        self.monitor.subscribed(self.at)
        return self

    def lose(self, at: float | None = None) -> "Watch":
        self._to(at)
        self.monitor.lost("closed", self.at)
        return self

    def receive(self, at: float | None = None, *, exact: bool = True, **changes: Any) -> list[Finding]:
        """One update, by default with the next `sId` and sent the moment it arrives."""
        self._to(at)
        self.sequence_id = changes.setdefault("sequence_id", self.sequence_id + 1)
        changes.setdefault("sent", self.at)
        arrival = Arrival(self.at, wall(self.at), exact=exact)
        return self.monitor.received(update(**changes), arrival, 100)

    def keep_receiving(self, until: float, **changes: Any) -> list[Finding]:
        """Updates every half second after now, up to `until`."""
        findings: list[Finding] = []
        while self.at + 0.5 <= until:
            findings += self.receive(self.at + 0.5, **changes)
        return findings

    def advance(self, at: float) -> list[Finding]:
        self._to(at)
        return self.monitor.advance(at)

    @property
    def state(self) -> State:
        return self.monitor.state

    @property
    def snapshot(self) -> GameSnapshot:
        return self.monitor.snapshot(self.at, wall(self.at))

    @property
    def anomalies(self) -> dict[str, int]:
        """What was counted, by event."""
        counts = self.snapshot.anomalies.items()
        return {f"{check}.{kind}": count for (check, kind), count in counts if count}

    @property
    def seconds(self) -> dict[State, float]:
        """The seconds of the states that have any."""
        return {state: spent for state, spent in self.snapshot.state_seconds.items() if spent}

    def _to(self, at: float | None) -> None:
        self.at = self.at if at is None else at


def events(findings: list[Finding]) -> list[str]:
    return [finding.event for finding in findings]


def changes_of(findings: list[Finding]) -> list[tuple[Any, Any]]:
    """The state changes told: from which to which."""
    return [(f.detail["old"], f.detail["new"]) for f in findings if f.event == "feed.state_changed"]


def healthy_rounds(count: int, *, timer: str = "seconds", windows: int = 2) -> Iterator[dict[str, Any]]:
    """Half-second updates of whole rounds: awaiting, betting windows, action, results, the end, the next.

    Yields what `Watch.receive` wants. `timer` is how `bt` is written: `seconds`, `whole_seconds`, `unix`
    or `unix_ms`.
    """
    begins = 0.0
    for number in range(count):
        for changes in _healthy_round(100 + number, begins, timer, windows):
            yield changes
            begins = changes["at"] + 0.5


def _healthy_round(game_id: int, begins: float, timer: str, windows: int) -> Iterator[dict[str, Any]]:
    plan = {"id": game_id, "starts": moment(begins + 3), "finishes": moment(begins + 3 + 20 * windows)}
    at = begins
    results: tuple[Result, ...] = ()
    for _ in range(6):
        yield {"at": at, "betting_timer": 0, "games": (game(**plan),)}
        at += 0.5
    for window in range(1, windows + 1):
        closes = at + 10
        for _ in range(22):  # the hub closes betting a second after the timer has run out
            left = max(closes - at, 0.0)
            open_game = betting(**plan, current_round=window, results=results)
            yield {"at": at, "betting_timer": _written(left, at, timer), "games": (open_game,)}
            at += 0.5
        for card in range(16):
            results = (*results, result("9h", round_id=window, number=card))
            yield {
                "at": at,
                "betting_timer": 0,
                "games": (dealing(**plan, current_round=window, results=results),),
            }
            at += 0.5
    for state in (GameState.REVIEW, GameState.FINISHED, GameState.FINISHED):
        yield {"at": at, "betting_timer": 0, "games": (game(**plan, state=state, results=results),)}
        at += 0.5


def _written(left: float, at: float, timer: str) -> float:
    match timer:
        case "whole_seconds":
            return float(int(left))
        case "unix":
            return wall(at) + left
        case "unix_ms":
            return (wall(at) + left) * 1000
    return left
