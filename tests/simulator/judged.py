"""A broadcast watched by the real monitor, in virtual time and without a socket."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.ledger import State
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.reasons import InvalidReason
from watchdog.core.protocol.updates import UpdateError, decode_update
from watchdog.simulator.broadcast import Broadcast, Outcome
from watchdog.simulator.games import GAME_TYPES
from watchdog.simulator.requests import FaultRequest
from watchdog.simulator.table import Table
from watchdog.simulator.update import RECORD_SEPARATOR

EPOCH = 1_790_000_000.0
PARTNER = 1
INTERVAL = 0.5
RECONNECT_SECONDS = 1.0


@dataclass
class Verdict:
    """What the monitor counted, by the names of the interface; zeros left out."""

    anomalies: dict[str, int]
    invalid: dict[InvalidReason, int]
    missed: int
    late: int
    states: set[State]
    reports: list[dict[str, Any]]
    updates: list[dict[str, Any]] = field(repr=False)


class Watch:
    """Ticks the broadcast and hands the monitor what a client would get."""

    def __init__(self, requests: Sequence[FaultRequest], *, game: int, seed: int, scale: float) -> None:
        table = Table(GAME_TYPES[game], seed=seed, now=EPOCH, scale=scale)
        self.broadcast = Broadcast(table, requests)
        self.monitor = Monitor("feed", game, "game", CheckSettings(), at=0.0)
        self.states: set[State] = set()
        self.updates: list[dict[str, Any]] = []
        self.late = 0
        self._last_update: float | None = None

    def run(self, seconds: float) -> Verdict:
        self._subscribe(0.0)
        beat = 0
        while beat * INTERVAL < seconds:
            at = self._tick(beat * INTERVAL)
            beat = max(beat + 1, int(at / INTERVAL))
        self._advance(seconds)
        return self._verdict(seconds)

    def _tick(self, at: float) -> float:
        outcome = self.broadcast.tick(EPOCH + at, [PARTNER])
        if outcome.delay_seconds:
            at += outcome.delay_seconds
            outcome = self.broadcast.tick(EPOCH + at, [PARTNER])
        self._advance(at)
        self._take(outcome, at)
        self.states.add(self.monitor.state)
        if outcome.farewell is None:
            return at
        self.monitor.lost("closed", at)
        self.states.add(self.monitor.state)
        self._subscribe(at + RECONNECT_SECONDS)
        return at + RECONNECT_SECONDS + INTERVAL

    def _take(self, outcome: Outcome, at: float) -> None:
        for text in outcome.records.get(PARTNER, []):
            reason = self._receive(text, at)
            if reason is not None:
                self.monitor.invalid(reason, at, EPOCH + at)

    def _receive(self, text: str, at: float) -> InvalidReason | None:
        try:
            message = json.loads(text.rstrip(RECORD_SEPARATOR))
        except ValueError:
            return "json"
        if "type" not in message:
            return "protocol"
        try:
            update = decode_update(json.dumps(message["arguments"]))
        except UpdateError as error:
            return error.reason
        if len(text) > 16 * 1024 * 1024:
            return "oversize"
        if all(game.type == self.monitor.game_type for game in update.games):
            self.updates.append(message["arguments"][0])
            self.late += self._last_update is not None and at - self._last_update > 0.75
            self._last_update = at
        self.monitor.received(update, Arrival(at, EPOCH + at), 0)
        return None

    def _subscribe(self, at: float) -> None:
        self._advance(at)
        self.monitor.connecting(at)
        self.monitor.subscribed(at)
        self._last_update = None

    def _advance(self, at: float) -> None:
        while self.monitor.next_deadline <= at:
            self.monitor.advance(self.monitor.next_deadline)
            self.states.add(self.monitor.state)

    def _verdict(self, seconds: float) -> Verdict:
        shot = self.monitor.snapshot(seconds, EPOCH + seconds)
        anomalies = {f"{check}.{kind}": count for (check, kind), count in shot.anomalies.items() if count}
        invalid = {reason: count for reason, count in shot.invalid_messages.items() if count}
        reports = self.broadcast.reports(EPOCH + seconds)
        states = self.states - {"unobserved"}
        return Verdict(anomalies, invalid, shot.sequence_missed, self.late, states, reports, self.updates)


def judge(
    *requests: FaultRequest, seconds: float = 80.0, game: int = 3, seed: int = 1, scale: float = 0.5
) -> Verdict:
    """What the monitor makes of `seconds` of one game with these faults."""
    return Watch(requests, game=game, seed=seed, scale=scale).run(seconds)
