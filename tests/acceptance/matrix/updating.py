"""What updates say: every check of the interface, and hostile content."""

import time
from typing import Any

from tests.acceptance.matrix.hub import Talk
from tests.acceptance.matrix.plays import raw_update, sends, spoils
from tests.acceptance.matrix.row import Play, Row
from tests.support.wire import instant

STANDSTILL_BEATS = 7
"""Seconds: every condition that must last is configured to two."""

_OPEN_BETTING = {"ps": 1}


def _found(name: str, play: Play, **counters: int) -> Row:
    return Row(name=name, strikes="updates", play=play, counters=_named(counters))


def _frozen(name: str, play: Play, **counters: int) -> Row:
    return Row(name=name, strikes="updates", play=play, counters=_named(counters), state="frozen")


def _named(counters: dict[str, int]) -> dict[str, int]:
    """`sequence__gap` is `gap` of the sequence's anomalies."""
    return {counter.replace("__", "_anomalies:"): count for counter, count in counters.items()}


def _schema(name: str, reason: str = "schema", play: Play | None = None, **changes: Any) -> Row:
    return Row(
        name=name,
        strikes="updates",
        play=play or spoils(**changes),
        counters={f"invalid_messages:{reason}": 1},
    )


def _fine(name: str, play: Play) -> Row:
    return Row(name=name, strikes="updates", play=play)


def _tolerated(name: str, play: Play) -> Row:
    """What no check reads is not as documented: the update is judged all the same."""
    return _found(name, play, tolerated_updates=1)


def _jumps(by: int) -> Play:
    async def play(talk: Talk) -> None:
        await talk.opened()
        # Right behind the last one, or the id would stand still for two seconds.
        await talk.send(talk.update(sId=talk.hub.sequence_id + by))

    return play


async def _resets(talk: Talk) -> None:
    """The count begins anew with a new connection."""
    talk.hub.sequence_id = 1_000
    await talk.opened()
    talk.hub.sequence_id = -1
    await talk.hang_up()


async def _stuck_sequence(talk: Talk) -> None:
    await talk.opened()
    for _ in range(STANDSTILL_BEATS):
        await talk.updates(1, sId=talk.hub.sequence_id)


def _timer(*values: float, **game: Any) -> Play:
    """These values of the betting timer, betting open unless told otherwise."""

    async def play(talk: Talk) -> None:
        await talk.opened()
        for value in values:
            await talk.updates(1, bt=value, game=_OPEN_BETTING | game)

    return play


async def _frozen_timestamp(talk: Talk) -> None:
    await talk.opened()
    await talk.updates(STANDSTILL_BEATS, tst=instant(time.time()))


async def _regressed_timestamp(talk: Talk) -> None:
    await talk.opened()
    await talk.beat(2)
    await talk.send(talk.update())
    await talk.send(talk.update(tst=instant(time.time() - 0.1)))


def _round(**steps: int) -> Play:
    """The next game: `i` rises by so many, `lrId` is the `i` before it and so many."""

    async def play(talk: Talk) -> None:
        await talk.opened()
        game = talk.hub.game
        talk.hub.game = game | {"i": game["i"] + steps["i"], "lrId": game["i"] + steps["lrId"]}
        await talk.updates(1)

    return play


def _games(*games: dict[str, Any]) -> Play:
    """An update for each, with these changes of the game."""

    async def play(talk: Talk) -> None:
        await talk.opened()
        for game in games:
            await talk.updates(1, game=game)

    return play


def _result(value: str, **changes: Any) -> dict[str, Any]:
    return {"v": value, "hi": 1, "ri": 100, "s": 1, "sn": 1, "h": False} | changes


def _results(*results: list[dict[str, Any]]) -> Play:
    return _games(*({"r": each} for each in results))


async def _late(talk: Talk) -> None:
    await talk.opened()
    await talk.beat(4)
    await talk.send(talk.update())


async def _overdue(talk: Talk) -> None:
    await talk.opened()
    await talk.updates(2, game={"fdt": instant(time.time() - 100)})


async def _never_started(talk: Talk) -> None:
    await talk.opened()
    await talk.updates(2, game={"s": 1, "sdt": instant(time.time() - 100)})


async def _other_case(talk: Talk) -> None:
    await talk.opened()
    await talk.beat()
    await talk.send(talk.update().replace("WholeGamesInfoSubscribe", "wholegamesinfosubscribe"))


async def _unknown_fields(talk: Talk) -> None:
    await talk.opened()
    await talk.updates(1, new={"deep": [[[]]] * 9}, game={"ra": 1, "vi": None, "vs": "x" * 100_000})


PROMISES = (
    Row(
        name="an update 3 s late",
        strikes="updates",
        play=_late,
        state="silent",
        checks={"tolerance_seconds": 1.8},
    ),
    Row(name="maintenance", strikes="updates", play=sends(3, im=True), state="maintenance"),
    _found("three updates lost", _jumps(4), sequence__gap=1, sequence_missed=3),
    _found("a million updates lost", _jumps(1_000_001), sequence__gap=1, sequence_missed=1_000_000),
    _found("an update twice", _jumps(0), sequence__duplicate=1),
    _found("an sId that falls by one", _jumps(-1), sequence__regression=1),
    Row(
        name="sId starts over on a new connection",
        strikes="updates",
        play=_resets,
        counters={"sequence_anomalies:reset": 1, "disconnects:closed": 1},
        state="disconnected",
        events=("connection.lost", "sequence.reset"),
    ),
    _frozen("sId stands still", _stuck_sequence, sequence__duplicate=STANDSTILL_BEATS),
    _frozen("the timer stands still", _timer(*[20.0] * STANDSTILL_BEATS), betting_timer__frozen=1),
    _frozen("the timer is at 0, betting open", _timer(*[0.0] * STANDSTILL_BEATS), betting_timer__expired=1),
    _frozen(
        "the timer is above 0, betting closed",
        _timer(*[20.0] * STANDSTILL_BEATS, ps=2),
        betting_timer__lingering=1,
    ),
    _found("the timer is set back", _timer(10.0, 15.0), betting_timer__rewound=1),
    _found("the timer jumps ahead", _timer(60.0, 20.0), betting_timer__jumped=1),
    _found("the timer is below 0", _timer(-5.0), betting_timer__negative=1),
    Row(
        name="tst stands still",
        strikes="updates",
        play=_frozen_timestamp,
        counters={"timestamp_anomalies:frozen": 1},
        state="frozen",
        # It is a growing latency as well.
        checks={"latency_warning_seconds": 1.0},
        events=("timestamp.frozen", "latency.high"),
    ),
    _found("tst goes back", _regressed_timestamp, timestamp__regressed=1),
    _frozen("a round is overdue", _overdue, round__overdue=1),
    _frozen("a round does not begin", _never_started, round__overdue=1),
    _found("the round's id falls", _round(i=-5, lrId=-6), round__regressed=1),
    _found("a round is skipped", _round(i=5, lrId=4), round__skipped=1),
    _found("a finished round is active again", _games({"s": 3}, {}), round__regressed=1),
    _found("a result changes", _results([_result("KH")], [_result("2C")]), round__result_changed=1),
    _found("a result vanishes", _results([_result("KH")], []), round__result_changed=1),
    _fine("a result is cancelled", _results([_result("KH")], [_result("2C", s=2)], [])),
    _fine(
        "a result is cancelled and replaced",
        _results(
            [_result("KH")],
            [_result("KH", s=2), _result("2C")],
            [_result("3D"), _result("2C", s=2), _result("KH", s=2)],
        ),
    ),
    _found(
        "a result changes behind a cancelled one",
        _results([_result("KH", s=2), _result("2C")], [_result("3D"), _result("KH", s=2)]),
        round__result_changed=1,
    ),
    _fine("a round follows a round", _round(i=1, lrId=0)),
    _fine("no game at all", sends(wgi=[])),
    _fine("fields unknown", _unknown_fields),
    _fine("the target in lower case", _other_case),
)

_EVENT = {"t": 196, "p": [], "c": 5.5, "b": True, "sn": "03196"}
_FIELDS = ("wgi", "tst", "bt", "im", "sId", "i", "t", "lrId", "s", "ps", "cr", "sdt", "fdt")

CONTENT = (
    *(_schema(f"without {field}", without=field) for field in _FIELDS),
    *(_schema(f"{field} is null", null=field) for field in ("wgi", "tst", "bt", "im", "sId")),
    _schema("sId is a text", sId="seven"),
    _schema("sId is negative", sId=-1),
    _schema("sId is a fraction", sId=7.5),
    _schema("sId has 65 bits", sId=2**64),
    _schema("sId has 4,000 digits", play=raw_update(sId="9" * 4_000)),
    _schema("im is a number", im=1),
    _schema("bt is a text", bt="soon"),
    _schema("bt is 1e300", bt=1e300),
    _schema("bt is 1e400", play=raw_update(bt="1e400")),
    _schema("bt is NaN", "json", play=raw_update(bt="NaN")),
    _schema("bt is Infinity", "json", play=raw_update(bt="-Infinity")),
    _schema("tst is no date", tst="yesterday"),
    _schema("tst is the 30th of February", tst="2026-02-30T00:00:00Z"),
    _schema("tst is a leap second", tst="2016-12-31T23:59:60Z"),
    _schema("tst is a number", tst=1_790_000_000),
    _schema("a state that is not documented", game={"s": 6}),
    _schema("a round's id of 64 bits and more", game={"i": 2**63}),
    _schema("a result without a value", game={"r": [{"hi": 1}]}),
    _schema("a lone surrogate in a text", "json", play=raw_update(tst='"\\ud800"')),
    _schema("a control character in a text", "json", play=raw_update(tst='"\x01"')),
    _schema("nested 100,000 levels deep", "json", play=raw_update(new="[" * 100_000, bt="0")),
    _schema("another game type", "game_type", game={"t": 2}),
    _tolerated("ge is null", sends(game={"ge": None})),
    _tolerated("a blocked event without a coefficient", sends(game={"e": [_EVENT | {"c": None}]})),
    _tolerated("events are a text", sends(game={"e": "none"})),
    _tolerated("hands of another shape", sends(game={"h": {"1": []}})),
    _tolerated("a dealer of another shape", sends(game={"di": ["Petre"]})),
    _tolerated("horseshoe is null", sends(game={"r": [_result("KH", h=None)]})),
    _fine("a round's numbers as texts", sends(game={"s": "2", "ps": "2", "cr": "1"})),
    _fine("a result's numbers with a point", sends(game={"r": [_result("KH", hi=1.0, sn=1.0)]})),
    _fine("a date that was never set is UNIX 0", sends(game={"fdt": "1970-01-01T00:00:00Z"})),
    _found(
        "a result with control characters changes",
        _results([_result("\x00\x1b[2J\r\n\u202e\u2028")], [_result("x" * 10_000)]),
        round__result_changed=1,
    ),
    _fine("hostile texts", sends(game={"ge": '\x00\x1b[2J"\\\r\n\u202e\u2028\U0001f0a1' + "x" * 100_000})),
    _fine(".NET's last date", sends(game={"fdt": "9999-12-31T23:59:59.9999999Z"})),
    _fine(".NET's first date", sends(game={"fdt": "0001-01-01T00:00:00", "sdt": "0001-01-01T00:00:00"})),
    _fine("a thousand results", sends(game={"r": [_result("KH", sn=each) for each in range(1_000)]})),
)

ROWS = PROMISES + CONTENT
