"""One game of the virtual month: its programme, the monitor that watches it, and the comparison of both."""

from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import cast

from msgspec import Struct, field

from tests.month.faults import FAULTS
from tests.month.noted import Noted, hour_of
from tests.month.rounds import Beat, Round, arrives_at, rounds, sent_at
from tests.month.scene import Act, Event, Scene, Stretch, Truth, entered
from tests.support.builders import GAME_TYPE, moment, wall
from watchdog.archive.schema import Row
from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.ledger import STATES, State
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.updates import Update
from watchdog.core.snapshot import GameSnapshot

SUBSCRIBED_AT = 0.25
FIRST_SLOT = 1
_SIZE_BYTES = 3_000


class Score(Struct):
    """What became of one kind of fault; delays in seconds, one for each that was found."""

    injected: int = 0
    found: int = 0
    false: int = 0
    after_knowable: list[float] = field(default_factory=list)
    after_onset: list[float] = field(default_factory=list)


class Outcome(Struct):
    """One game over the whole time: what is to be, what was booked, and the score of each kind of fault.

    `mistakes` says in words what was not found, and what was found besides. `stretches` and `anomalies` are
    those of the programme, as are the updates by the hour (of UNIX time) in which they came, and how many
    were missed when. `rows` is what a journal made of the findings.
    """

    seconds: float
    updates: int
    scores: dict[str, Score]
    false_in_health: int
    mistakes: list[str]
    expected_seconds: dict[State, float]
    booked_seconds: dict[State, float]
    expected_counts: dict[str, int]
    counted: dict[str, int]
    stretches: list[Stretch]
    anomalies: list[Event]
    hourly: dict[int, int]
    missed: list[tuple[float, int]]
    rows: list[Row]


class Game:
    """Plays one game's programme to a monitor, round by round; all of it follows from the seed."""

    def __init__(
        self,
        seed: str,
        healthy: tuple[int, int],
        settings: CheckSettings | None = None,
        *,
        feed: str = "betcore",
    ) -> None:
        """`healthy` are the fewest and the most rounds without a fault between two with one."""
        self._rng = Random(seed)  # noqa: S311 - a programme, no secret
        self._healthy = healthy
        self._waiting: list[str] = []
        self.monitor = Monitor(feed, GAME_TYPE, "Poker", settings or CheckSettings(), 0.0)
        self._noted = Noted(self.monitor)
        # Until when the subscription would wait for the next update.
        self._wake_at = 0.0
        self._sequence_id = 0
        self._updates = 0
        self._seconds: dict[State, float] = dict.fromkeys(STATES, 0.0) | {"unobserved": SUBSCRIBED_AT}
        self._counts: Counter[str] = Counter()
        self._scores: dict[str, Score] = {}
        self._false_in_health = 0
        self._mistakes: list[str] = []
        self._stretches = [Stretch(0.0, SUBSCRIBED_AT, "unobserved")]
        self._anomalies: list[Event] = []
        self._hourly: Counter[int] = Counter()
        self._missed: list[tuple[float, int]] = []

    def play(self, seconds: float) -> Outcome:
        """Watch for that long, to the end of the round."""
        self._noted.take(self.monitor.connecting(SUBSCRIBED_AT))
        self._noted.take(self.monitor.subscribed(SUBSCRIBED_AT))
        self._wake_at = self.monitor.next_deadline
        healthy = self._rng.randint(*self._healthy)
        end = 0.0
        for played in rounds(self._rng, FIRST_SLOT):
            if healthy:
                found = self._watch(self._beats(played))
                self._false_in_health += len(found)
                self._mistakes += [f"in a healthy round: {event}" for event in found]
                healthy -= 1
            else:
                self._harm(played)
                healthy = self._rng.randint(*self._healthy)
            self._counts[f"round {played.outcome}"] += 1
            # Before the next update could come, and before one could be due.
            end = sent_at(played.first + len(played.beats))
            if end >= seconds:
                break
        return self._outcome(end)

    def _harm(self, played: Round) -> None:
        """A round with a fault: every kind comes once before one comes again."""
        if not self._waiting:
            self._waiting = self._rng.sample(tuple(FAULTS), len(FAULTS))
        scene = Scene(played, self._rng)
        truth = FAULTS[self._waiting.pop()](scene)
        steps: list[_Step] = [*self._beats(played), *scene.acts]
        steps.sort(key=_time)
        self._compare(truth, self._watch(steps))
        for stretch in truth.stretches:
            self._seconds[stretch.state] += stretch.end - stretch.begin
        self._counts.update(truth.counts)
        self._stretches += truth.stretches
        if missed := truth.counts.get("missed"):
            self._missed.append((truth.onset, missed))
        self._counts.update(event.name for event in truth.events if _is_anomaly(event.name))
        self._anomalies += (
            event for event in truth.events if _is_anomaly(event.name) or event.name == "message.invalid"
        )

    def _beats(self, played: Round) -> Iterator[tuple[float, Beat, Update]]:
        """The updates of a round."""
        for slot, beat in enumerate(played.beats, played.first):
            if beat.missing:
                continue
            step = beat.sequence_step
            self._sequence_id = 0 if step is None else self._sequence_id + step
            update = Update(
                games=(beat.game,),
                sent=moment(sent_at(slot) if beat.sent is None else beat.sent),
                betting_timer=beat.betting_timer,
                maintenance=beat.maintenance,
                sequence_id=self._sequence_id,
            )
            self._updates += 1
            arrives = arrives_at(slot) if beat.arrives is None else beat.arrives
            self._hourly[hour_of(arrives)] += 1
            yield arrives, beat, update

    def _watch(self, steps: "Iterable[_Step]") -> list[Event]:
        """As a subscription does: judge each deadline that comes first, then take in what comes."""
        monitor, found = self.monitor, []
        awake_at = 0.0
        for step in steps:
            at = _time(step)
            self._noted.until(at)
            # After a stall of ours what had arrived is read first, and judged then.
            while (due := max(self._wake_at, awake_at)) < at:
                if findings := monitor.advance(due):
                    found += self._events(findings, due)
                self._wake_at = monitor.next_deadline
            if isinstance(step, Act):
                found += self._events(step.call(monitor), at, step.until)
                awake_at = step.until or at
                # Nobody tells a subscription that waits of a stall.
                if step.until is None:
                    self._wake_at = monitor.next_deadline
                continue
            _, beat, update = step
            findings = monitor.received(update, Arrival(at, wall(at), exact=beat.exact), _SIZE_BYTES)
            if findings:
                found += self._events(findings, max(at, awake_at))
            self._wake_at = monitor.next_deadline
        return found

    def _events(self, findings: list[Finding], at: float, until: float | None = None) -> list[Event]:
        self._noted.take(findings)
        return _events(findings, at, until)

    def _compare(self, truth: Truth, found: list[Event]) -> None:
        """Found is what comes by its name; it has to come at its time as well, which the delay tells."""
        score = self._scores.setdefault(truth.kind, Score())
        score.injected += 1
        expected, left = truth.expected(), sorted(found)
        delays: list[tuple[float, float]] = []
        for event in expected:
            match = next((each for each in left if each.name == event.name and each.at >= event.at), None)
            if match is None:
                self._mistakes.append(f"{truth.kind}: not found: {event}")
            else:
                left.remove(match)
                delays.append((match.at - event.at, match.at - truth.onset))
        score.false += len(left)
        self._mistakes += [f"{truth.kind}: false: {event}" for event in left]
        if len(delays) == len(expected):
            score.found += 1
            # The latest of all that belongs to it, and what gave it away first.
            score.after_knowable.append(max(known for known, _ in delays))
            score.after_onset.append(min(after for _, after in delays))

    def _outcome(self, end: float) -> Outcome:
        snapshot = self.monitor.snapshot(end, wall(end))
        self._seconds["fresh"] = end - sum(self._seconds.values())
        return Outcome(
            seconds=end,
            updates=self._updates,
            scores=self._scores,
            false_in_health=self._false_in_health,
            mistakes=self._mistakes,
            expected_seconds=self._seconds,
            booked_seconds=snapshot.state_seconds,
            expected_counts=dict(self._counts) | {"updates": self._updates},
            counted=counted(snapshot),
            stretches=self._stretches,
            anomalies=self._anomalies,
            hourly=dict(self._hourly),
            missed=self._missed,
            rows=self._noted.end(end),
        )


_Step = tuple[float, Beat, Update] | Act


def _time(step: _Step) -> float:
    return step.at if isinstance(step, Act) else step[0]


def _events(findings: list[Finding], at: float, until: float | None = None) -> list[Event]:
    """The findings by name; what follows a stall of ours was found at its end, `until`."""
    events = []
    for finding in findings:
        name = finding.event
        if name == "feed.state_changed":
            name = entered(cast("State", finding.detail["new"]))
        events.append(Event(at if until is None or name == entered("unobserved") else until, name))
    return events


def _is_anomaly(name: str) -> bool:
    return name.partition(".")[0] in ("sequence", "betting_timer", "timestamp", "round")


def counted(snapshot: GameSnapshot) -> dict[str, int]:
    """Every count of a snapshot that is not 0, by the names of the programme."""
    counts = {f"{check}.{kind}": count for (check, kind), count in snapshot.anomalies.items()}
    counts |= {f"disconnect {reason}": count for reason, count in snapshot.disconnects.items()}
    counts |= {f"invalid {reason}": count for reason, count in snapshot.invalid_messages.items()}
    counts |= {f"round {outcome}": count for outcome, count in snapshot.round_outcomes.items()}
    counts |= {f"maintenance {kind}": count for kind, count in snapshot.maintenance_anomalies.items()}
    counts |= {
        "missed": snapshot.sequence_missed,
        "updates": snapshot.messages,
        "tolerated": snapshot.tolerated_updates,
    }
    return {name: count for name, count in counts.items() if count}
