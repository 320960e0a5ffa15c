"""A naive second opinion on one game, written from the interface and `docs/checks.md`, not from the code.

It walks through the whole history an eighth of a second at a time and keeps plain variables: no deadline, no
interval arithmetic, nothing shared with `watchdog.monitor`, `watchdog.ledger` or `watchdog.checks` but the
records of the settings and the update. Where those pages leave a case open a comment names the reading, and
that reading is the program's.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.protocol.games import Game, Result
from watchdog.core.protocol.updates import Update, unix_seconds

TICKS_PER_SECOND = 8
STUCK_SECONDS = 2.0
ENDED = {3: "finished", 5: "cancelled"}
ROUND_STATES = {1: "awaiting", 2: "active", 3: "finished", 4: "review", 5: "cancelled"}


@dataclass(frozen=True)
class Event:
    """What the monitor was told at a tick, in the order of the telling."""

    tick: int
    kind: str
    told: dict[str, Any] = field(default_factory=dict)


@dataclass
class Verdict:
    """What must be known of the game after everything told up to one tick."""

    state: str
    state_seconds: dict[str, float]
    anomalies: dict[tuple[str, str], int]
    missed: int
    messages: int
    invalid: dict[str, int]
    in_maintenance: dict[str, int]
    timed: int
    late: int
    disconnects: dict[str, int]
    attempts: int
    tried: bool
    connected: bool
    timer_stale: bool
    timer_seconds: float | None
    maintenance: bool | None
    round_state: str | None
    outcomes: dict[str, int]
    intervals: list[float]
    latencies: list[float]


class Lasting:
    """A condition that must hold for longer than its threshold, updates coming, and then counts once.

    One update is no evidence that anything lasts: a second one must show the same. A new connection starts
    the time anew; what had become an occurrence goes on until an update ends it.
    """

    def __init__(self, check: str, kind: str, threshold_seconds: float) -> None:
        self.name = (check, kind)
        self.threshold_seconds = threshold_seconds
        self.sightings: list[float] = []
        self.lasts = False

    def reconnected(self) -> None:
        self.sightings = []

    def update(self, *, holds: bool, at: float, anew: bool = False) -> None:
        if anew or not holds:
            self.sightings, self.lasts = [], False
        if holds:
            self.sightings.append(at)

    def begins(self, now: float, late_after_seconds: float) -> bool:
        """Whether it begins to be an occurrence by `now`, with an update or at its threshold."""
        if self.lasts or not self.sightings:
            return False
        first, last = self.sightings[0], self.sightings[-1]
        seen_longer = last - first > self.threshold_seconds
        # Updates still come at the very instant at which the next one is due.
        updates_come = first < last and first + self.threshold_seconds <= last + late_after_seconds
        self.lasts = seen_longer or (updates_come and now - first >= self.threshold_seconds)
        return self.lasts


def known(moment: datetime) -> float | None:
    """UNIX seconds, or nothing for a date that was never set."""
    never = moment.year in (1, 9999) or (moment.year, moment.month, moment.day) == (1970, 1, 1)
    return None if never else unix_seconds(moment)


def _values(results: Iterable[Result], place: tuple[int, int, int], status: int) -> list[str]:
    return [
        r.value
        for r in results
        if (r.round_id, r.hand_id, r.sequential_number) == place and r.status == status
    ]


def _cross_out(some: list[str], others: list[str]) -> None:
    """Take away what both have, one for one."""
    for value in list(some):
        if value in others:
            some.remove(value)
            others.remove(value)


def judge(events: list[Event], settings: CheckSettings, until: int) -> Verdict:
    """Everything that must be known at tick `until`, from the whole history."""
    oracle = _Oracle(settings)
    told = [event for event in events if event.tick <= until]
    stalls = [range(event.told["since"], event.tick) for event in told if event.kind == "stalled"]
    # An update that came together with others says only by when it came: what had not been judged by then
    # stays as it was.
    unknown = [
        range(before.tick + 1, event.tick)
        for before, event in pairwise(told)
        if event.kind == "received" and not event.told["exact"] and before.kind == "advanced"
    ]
    for tick in range(until + 1):
        while told and told[0].tick == tick:
            oracle.take(told.pop(0))
        blind = any(tick in stall for stall in stalls)
        oracle.look(tick, blind=blind, known=blind or not any(tick in span for span in unknown))
    return oracle.verdict()


class _Oracle:
    def __init__(self, settings: CheckSettings) -> None:
        self.settings = settings
        self.tried = self.subscribed = False
        self.authorized = True
        self.unread = False
        self.owed_since: float | None = None
        self.seen: list[tuple[float, Update]] = []
        self.on_this_connection: list[tuple[float, bool, Update]] = []
        self.ended: set[int] = set()
        self.outcomes: Counter[str] = Counter()
        self.published: list[Result] = []
        self.last_tst: float | None = None
        self.agreed = False
        self.moved = (0.0, 0.0)
        self.previous_left = 0.0
        self.negative = False
        self.window: tuple[int, int] | None = None
        self.counts: Counter[tuple[str, str]] = Counter()
        self.missed = 0
        self.invalid: Counter[str] = Counter()
        self.in_maintenance: Counter[str] = Counter()
        self.timed = self.late = 0
        self.disconnects: Counter[str] = Counter()
        self.attempts = 0
        self.booked: Counter[str] = Counter()
        self.state = "unobserved"
        self.intervals: list[float] = []
        self.latencies: list[float] = []
        self.timers = [
            Lasting("betting_timer", "frozen", settings.timer_frozen_seconds),
            Lasting("betting_timer", "expired", settings.timer_grace_seconds),
            Lasting("betting_timer", "lingering", settings.timer_grace_seconds),
        ]
        self.same_tst = Lasting("timestamp", "frozen", STUCK_SECONDS)
        self.stuck_tst = Lasting("", "", STUCK_SECONDS)
        self.stuck_id = Lasting("", "", STUCK_SECONDS)
        self.lasting = [*self.timers, self.same_tst, self.stuck_tst, self.stuck_id]
        self.overdue = False

    # What happens.

    def take(self, event: Event) -> None:  # noqa: C901 - a case for each kind of event
        now = event.tick / TICKS_PER_SECOND
        told = event.told
        match event.kind:
            case "stalled":
                late_after = self.settings.late_after_seconds
                due = self.owed_since is not None and self.owed_since + late_after <= now
                self.unread = self.unread or (self.subscribed and due)
            case "advanced":
                self.unread = False
            case "connecting":
                self.tried = True
                self.attempts += 1
            case "no_token":
                self.tried = True
            case "subscribed":
                self.subscribed = True
                self.owed_since = now
                self.on_this_connection = []
                self._restart_what_lasts()
            case "replaced" | "standby_ended":
                self.disconnects[told["reason"]] += 1
                if event.kind == "replaced":
                    self._replace(now)
            case "lost":
                self.subscribed = False
                self.unread = False
                self.disconnects[told["reason"]] += 1
            case "authorized":
                self.authorized = told["ok"]
            case "invalid":
                self._invalid(told["reason"], now)
            case "received":
                self._receive(told["update"], told["at"] / TICKS_PER_SECOND, told["exact"], told["wall"])

    def _replace(self, now: float) -> None:
        """Another connection owes updates from now on, but what is silent by now stays silent."""
        if self.owed_since is not None and now - self.owed_since <= self.settings.late_after_seconds:
            self.owed_since = now
        self.on_this_connection = []
        self._restart_what_lasts()

    def _restart_what_lasts(self) -> None:
        for lasting in self.lasting:
            lasting.reconnected()

    def _receive(self, update: Update, at: float, exact: bool, wall: float) -> None:
        if any(game.type != 3 for game in update.games):
            self._invalid("game_type", at)
            return
        # What an update ends that arrived during a stall had lasted until then; but where the stall hid
        # whether updates came in time, nothing is held against the provider.
        if not self.unread and exact:
            self._lasts_by(at - 1 / TICKS_PER_SECOND)
        self.unread = False
        before = self.seen[-1][1] if self.seen else None
        first = not self.on_this_connection
        if not first:
            previous_at, previous_exact, _ = self.on_this_connection[-1]
            if exact and previous_exact:
                self.intervals.append(at - previous_at)
                if not self._maintenance(previous_at):
                    self.timed += 1
                    self.late += at - previous_at > self.settings.late_after_seconds
        # What an update shows has happened since the one before: in maintenance if either says so.
        self.agreed = self._maintenance(at) or (
            update.maintenance and self.settings.maintenance_hold_seconds > 0
        )
        if not exact:
            # The time of an arrival that a stall hid is no evidence of how long anything lasts.
            self._restart_what_lasts()
        sent = known(update.sent)
        if exact and sent is not None:
            self.latencies.append(max(0.0, wall - sent))
        self._sequence(before, update, at, first=first)
        self._timestamp(sent, at)
        game = update.games[0] if update.games else None
        self._timer(before, update, game, at, first=first)
        if game is not None:
            self._round(before, update, game, first=first)
        # Two updates that show it, far enough apart, are proof whatever follows.
        self._lasts_by(-math.inf)
        self.seen.append((at, update))
        self.on_this_connection.append((at, exact, update))
        self.owed_since = at

    def _invalid(self, reason: str, now: float) -> None:
        if self._maintenance(now):
            self.in_maintenance[reason] += 1
        else:
            self.invalid[reason] += 1

    def _count(self, check: str, kind: str, *, missed: int = 0) -> None:
        if self.agreed:
            self.in_maintenance[kind] += 1
        else:
            self.counts[check, kind] += 1
            self.missed += missed

    def _sequence(self, before: Update | None, update: Update, at: float, *, first: bool) -> None:
        advanced = before is None or update.sequence_id > before.sequence_id
        if before is not None:
            step = update.sequence_id - before.sequence_id
            sent_since = (at - self.seen[-1][0]) / self.settings.interval_seconds
            if step > 1 and self.settings.sequence == "contiguous":
                if first and step > sent_since + 120:
                    self._count("sequence", "reset")
                else:
                    self._count("sequence", "gap", missed=step - 1)
            elif step == 0:
                self._count("sequence", "duplicate")
            elif step < 0:
                reset = first and (step < -120 or update.sequence_id < 120)
                self._count("sequence", "reset" if reset else "regression")
                advanced = reset
        self.stuck_id.update(holds=True, at=at, anew=advanced)

    def _timestamp(self, sent: float | None, at: float) -> None:
        if sent is None:
            # A date that was never set says nothing.
            self.same_tst.update(holds=False, at=at)
            self.stuck_tst.update(holds=False, at=at)
            return
        last, self.last_tst = self.last_tst, sent
        if last is not None and sent < last:
            self._count("timestamp", "regressed")
        self.same_tst.update(holds=True, at=at, anew=last is None or sent != last)
        self.stuck_tst.update(holds=True, at=at, anew=last is None or sent > last)

    def _timer(
        self, before: Update | None, update: Update, game: Game | None, at: float, *, first: bool
    ) -> None:
        frozen, expired, lingering = self.timers
        left = self._left(update) if game is not None and game.state == 2 else None
        betting = game is not None and game.play_status == 1
        window = (game.id, game.current_round) if game is not None and betting else None
        same_window = window is not None and window == self.window
        self.window = window if left is not None else None
        if left is not None and left < 0 and not self.negative:
            self._count("betting_timer", "negative")
        self.negative = left is not None and left < 0
        moved = True
        if same_window and left is not None:
            # "Not lower" than the lowest value of the countdown; a rewound timer begins another one.
            previous, (low, low_at) = self.previous_left, self.moved
            rewound = left > previous + 1
            if rewound:
                self._count("betting_timer", "rewound")
            elif low - left > at - low_at + self.settings.timer_grace_seconds:
                self._count("betting_timer", "jumped")
            moved = rewound or left < low
        if left is not None:
            self.previous_left = left
            self.moved = (left, at) if moved else self.moved
        runs = left is not None and left > 0
        frozen.update(holds=runs and betting, at=at, anew=moved)
        expired.update(holds=left == 0 and betting, at=at)
        lingering.update(holds=runs and not betting, at=at)

    def _left(self, update: Update) -> float | None:
        bt, sent = update.betting_timer, known(update.sent)
        unit = self.settings.timer_unit
        if unit == "auto":
            unit = "unix_ms" if bt > 1e12 else "unix" if bt > 1e9 else "seconds"
        if unit == "seconds" or bt < 0:
            return bt
        if sent is None:
            return None
        # A deadline that has passed leaves nothing.
        return max(0.0, (bt / 1000 if unit == "unix_ms" else bt) - sent)

    def _round(self, before: Update | None, update: Update, game: Game, *, first: bool) -> None:
        sent = known(update.sent)
        plans = {1: game.starts, 2: game.finishes}
        plan = known(plans[game.state]) if game.state in plans else None
        overdue = plan is not None and sent is not None and sent > plan + self.settings.round_overdue_seconds
        last = next((u.games[0] for _, u in reversed(self.seen) if u.games), None)
        if last is not None and game.id != last.id:
            # Only the present round is remembered.
            self.ended, self.published, self.overdue = set(), [], False
        if overdue and not self.overdue:
            self._count("round", "overdue")
        self.overdue = overdue
        if (last is not None and game.id < last.id) or (
            bool(self.ended) and game.state == 2 and last is not None and last.state != 2
        ):
            self._count("round", "regressed")
        # Neighbours: no update, and so no round, can have been lost between the two.
        step = update.sequence_id - before.sequence_id if before is not None else 1
        increasing = self.settings.sequence == "increasing"
        neighbours = step == 1 or (not first and (step <= 0 or increasing))
        if last is not None and game.id > last.id and neighbours and game.last_round_id != last.id:
            self._count("round", "skipped")
        if game.state in ENDED and game.state not in self.ended:
            self.ended.add(game.state)
            self.outcomes[ENDED[game.state]] += 1
        self._results(game)

    def _results(self, game: Game) -> None:
        if game.results is None:
            return
        places = {(r.round_id, r.hand_id, r.sequential_number) for r in self.published}
        for place in places:
            gone, come = _values(self.published, place, 1), _values(game.results, place, 1)
            before, cancelled = _values(self.published, place, 2), _values(game.results, place, 2)
            _cross_out(gone, come)
            _cross_out(before, cancelled)
            _cross_out(gone, cancelled)
            # The rest of what was cancelled takes back anything.
            for _ in gone[len(cancelled) :]:
                self._count("round", "result_changed")
        self.published = list(game.results)

    # What is so, at a tick.

    def look(self, tick: int, *, blind: bool, known: bool) -> None:
        if known:
            self.state = "unobserved" if blind else self._state(tick / TICKS_PER_SECOND)
        self.booked[self.state] += 1

    def _state(self, now: float) -> str:
        age = now - self.owed_since if self.owed_since is not None else 0.0
        late_after = self.settings.late_after_seconds
        self._lasts_by(now)
        if not self.tried:
            return "unobserved"
        if self._maintenance(now):
            return "maintenance"
        if not self.subscribed:
            return "disconnected" if self.authorized else "unauthorized"
        if age >= late_after:
            return "silent"
        stuck = self.stuck_tst.lasts or self.stuck_id.lasts or self.overdue or self.timer_stale
        return "frozen" if stuck and self.on_this_connection else "fresh"

    @property
    def timer_stale(self) -> bool:
        return any(timer.lasts for timer in self.timers)

    def _lasts_by(self, now: float) -> None:
        if not self.subscribed:
            return
        for lasting in self.lasting:
            if lasting.begins(now, self.settings.late_after_seconds) and all(lasting.name):
                if now > -math.inf:
                    self.agreed = self._maintenance(
                        min(now, lasting.sightings[0] + lasting.threshold_seconds)
                    )
                self._count(*lasting.name)

    def _maintenance(self, now: float) -> bool:
        if not self.seen:
            return False
        at, update = self.seen[-1]
        return update.maintenance and now - at < self.settings.maintenance_hold_seconds

    def verdict(self) -> Verdict:
        self.booked[self.state] -= 1  # the last tick has only begun
        # Nothing is known of the timer without a connection, nor until the new one has told it.
        told = self.subscribed and bool(self.on_this_connection)
        latest = self.seen[-1][1] if self.seen else None
        game = next((u.games[0] for _, u in reversed(self.seen) if u.games), None)
        return Verdict(
            state=self.state,
            state_seconds={state: n / TICKS_PER_SECOND for state, n in self.booked.items() if n},
            anomalies={name: n for name, n in self.counts.items() if n},
            missed=self.missed,
            messages=len(self.seen),
            invalid=dict(self.invalid),
            in_maintenance=dict(self.in_maintenance),
            timed=self.timed,
            late=self.late,
            disconnects=dict(self.disconnects),
            attempts=self.attempts,
            tried=self.tried,
            connected=self.subscribed,
            timer_stale=self.timer_stale and told,
            timer_seconds=self._left(latest) if latest and told else None,
            maintenance=latest.maintenance if latest is not None else None,
            round_state=ROUND_STATES[game.state] if game is not None else None,
            outcomes=dict(self.outcomes),
            intervals=self.intervals,
            latencies=self.latencies,
        )
