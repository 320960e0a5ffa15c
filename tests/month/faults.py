"""Every fault of the programme: how it is built into a round, and what it does by the definitions.

The definitions are written out here once more, from the documents and with the default thresholds, and not
taken from the code under test.
"""

from collections.abc import Callable, Mapping

import msgspec

from tests.month.scene import Call, Event, Scene, Stretch, Truth
from tests.support.builders import TICK, moment, update, wall
from watchdog.core.arrival import Arrival
from watchdog.core.protocol.games import Game, GameState, Result
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason

LATE_SECONDS = 0.75
RECONNECT_SECONDS = 10.0
TIMER_SECONDS = 3.0
STUCK_SECONDS = 2.0
HOLD_SECONDS = 900.0
OVERDUE_SECONDS = 30.0
LATENCY_SECONDS = 1.0

_A_MOMENT = 0.125
_RETRY = 0.25
_LOSSES: tuple[DisconnectReason, ...] = ("closed", "server_close", "keepalive", "protocol")
_FAILURES: tuple[DisconnectReason, ...] = ("refused", "dns", "timeout", "tls", "handshake", "rejected")

Fault = Callable[[Scene], Truth]


def late(scene: Scene) -> Truth:
    beat = scene.anywhere()
    scene.beats[beat].arrives = scene.due(beat) + scene.rng.randint(24, 31) * TICK
    return Truth(
        "late",
        scene.at(beat - 1) + 0.5,
        stretches=[Stretch(scene.at(beat - 1) + LATE_SECONDS, scene.at(beat), "silent")],
    )


def silence(scene: Scene) -> Truth:
    beat, missing = scene.anywhere(), scene.rng.randint(1, 18)
    scene.say_nothing(beat, missing)
    silent = Stretch(scene.at(beat - 1) + LATE_SECONDS, scene.at(beat + missing), "silent")
    return Truth("silence", scene.due(beat), stretches=[silent])


def long_silence(scene: Scene) -> Truth:
    """The watchdog opens a second connection beside the silent one, and either delivers first."""
    beat, missing = scene.anywhere(), scene.rng.randint(22, 38)
    scene.say_nothing(beat, missing)
    tried, comes = scene.at(beat - 1) + RECONNECT_SECONDS, scene.at(beat + missing)
    scene.act(tried, lambda monitor: monitor.connecting(tried))
    if scene.rng.random() < 0.5:
        scene.act(comes, lambda monitor: monitor.replaced("silence", comes))
    else:
        scene.act(comes, lambda monitor: monitor.standby_ended("connection.lost", "silence", comes, ""))
    return Truth(
        "silence, with a second connection",
        scene.due(beat),
        [Event(comes, "connection.lost")],
        [Stretch(scene.at(beat - 1) + LATE_SECONDS, comes, "silent")],
        {"disconnect silence": 1},
    )


def silence_of_two(scene: Scene) -> Truth:
    """The silent connection ends, and the second one that goes on is silent as well."""
    beat, missing = scene.anywhere(), scene.rng.randint(24, 38)
    scene.say_nothing(beat, missing)
    tried, comes = scene.at(beat - 1) + RECONNECT_SECONDS, scene.at(beat + missing)
    ended = tried + scene.rng.randint(1, 32) * TICK
    scene.act(tried, lambda monitor: monitor.connecting(tried))
    scene.act(ended, lambda monitor: monitor.replaced("closed", ended))
    return Truth(
        "silence, whose connection ends",
        scene.due(beat),
        [Event(ended, "connection.lost")],
        [Stretch(scene.at(beat - 1) + LATE_SECONDS, comes, "silent")],
        {"disconnect closed": 1},
    )


def dropped(scene: Scene) -> Truth:
    beat = scene.anywhere()
    lost, back, truth = _outage(scene, beat, scene.rng.randint(1, 40))
    truth.stretches = [Stretch(lost, back, "disconnected")]
    return truth


def unauthorized(scene: Scene) -> Truth:
    beat, missing = scene.anywhere(), scene.rng.randint(4, 60)
    scene.say_nothing(beat, missing)
    lost = scene.due(beat) - _A_MOMENT
    refused = lost + _RETRY
    renewed = scene.due(beat + missing) - 0.5
    back = renewed + scene.rng.randint(1, 16) * TICK
    scene.lose("server_close", lost)
    scene.act(refused, lambda monitor: monitor.connecting(refused))
    scene.act(refused, lambda monitor: monitor.authorized(refused, ok=False))
    scene.lose("unauthorized", refused)
    scene.act(renewed, lambda monitor: monitor.authorized(renewed, ok=True))
    scene.subscribe(back)
    return Truth(
        "unauthorized",
        lost,
        [Event(lost, "connection.lost"), Event(refused, "connection.failed")],
        [
            Stretch(lost, refused, "disconnected"),
            Stretch(refused, renewed, "unauthorized"),
            Stretch(renewed, back, "disconnected"),
        ],
        {"disconnect server_close": 1, "disconnect unauthorized": 1},
    )


def maintenance(scene: Scene) -> Truth:
    beat, lasts = scene.anywhere(20), scene.rng.randint(1, 20)
    _maintain(scene, beat, lasts)
    booked = Stretch(scene.at(beat), scene.at(beat + lasts), "maintenance")
    return Truth("maintenance", scene.at(beat), stretches=[booked])


def maintenance_offline(scene: Scene) -> Truth:
    """The connection goes as well, for less than maintenance is believed."""
    beat, lasts = scene.anywhere(20), scene.rng.randint(1, 20)
    _maintain(scene, beat, lasts)
    begins = scene.at(beat)
    missing = scene.rng.randint(1, 120)
    _, _, truth = _outage(scene, beat + lasts, missing)
    booked = Stretch(begins, scene.at(beat + lasts + missing), "maintenance")
    return Truth("maintenance with an outage", begins, truth.events, [booked], truth.counts)


def maintenance_outlived(scene: Scene) -> Truth:
    """The connection goes as well, for longer than maintenance is believed."""
    beat, lasts = scene.anywhere(20), scene.rng.randint(1, 20)
    _maintain(scene, beat, lasts)
    begins = scene.at(beat)
    ends = scene.at(beat + lasts - 1) + HOLD_SECONDS
    _, back, truth = _outage(scene, beat + lasts, scene.rng.randint(1810, 1900))
    stretches = [Stretch(begins, ends, "maintenance"), Stretch(ends, back, "disconnected")]
    return Truth("maintenance that an outage outlives", begins, truth.events, stretches, truth.counts)


def gap(scene: Scene) -> Truth:
    beat, missed = scene.anywhere(), scene.rng.randint(1, 500)
    scene.beats[beat].sequence_step = 1 + missed
    truth = _at_once(scene, "sequence gap", beat, "sequence.gap")
    truth.counts = {"missed": missed}
    return truth


def duplicate(scene: Scene) -> Truth:
    beat = scene.anywhere()
    scene.beats[beat].sequence_step = 0
    return _at_once(scene, "sequence duplicate", beat, "sequence.duplicate")


def regression(scene: Scene) -> Truth:
    beat = scene.anywhere()
    scene.beats[beat].sequence_step = -scene.rng.randint(1, 40)
    return _at_once(scene, "sequence regression", beat, "sequence.regression")


def reset(scene: Scene) -> Truth:
    """The connection breaks, and the next one counts from 0."""
    beat, missing = scene.anywhere(), scene.rng.randint(1, 10)
    lost, back, truth = _outage(scene, beat, missing)
    scene.beats[beat + missing].sequence_step = None
    truth.kind = "sequence reset"
    truth.stretches = [Stretch(lost, back, "disconnected")]
    truth.events.append(Event(scene.at(beat + missing), "sequence.reset"))
    return truth


def stuck_sequence(scene: Scene) -> Truth:
    beat, lasts = scene.anywhere(20), scene.rng.randint(5, 20)
    for each in scene.beats[beat : beat + lasts]:
        each.sequence_step = 0
    events = [Event(scene.at(beat + number), "sequence.duplicate") for number in range(lasts)]
    frozen = Stretch(scene.at(beat - 1) + STUCK_SECONDS, scene.at(beat + lasts), "frozen")
    return Truth("sequence stuck", scene.at(beat), events, [frozen])


def timer_frozen(scene: Scene) -> Truth:
    beat, lasts = scene.within("betting"), scene.rng.randint(7, 40)
    scene.stand_still(beat, lasts)
    since = scene.at(beat - 1) + TIMER_SECONDS
    frozen = Stretch(since, scene.at(beat + lasts), "frozen")
    return Truth("timer frozen", scene.at(beat), [Event(since, "betting_timer.frozen")], [frozen])


def timer_expired(scene: Scene) -> Truth:
    beat, lasts = scene.ends_of("betting"), scene.rng.randint(7, 40)
    scene.stand_still(beat, lasts)
    since = scene.at(beat - 1) + TIMER_SECONDS
    frozen = Stretch(since, scene.at(beat + lasts), "frozen")
    return Truth("timer expired", scene.at(beat - 1), [Event(since, "betting_timer.expired")], [frozen])


def timer_lingering(scene: Scene) -> Truth:
    beat, lasts = scene.within("action"), scene.rng.randint(7, 40)
    for each in scene.stand_still(beat, lasts):
        each.betting_timer = 2.0
    since = scene.at(beat) + TIMER_SECONDS
    frozen = Stretch(since, scene.at(beat + lasts), "frozen")
    return Truth("timer lingering", scene.at(beat), [Event(since, "betting_timer.lingering")], [frozen])


def timer_rewound(scene: Scene) -> Truth:
    back = scene.rng.randint(4, 10)
    beat = scene.within("betting", before=back)
    scene.insert(beat, [each.copy() for each in scene.beats[beat - back : beat]])
    return _at_once(scene, "timer rewound", beat, "betting_timer.rewound")


def timer_jumped(scene: Scene) -> Truth:
    ahead = scene.rng.randint(8, 12)
    beat = scene.within("betting", behind=ahead + 1)
    del scene.beats[beat : beat + ahead]
    return _at_once(scene, "timer jumped", beat, "betting_timer.jumped")


def timer_negative(scene: Scene) -> Truth:
    beat = scene.within("action")
    scene.beats[beat].betting_timer = -float(scene.rng.randint(1, 30))
    return _at_once(scene, "timer negative", beat, "betting_timer.negative")


def timestamp_frozen(scene: Scene) -> Truth:
    beat, lasts = scene.anywhere(20), scene.rng.randint(5, 20)
    stands = scene.due(beat - 1)
    for each in scene.beats[beat : beat + lasts]:
        each.sent = stands
    since = scene.at(beat - 1) + STUCK_SECONDS
    too_late = (scene.at(number) for number in range(beat, beat + lasts))
    high = next(at for at in too_late if at - stands > LATENCY_SECONDS)
    events = [Event(high, "latency.high"), Event(since, "timestamp.frozen")]
    return Truth("tst frozen", scene.at(beat), events, [Stretch(since, scene.at(beat + lasts), "frozen")])


def timestamp_regressed(scene: Scene) -> Truth:
    beat = scene.anywhere()
    # Whole quarter hours from 15 minutes on would be a time zone.
    scene.beats[beat].sent = scene.due(beat) - scene.rng.randint(2, 899)
    truth = _at_once(scene, "tst regressed", beat, "timestamp.regressed")
    truth.events.append(Event(scene.at(beat), "latency.high"))
    return truth


def round_overdue(scene: Scene) -> Truth:
    lasts = scene.rng.randint(1, 40)
    beat = scene.within("awaiting", "action")
    planned = moment(scene.due(beat) - OVERDUE_SECONDS - scene.rng.randint(1, 640) * TICK)
    for each in scene.stand_still(beat, lasts):
        each.game = msgspec.structs.replace(each.game, starts=planned, finishes=planned)
    frozen = Stretch(scene.at(beat), scene.at(beat + lasts), "frozen")
    return Truth("round overdue", scene.at(beat), [Event(scene.at(beat), "round.overdue")], [frozen])


def round_regressed(scene: Scene) -> Truth:
    beat = scene.within("action")
    (held,) = scene.stand_still(beat, 1)
    number = held.game.id
    held.game = msgspec.structs.replace(held.game, id=number - 1, last_round_id=number - 2, results=None)
    return _at_once(scene, "round regressed", beat, "round.regressed")


def round_again(scene: Scene) -> Truth:
    """A finished or cancelled game is active again."""
    beat = scene.within("finished", "cancelled")
    for each in scene.stand_still(beat, scene.rng.randint(1, 10)):
        each.game = msgspec.structs.replace(each.game, state=GameState.ACTIVE)
    return _at_once(scene, "round active again", beat, "round.regressed")


def round_skipped(scene: Scene) -> Truth:
    before = scene.round.number - scene.rng.randint(2, 5)
    _change_games(scene, 0, lambda game: msgspec.structs.replace(game, last_round_id=before))
    return _at_once(scene, "round skipped", 0, "round.skipped")


def result_changed(scene: Scene) -> Truth:
    # From the third beat of the action on there is a result.
    beat = scene.within("action", before=4)
    vanishes = scene.rng.random() < 0.3

    def change(game: Game) -> Game:
        first, *rest = game.results or ()
        changed: tuple[Result, ...] = () if vanishes else (msgspec.structs.replace(first, value="ah"),)
        return msgspec.structs.replace(game, results=(*changed, *rest))

    _change_games(scene, beat, change)
    return _at_once(scene, "result changed", beat, "round.result_changed")


def invalid_json(scene: Scene) -> Truth:
    return _broken(scene, "json")


def invalid_schema(scene: Scene) -> Truth:
    return _broken(scene, "schema")


def short_stall(scene: Scene) -> Truth:
    """Our own loop stands still between two updates."""
    beat = scene.anywhere()
    return _stall(scene, "own stall between updates", scene.due(beat) - TICK * 16, scene.due(beat) - TICK * 4)


def stamped_stall(scene: Scene) -> Truth:
    """Our own loop stands still while an update arrives, which the kernel has stamped."""
    beat = scene.anywhere(2)
    until = scene.due(beat + 1) - TICK * 16
    return _stall(scene, "own stall, update stamped", scene.due(beat) - TICK * 16, until)


def long_stall(scene: Scene) -> Truth:
    """Our own loop stands still while updates pile up: when they arrived can't be told."""
    beat, piled = scene.anywhere(15), scene.rng.randint(2, 14)
    until = scene.due(beat + piled) - TICK * 16
    for each in scene.beats[beat : beat + piled]:
        each.arrives, each.exact = until, False
    return _stall(scene, "own stall, updates piled up", scene.due(beat) - TICK * 16, until)


def wrong_game_type(scene: Scene) -> Truth:
    """An update of another game comes besides the updates."""
    beat = scene.anywhere()
    at = scene.at(beat) + TICK
    other = msgspec.structs.replace(scene.beats[beat].game, type=99)
    wrong = update(games=(other,), sent=at, sequence_id=1)
    return _invalid(scene, "game_type", at, lambda monitor: monitor.received(wrong, Arrival(at, wall(at)), 0))


def silent_stall(scene: Scene) -> Truth:
    """Our own loop stands still while the feed is silent, and nothing comes before it goes on."""
    beat, missing = scene.anywhere(), scene.rng.randint(6, 18)
    scene.say_nothing(beat, missing)
    silent, comes = scene.at(beat - 1) + LATE_SECONDS, scene.at(beat + missing)
    since = silent + scene.rng.randint(1, 32) * TICK
    until = since + scene.rng.randint(8, 96) * TICK
    truth = _stall(scene, "own stall in a silence", since, until)
    truth.onset = silent
    truth.stretches = [
        Stretch(silent, since, "silent"),
        Stretch(since, until, "unobserved"),
        Stretch(until, comes, "silent"),
    ]
    return truth


def _at_once(scene: Scene, kind: str, beat: int, event: str) -> Truth:
    """A fault that one update shows, and that leaves the game fresh."""
    return Truth(kind, scene.at(beat), [Event(scene.at(beat), event)])


def _outage(scene: Scene, beat: int, missing: int) -> tuple[float, float, Truth]:
    """The connection breaks before a beat; answers when it broke, when it is back, and what is counted."""
    scene.say_nothing(beat, missing)
    lost, back = scene.due(beat) - _A_MOMENT, scene.due(beat + missing) - 3 * _A_MOMENT
    reason = scene.rng.choice(_LOSSES)
    scene.lose(reason, lost)
    truth = Truth("dropped", lost, [Event(lost, "connection.lost")], counts={f"disconnect {reason}": 1})
    for number in range(scene.rng.randint(0, min(4, int((back - lost) / 0.5)))):
        failure, at = scene.rng.choice(_FAILURES), lost + _RETRY / 2 + number * 0.5
        scene.attempt(failure, at)
        truth.events.append(Event(at, "connection.failed"))
        truth.counts[f"disconnect {failure}"] = truth.counts.get(f"disconnect {failure}", 0) + 1
    scene.subscribe(back)
    return lost, back, truth


def _maintain(scene: Scene, beat: int, lasts: int) -> None:
    for each in scene.beats[beat : beat + lasts]:
        each.maintenance = True


def _broken(scene: Scene, reason: InvalidReason) -> Truth:
    """A message that can't be decoded comes besides the updates."""
    at = scene.at(scene.anywhere()) + TICK
    return _invalid(scene, reason, at, lambda monitor: monitor.invalid(reason, at, wall(at), "broken"))


def _invalid(scene: Scene, reason: InvalidReason, at: float, call: Call) -> Truth:
    scene.act(at, call)
    return Truth(f"invalid {reason}", at, [Event(at, "message.invalid")], counts={f"invalid {reason}": 1})


def _stall(scene: Scene, kind: str, since: float, until: float) -> Truth:
    scene.act(since, lambda monitor: monitor.stalled(since, until), until)
    return Truth(kind, since, stretches=[Stretch(since, until, "unobserved")])


def _change_games(scene: Scene, beat: int, change: Callable[[Game], Game]) -> None:
    """Change what is said of the game from a beat to the end of the round."""
    changed: dict[int, tuple[Game, Game]] = {}
    for each in scene.beats[beat:]:
        # The game itself is kept beside its change, lest another takes its place in memory.
        _, each.game = changed.setdefault(id(each.game), (each.game, change(each.game)))


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        *(late, silence, long_silence, silence_of_two, dropped, unauthorized),
        *(maintenance, maintenance_offline, maintenance_outlived),
        *(gap, duplicate, regression, reset, stuck_sequence),
        *(timer_frozen, timer_expired, timer_lingering, timer_rewound, timer_jumped, timer_negative),
        *(timestamp_frozen, timestamp_regressed),
        *(round_overdue, round_regressed, round_again, round_skipped, result_changed),
        *(invalid_json, invalid_schema, wrong_game_type),
        *(short_stall, stamped_stall, long_stall, silent_stall),
    )
}
"""Name → fault, in an order of subject."""
