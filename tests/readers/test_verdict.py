"""One look at the feed: the verdict per game, its reasons, and the exit code."""

import json

import msgspec
import pytest
import trio

from tests.support.fake_hub import Hub, healthy, settings, watching
from tests.support.wire import HANDSHAKE
from watchdog.hub.transport import ConnectionLostError
from watchdog.readers import verdict as module


async def look(hub, at, given=None):
    """The verdicts on a scripted hub after so many seconds."""
    async with watching(hub, given) as watch:
        await trio.sleep_until(at)
        return [module.verdict_of(watch.game(monitor.game_type)) for monitor in tuple(watch.feed.monitors)]


def lasting(**changes):
    async def script(peer):
        await peer.send(HANDSHAKE)
        await peer.updates(100.0, **changes)

    return script


async def greeting(peer):
    await peer.send(HANDSHAKE)


async def silent_for_a_while(peer):
    await peer.send(HANDSHAKE)
    await trio.sleep(3.0)
    await peer.updates(100.0)


async def with_a_gap_and_an_invalid_message(peer):
    await peer.send(HANDSHAKE)
    await peer.update(sequence_id=1)
    await peer.send("{\x1e")
    await peer.update(sequence_id=5)
    await peer.updates(100.0)


async def short(peer):
    await peer.send(HANDSHAKE)
    await peer.update()
    await peer.drop()


async def test_a_healthy_game_is_ok_with_its_numbers(autojump_clock):
    (verdict,) = await look(Hub(), 10.1)
    assert (verdict.verdict, verdict.reasons, verdict.state, verdict.whose) == ("OK", [], "fresh", "nobody")
    assert (verdict.updates, verdict.mean_interval_seconds, verdict.mean_latency_seconds) == (20, 0.5, 0.0)
    assert verdict.state_seconds["fresh"] == 10.1


@pytest.mark.parametrize(
    ("scripts", "at", "verdict", "state", "reasons"),
    [
        ([greeting], 0.5, "UNKNOWN", "fresh", ["no update was due yet"]),
        ([greeting], 5.0, "CRITICAL", "silent", ["silent (provider)"]),
        ([lasting(sequence_id=7)], 10.1, "CRITICAL", "frozen", ["frozen: sequence.frozen (provider)"]),
        (
            [ConnectionLostError("refused")],
            5.1,
            "CRITICAL",
            "disconnected",
            ["disconnected, last failure: refused (path or provider)"],
        ),
        ([401], 5.1, "CRITICAL", "unauthorized", ["unauthorized, last failure: unauthorized (partner)"]),
        ([lasting(im=True)], 5.1, "WARNING", "maintenance", ["in maintenance"]),
        ([silent_for_a_while], 10.1, "WARNING", "fresh", ["silent for 2.8 s"]),
        ([short, healthy], 10.1, "WARNING", "fresh", ["1 x closed"]),
        (
            [with_a_gap_and_an_invalid_message],
            10.1,
            "WARNING",
            "fresh",
            ["1 x invalid json", "1 x sequence.gap"],
        ),
    ],
)
async def test_a_verdict_says_what_is_broken_now_or_was_meanwhile(
    autojump_clock, scripts, at, verdict, state, reasons
):
    (seen,) = await look(Hub(*scripts), at)
    assert (seen.verdict, seen.state, seen.reasons) == (verdict, state, reasons)


async def test_a_game_that_was_not_yet_tried_is_unknown(autojump_clock):
    async with watching(Hub()) as watch:
        seen = module.verdict_of(watch.game())
    assert (seen.verdict, seen.reasons) == ("UNKNOWN", ["not yet tried to connect"])


async def test_a_missing_token_is_critical_and_the_partners(autojump_clock, tmp_path):
    (seen,) = await look(Hub(), 5.0, settings(token={"file": str(tmp_path / "none")}))
    assert (seen.verdict, seen.reasons) == ("CRITICAL", ["unauthorized (partner)"])


def verdict(word, game_type, **changes):
    fields = {"feed": "betcore", "game_type": game_type, "game": str(game_type), "verdict": word}
    fields |= {"reasons": [], "state": "fresh", "whose": "nobody", "updates": 20, "state_seconds": {}}
    fields |= {"mean_interval_seconds": 0.5, "mean_latency_seconds": 0.012}
    fields |= {"anomalies": {}, "invalid_messages": {}, "disconnects": {}}
    return module.GameVerdict(**(fields | changes))


BEST_FIRST = [
    verdict("OK", 1, game="Keno"),
    verdict("WARNING", 2, reasons=["1 x sequence.gap", "2 x closed"]),
    verdict(
        *("UNKNOWN", 4), state="unobserved", updates=0, mean_interval_seconds=None, mean_latency_seconds=None
    ),
    verdict("CRITICAL", 3, state="silent", reasons=["silent (provider)"]),
]


@pytest.mark.parametrize(
    ("which", "code"),
    [((0,), 0), ((0, 1), 1), ((0, 1, 3), 2), ((0, 1, 2), 3), ((0, 1, 2, 3), 2), ((2, 0), 3)],
)
def test_the_exit_code_is_the_worst_verdicts(which, code):
    chosen = [BEST_FIRST[number] for number in which]
    assert module.exit_code(chosen) == code
    document = json.loads(module.as_json(chosen))
    names = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}
    assert (document["exit_code"], document["verdict"]) == (code, names[code])


def test_people_read_the_worst_first_one_line_a_game():
    lines = module.as_text(BEST_FIRST).splitlines()
    assert lines == [
        "CRITICAL betcore 3 silent: silent (provider) [20 updates, every 0.500 s, latency 12 ms]",
        "UNKNOWN  betcore 4 unobserved [0 updates]",
        "WARNING  betcore 2 fresh: 1 x sequence.gap; 2 x closed [20 updates, every 0.500 s, latency 12 ms]",
        "OK       betcore Keno (1) fresh [20 updates, every 0.500 s, latency 12 ms]",
    ]


def test_programs_read_the_same_as_json():
    games = json.loads(module.as_json(BEST_FIRST))["games"]
    assert [game["verdict"] for game in games] == ["OK", "WARNING", "UNKNOWN", "CRITICAL"]
    assert games[0]["game"] == "Keno"
    assert games[0].keys() == {field.name for field in msgspec.structs.fields(module.GameVerdict)}


def test_a_bar_would_begin_performance_data_and_a_line_break_another_line():
    given = verdict("OK", 1, game="Keno 8|80", feed="a\u2028b")
    assert module.as_text([given]) == (
        "OK       a b Keno 8/80 (1) fresh [20 updates, every 0.500 s, latency 12 ms]"
    )
    assert json.loads(module.as_json([given]))["games"][0]["game"] == "Keno 8|80"
