import pytest

from tests.simulator.judged import EPOCH, judge
from watchdog.simulator.broadcast import PATIENCE_SECONDS, Broadcast
from watchdog.simulator.faults import FAULTS
from watchdog.simulator.games import GAME_TYPES
from watchdog.simulator.requests import FaultRequest
from watchdog.simulator.table import Table

ANOMALIES = {
    "gap": "sequence.gap",
    "duplicate": "sequence.duplicate",
    "regression": "sequence.regression",
    "reset": "sequence.reset",
    "frozen_timer": "betting_timer.frozen",
    "expired_timer": "betting_timer.expired",
    "lingering_timer": "betting_timer.lingering",
    "rewound_timer": "betting_timer.rewound",
    "jumped_timer": "betting_timer.jumped",
    "negative_timer": "betting_timer.negative",
    "frozen_timestamp": "timestamp.frozen",
    "regressed_timestamp": "timestamp.regressed",
    "changed_result": "round.result_changed",
    "overdue_round": "round.overdue",
    "regressed_round": "round.regressed",
    "skipped_round": "round.skipped",
}
INVALID = {
    "invalid_json": "json",
    "schema_break": "schema",
    "wrong_game_type": "game_type",
    "wrong_protocol": "protocol",
    "oversize": "oversize",
}
STATES = {
    "late": {"silent"},
    "silence": {"silent"},
    "maintenance": {"maintenance"},
    "frozen_timer": {"frozen"},
    "expired_timer": {"frozen"},
    "lingering_timer": {"frozen"},
    "frozen_timestamp": {"frozen"},
    "overdue_round": {"frozen"},
    "reset": {"disconnected"},
    "dropped_connection": {"disconnected"},
    "server_close": {"disconnected"},
    "rejected_token": {"disconnected"},
}
OF_A_GAME = [name for name, fault in FAULTS.items() if not fault.feed_wide]


# One betting window with balls, four with cards, two with cards.
@pytest.mark.parametrize("game", [1, 3, 8])
@pytest.mark.parametrize("name", OF_A_GAME)
def test_a_fault_shows_exactly_what_it_is_named_for(name, game):
    verdict = judge(FaultRequest(name, game, after_seconds=5), game=game)
    assert verdict.anomalies == ({ANOMALIES[name]: 1} if name in ANOMALIES else {})
    assert verdict.invalid == ({INVALID[name]: 1} if name in INVALID else {})
    assert verdict.states == {"fresh"} | STATES.get(name, set())
    assert verdict.missed == (3 if name == "gap" else 0)
    assert verdict.late == (1 if name in ("late", "silence") else 0)
    assert verdict.reports[0]["state"] == "done"


@pytest.mark.parametrize("name", [name for name in OF_A_GAME if FAULTS[name].duration_seconds])
def test_a_fault_lasts_as_long_as_it_was_asked_to(name):
    request = FaultRequest(name, 3, after_seconds=5, duration_seconds=9)
    verdict = judge(request)
    report = verdict.reports[0]
    assert report["ends"] - report["began"] == 9
    assert sum(verdict.anomalies.values()) == (1 if name in ANOMALIES else 0)


def test_a_fault_comes_again_when_asked_to():
    verdict = judge(FaultRequest("gap", 3, after_seconds=5, every_seconds=20), seconds=60)
    assert verdict.anomalies == {"sequence.gap": 3}
    assert [report["state"] for report in verdict.reports] == ["done", "done", "done", "waiting"]


def test_faults_due_at_once_begin_one_after_the_other_and_all_show():
    names = ["late", "gap", "invalid_json", "dropped_connection", "schema_break"]
    verdict = judge(*(FaultRequest(name, 3, after_seconds=5) for name in names))
    assert verdict.anomalies == {"sequence.gap": 1}
    assert verdict.invalid == {"json": 1, "schema": 1}
    assert {report["state"] for report in verdict.reports} == {"done"}


def test_a_gap_can_be_of_any_size():
    assert judge(FaultRequest("gap", 3, parameters={"missed": 17}), seconds=5).missed == 0
    assert judge(FaultRequest("gap", 3, after_seconds=1, parameters={"missed": 17}), seconds=5).missed == 17


def test_a_regression_waits_until_there_is_something_to_fall_from():
    verdict = judge(FaultRequest("regression", 3, parameters={"fall": 10}), seconds=30)
    ids = [update["sId"] for update in verdict.updates]
    assert ids[:11] == list(range(11))
    assert ids[11:13] == [0, 1]


def test_a_reset_starts_again_from_zero_on_the_next_connection():
    ids = [update["sId"] for update in judge(FaultRequest("reset", 3, after_seconds=5), seconds=20).updates]
    assert ids[:10] == list(range(10))
    assert ids[10:] == list(range(len(ids) - 10))


def test_a_skipped_round_follows_one_that_was_never_shown():
    updates = judge(FaultRequest("skipped_round", 4), game=4).updates
    ids = sorted({update["wgi"][0]["i"] for update in updates})
    assert ids[1] == ids[0] + 2


def test_a_changed_result_stays_changed():
    updates = judge(FaultRequest("changed_result", 3), seconds=40).updates
    first_round = [
        update["wgi"][0] for update in updates if update["wgi"][0]["i"] == updates[0]["wgi"][0]["i"]
    ]
    values = [entry["r"][0]["v"] for entry in first_round if entry["r"]]
    assert values == sorted(values, key=values.index)
    assert len(set(values)) == 2


def broadcast():
    return Broadcast(Table(GAME_TYPES[3], seed=1, now=EPOCH))


def test_a_fault_that_never_finds_its_moment_is_given_up():
    show = broadcast()
    show.ask(FaultRequest("regression", 3, parameters={"fall": 1_000_000}), EPOCH)
    show.tick(EPOCH + PATIENCE_SECONDS, [1])
    assert show.reports(EPOCH + PATIENCE_SECONDS)[0]["state"] == "waiting"
    show.tick(EPOCH + PATIENCE_SECONDS + 1, [1])
    assert show.reports(EPOCH + PATIENCE_SECONDS + 1)[0]["state"] == "missed"


def test_a_rejection_ends_in_time_although_nobody_is_connected():
    show = broadcast()
    show.ask(FaultRequest("rejected_token", 3), EPOCH)
    assert show.tick(EPOCH, [1]).farewell.record == '{"type":7,"allowReconnect":true}\x1e'
    assert show.rejects_tokens(EPOCH + 5.9)
    assert not show.rejects_tokens(EPOCH + 6.1)


def test_every_partner_has_a_sequence_of_its_own():
    show = broadcast()
    show.tick(EPOCH, [1])
    records = show.tick(EPOCH + 0.5, [1, 2]).records
    assert '"sId":1}' in records[1][0]
    assert '"sId":0}' in records[2][0]


def test_only_so_many_faults_may_wait():
    show = broadcast()
    assert all(show.ask(FaultRequest("gap", 3), EPOCH) for _ in range(200))
    assert not show.ask(FaultRequest("gap", 3), EPOCH)
