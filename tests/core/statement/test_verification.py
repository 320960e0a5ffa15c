"""Whether a statement holds: every figure that somebody changes is named."""

import json
from datetime import UTC

import msgspec
import pytest
from msgspec import structs

from tests.support.histories import at, rollup, stated, watched
from watchdog.core.history import History, combined
from watchdog.core.statement.records import Evidence, Statement
from watchdog.core.statement.verification import contradictions, verify

DAY = 86_400
VERSION = "1.2.3"
EVIDENCE = {
    "betcore-3-20261102T001640Z": Evidence(file="betcore-3-20261102T001640Z.jsonl.gz", sha256="0" * 64)
}


def here():
    steps = (
        *((0, "fresh"), (1000, "silent"), (1090.5, "fresh"), (5000, "maintenance"), (6000, "fresh")),
        *((7000, "disconnected", ("dns",)), (7100, "fresh")),
    )
    anomalies = [(1001, "sequence.gap", '{"missed": 3}'), (9000, "round.skipped")]
    return watched(
        {3: steps, 4: [(0, "fresh")]},
        DAY,
        anomalies=anomalies,
        rollups=[rollup(hour, 7000, late=3, missed=1) for hour in range(24)],
    )


def there():
    return watched(
        [
            (0, "fresh"),
            (1000, "silent"),
            (1090.5, "fresh"),
            (2000, "disconnected"),
            (2100, "fresh"),
            (7000, "silent"),
            (7100, "fresh"),
        ],
        DAY,
        instance="us-1",
    )


def made(**accounting):
    return stated(here(), there(), start=0, end=DAY, evidence=EVIDENCE, **accounting)


def verified(document, *histories, version=VERSION, evidence=None):
    found = verify(document, combined(histories), zone=UTC, version=version, evidence=evidence)
    return [str(each) for each in found]


def changed(document, change):
    plain = json.loads(msgspec.json.encode(document))
    change(plain)
    return msgspec.json.decode(json.dumps(plain), type=Statement)


@pytest.mark.parametrize(
    "accounting",
    [
        {},
        {"basis": "updates"},
        {"exclude": (), "ignore_shorter_than_seconds": 95, "round_to_seconds": 60},
        {"hours": ("mon 00:10-02:00",), "planned_maintenance": ("mon 01:30-02:00",)},
    ],
)
def test_a_statement_that_nobody_changed_holds(accounting):
    document = made(**accounting)

    assert verified(document, here(), there(), evidence=EVIDENCE) == []
    assert contradictions(document, version=VERSION) == []
    again = msgspec.json.decode(msgspec.json.encode(document), type=Statement)
    assert again == document


def set_in(*path, value):
    def change(plain):
        for key in path[:-1]:
            plain = plain[key]
        assert plain[path[-1]] != value
        plain[path[-1]] = value

    return change


TAMPERED = [
    (set_in("games", 0, "lost_seconds", value=1.0), "games.betcore/3.lost_seconds", True),
    (set_in("games", 0, "promised_seconds", value=1.0), "games.betcore/3.promised_seconds", True),
    (set_in("games", 0, "accountable_seconds", value=1.0), "games.betcore/3.accountable_seconds", True),
    (set_in("games", 0, "by_state", "silent", value=1.0), "games.betcore/3.by_state.silent", True),
    (set_in("games", 0, "by_party", "provider", value=1.0), "games.betcore/3.by_party.provider", True),
    (set_in("games", 0, "by_party", "path", value=1.0), "games.betcore/3.by_party.path", False),
    (set_in("games", 0, "path_seconds", "us-1", value=1.0), "games.betcore/3.path_seconds.us-1", False),
    (set_in("games", 0, "freshness", value=0.5), "games.betcore/3.freshness", True),
    (set_in("games", 0, "freshness_percent", value=50.0), "games.betcore/3.freshness_percent", True),
    (set_in("games", 0, "met", value=True), "games.betcore/3.met", True),
    (set_in("games", 0, "budget_seconds", value=1.0), "games.betcore/3.budget_seconds", True),
    (set_in("games", 0, "budget_used", value=0.1), "games.betcore/3.budget_used", True),
    (set_in("games", 0, "credit_percent", value=9.0), "games.betcore/3.credit_percent", True),
    (set_in("games", 0, "objective", value=0.5), "games.betcore/3.objective", False),
    (set_in("games", 0, "updates", "received", value=5), "games.betcore/3.updates.received", False),
    (
        set_in("games", 0, "updates", "interval", "p99_seconds", value=5),
        "games.betcore/3.updates.interval.p99_seconds",
        False,
    ),
    (set_in("games", 0, "timeline", 0, "state", value="frozen"), "games.betcore/3.timeline.0.state", False),
    (
        set_in("incidents", 0, "lost_seconds", value=1.0),
        "incidents.betcore-3-20261102T001640Z.lost_seconds",
        False,
    ),
    (set_in("incidents", 0, "ignored", value=True), "incidents.betcore-3-20261102T001640Z.ignored", False),
    (set_in("incidents", 0, "whose", value="ours"), "incidents.betcore-3-20261102T001640Z.whose", False),
    (set_in("incidents", 0, "cause", value="sun"), "incidents.betcore-3-20261102T001640Z.cause", False),
    (
        set_in("incidents", 0, "seconds", "silent", value=1.0),
        "incidents.betcore-3-20261102T001640Z.seconds.silent",
        False,
    ),
    (set_in("incidents", 0, "evidence", value=None), "incidents.betcore-3-20261102T001640Z.evidence", False),
    (set_in("total", "met", value=2), "total.met", True),
    (set_in("total", "lost_seconds", value=0.0), "total.lost_seconds", True),
    (set_in("method", 0, value="By gut feeling."), "method.0", True),
    (set_in("watchdogs", 0, "runs", 0, "host", value="other"), "watchdogs.0.runs.0.host", False),
    (
        set_in("incidents", 0, "start", value="2026-11-02T00:16:41Z"),
        "incidents.betcore-3-20261102T001640Z.start",
        False,
    ),
]


@pytest.mark.parametrize(("change", "where", "contradicts"), TAMPERED, ids=[each[1] for each in TAMPERED])
def test_a_figure_that_somebody_changed_is_named(change, where, contradicts):
    document = changed(made(), change)

    assert any(
        line.startswith(f"{where}: stated ")
        for line in verified(document, here(), there(), evidence=EVIDENCE)
    )
    itself = [each.where for each in contradictions(document, version=VERSION)]
    assert not contradicts or where in itself


def test_a_difference_says_what_is_stated_and_what_is_right():
    document = changed(made(), set_in("games", 0, "lost_seconds", value=1.0))

    assert verified(document, here(), there()) == ["games.betcore/3.lost_seconds: stated 1.0, expected 190.5"]


def test_an_incident_that_was_left_out_or_made_up_is_named():
    def drop(plain):
        plain["incidents"][:] = [*plain["incidents"][1:], plain["incidents"][1]]

    lines = verified(changed(made(), drop), here(), there())
    assert [line.split(": ")[0] for line in lines] == [
        "incidents.betcore-3-20261102T015640Z again",
        "incidents.betcore-3-20261102T001640Z",
    ]
    assert "expected nothing" in lines[0]
    assert "stated nothing" in lines[1]
    assert contradictions(changed(made(), drop), version=VERSION)


def test_an_incident_with_an_id_that_is_not_its_own_contradicts_itself():
    change = set_in("incidents", 0, "id", value="betcore-3-20261102T001641Z")

    wheres = [each.where for each in contradictions(changed(made(), change), version=VERSION)]
    assert "incidents.betcore-3-20261102T001641Z" in wheres


def test_an_ignored_incident_that_loses_something_contradicts_itself():
    [found, *_] = contradictions(
        changed(made(), set_in("incidents", 0, "ignored", value=True)), version=VERSION
    )

    assert (found.where, found.expected) == ("incidents.betcore-3-20261102T001640Z.lost_seconds", "0.0")


def test_another_history_contradicts_a_statement():
    assert verified(made(), here())
    assert verified(made(), watched([(0, "fresh")], DAY))
    assert any("stated {" in line for line in verified(made(), History()))


def test_of_a_game_that_is_stated_twice_one_is_made_up():
    def double(plain):
        plain["games"].append(plain["games"][0])

    assert any(
        line.startswith("games.betcore/3 again: ")
        for line in verified(changed(made(), double), here(), there())
    )


def test_words_are_compared_only_with_those_of_the_same_version():
    document = changed(made(), set_in("method", 0, value="In other words."))

    assert verified(document, here(), there(), version="2.0") == []
    assert contradictions(document, version="2.0") == []


def test_evidence_is_compared_with_what_there_is():
    assert verified(made(), here(), there()) == []
    [line] = verified(made(), here(), there(), evidence={})
    assert line.startswith("incidents.betcore-3-20261102T001640Z.evidence: stated {")


def test_a_statement_holds_while_the_history_it_was_made_of_grows():
    early = watched([(0, "fresh"), (500, "silent")], 600, orderly=False, rollups=[rollup(0, 1000, late=1)])
    other = watched([(0, "fresh"), (510, "silent")], 598, instance="us-1", orderly=False)
    later = watched(
        [(0, "fresh"), (500, "silent"), (700, "fresh")], 9000, rollups=[rollup(0, 7000, late=5, missed=2)]
    )
    other_later = watched([(0, "fresh"), (510, "silent"), (900, "fresh")], 9000, instance="us-1")

    for basis in ("time", "updates"):
        document = stated(early, other, start=0, end=600, basis=basis)
        assert verified(document, later, other_later) == []
    document = changed(stated(early, other, start=0, end=600), set_in("games", 0, "updates", "late", value=9))
    assert verified(document, later, other_later) == ["games.betcore/3.updates.late: stated 9, expected 5"]


def test_by_updates_a_growing_hour_hides_no_other_figure():
    early = watched([(0, "fresh"), (500, "silent")], 600, orderly=False, rollups=[rollup(0, 1000)])
    document = stated(early, start=0, end=600, basis="updates")
    change = set_in("games", 0, "lost_seconds", value=0.0)

    assert verified(changed(document, change), early) == [
        "games.betcore/3.lost_seconds: stated 0.0, expected 100.0"
    ]


def test_in_promised_hours_a_statement_is_checked_by_its_own_table():
    document = made(hours=("mon 00:00-01:00",))
    changed_table = changed(document, set_in("games", 0, "by_state", "unauthorized", value=7.0))

    wheres = [each.where for each in contradictions(changed_table, version=VERSION)]
    assert "games.betcore/3.promised_seconds" in wheres
    missing = structs.replace(document.games[0], by_state={}, by_party={})
    assert contradictions(structs.replace(document, games=(missing,)), version=VERSION)


def test_unobserved_time_lasts_as_long_as_from_its_start_to_its_end():
    document = stated(watched([(0, "fresh")], 500), start=0, end=600)

    [found] = contradictions(
        changed(document, set_in("not_observed", 0, "seconds", value=7.0)), version=VERSION
    )
    assert str(found) == "not_observed.0.seconds: stated 7.0, expected 100.0"
    assert at(0)
