"""What the journal makes of a monitor's findings: rows in UTC microseconds, and incidents."""

from typing import Any

import msgspec
import pytest

from tests.support.builders import GAME_TYPE, Watch, betting, wall
from watchdog.archive.journal import Journal
from watchdog.core.history import (
    HOUR,
    SECOND,
    AnomalyRow,
    ClockStep,
    Disconnect,
    HourlyRollup,
    Promise,
    Rotation,
    Stay,
)
from watchdog.core.incidents import IncidentTracker


class Noted:
    """A watch whose findings go into a journal."""

    def __init__(self, began: float = 0.0) -> None:
        self.rows: list[Any] = []
        self.incidents: list[tuple[str, str]] = []
        self.watch = Watch()
        self.journal = Journal(
            "run",
            0.0,
            wall(began),
            put=self.rows.append,
            on_incident=lambda event: self.incidents.append((event.event, event.incident.id)),
        )
        self.began = round(wall(began) * SECOND)
        self.journal.watch(self.watch.snapshot, 0.0, IncidentTracker("betcore", GAME_TYPE))

    def tell(self, findings) -> None:
        for finding in findings:
            self.journal.report("betcore", GAME_TYPE, finding)

    def of(self, kind: type) -> list[Any]:
        return [row for row in self.rows if type(row) is kind]

    def stays(self) -> list[tuple[str, float, float | None, tuple[str, ...]]]:
        """The stays that are over and the one that goes on, in seconds since the begin."""
        last = {row.began: row for row in self.of(Stay)}
        return [
            (
                row.state,
                (row.began - self.began) / SECOND,
                None if row.ended is None else (row.ended - self.began) / SECOND,
                row.because,
            )
            for row in last.values()
        ]


def subscribed(noted: Noted) -> Noted:
    watch = noted.watch
    noted.tell(watch.monitor.connecting(0.25))
    watch.at = 0.5
    noted.tell(watch.monitor.subscribed(0.5))
    return noted


def test_a_game_has_its_promise_and_its_stays_to_the_microsecond():
    noted = subscribed(Noted())
    noted.tell(noted.watch.receive(1.0))
    noted.tell(noted.watch.advance(3.0))
    noted.tell(noted.watch.receive(3.25))

    assert noted.of(Promise) == [
        Promise(
            run="run",
            feed="betcore",
            game_type=GAME_TYPE,
            game="Poker",
            since=noted.began,
            interval=500_000,
            late_after=750_000,
            objective=0.999,
        )
    ]
    assert noted.stays() == [
        ("unobserved", 0.0, 0.25, ()),
        ("disconnected", 0.25, 0.5, ()),
        ("fresh", 0.5, 1.75, ()),
        ("silent", 1.75, 3.25, ()),
        ("fresh", 3.25, None, ()),
    ]


def test_a_stay_knows_why():
    noted = subscribed(Noted())
    noted.tell(noted.watch.monitor.lost("dns", 0.75, "no such name"))
    noted.tell(noted.watch.monitor.subscribed(1.0))
    noted.tell(noted.watch.receive(1.0, games=(betting(),), betting_timer=9))
    for second in range(2, 14):
        noted.tell(noted.watch.receive(second / 2 + 0.5, games=(betting(),), betting_timer=9))

    states = [(state, because) for state, _, _, because in noted.stays()]
    assert ("disconnected", ("dns",)) in states
    assert ("frozen", ("betting_timer.frozen",)) in states
    assert noted.of(Disconnect)[0].reason == "dns"
    assert noted.of(Disconnect)[0].detail == "no such name"


def test_a_stay_of_no_length_leaves_its_place_to_the_next():
    noted = Noted()
    noted.tell(noted.watch.monitor.connecting(0.0))
    assert noted.stays() == [("disconnected", 0.0, None, ())]


def test_anomalies_have_their_particulars_as_json_and_count_to_incidents():
    noted = subscribed(Noted())
    noted.tell(noted.watch.receive(1.0, sequence_id=5))
    noted.tell(noted.watch.receive(1.5, sequence_id=9))
    noted.tell(noted.watch.monitor.invalid("json", 1.75, wall(1.75), "no JSON"))
    rows = noted.of(AnomalyRow)
    assert [(row.event, msgspec.json.decode(row.detail)) for row in rows] == [
        ("sequence.gap", {"expected": 6, "got": 9, "missed": 3}),
        ("message.invalid", {"reason": "json", "error": "no JSON"}),
    ]


def test_what_is_found_in_maintenance_is_no_row_and_no_incident():
    noted = subscribed(Noted())
    noted.tell(noted.watch.receive(1.0, maintenance=True))
    noted.tell(noted.watch.receive(1.5, sequence_id=99, maintenance=True))
    assert noted.of(AnomalyRow) == []


def test_rotations_are_rows():
    noted = subscribed(Noted())
    noted.tell(noted.watch.monitor.rotated(0.6))
    noted.tell(noted.watch.monitor.standby_ended("connection.rotation_failed", "dns", 0.7, ""))
    assert [row.outcome for row in noted.of(Rotation)] == ["ok", "failed"]


def test_an_incident_is_reported_when_it_begins_and_ten_seconds_after_its_end():
    noted = subscribed(Noted())
    noted.watch.receive(1.0)
    noted.incidents.clear()
    noted.journal.advance(10.5)
    assert noted.incidents[0][0] == "incident.ended"
    noted.incidents.clear()
    noted.watch.at = 20.0
    noted.tell(noted.watch.monitor.lost("dns", 20.0))
    assert [event for event, _ in noted.incidents] == ["incident.began"]
    noted.tell(noted.watch.monitor.subscribed(22.0))
    assert noted.journal.due_in_seconds(22.0) == pytest.approx(10.0)
    noted.journal.advance(31.9)
    assert len(noted.incidents) == 1
    noted.journal.advance(32.0)
    assert [event for event, _ in noted.incidents] == ["incident.began", "incident.ended"]


def test_counts_are_of_the_hour_and_each_hour_begins_anew():
    minute_before = 3_600.0 - (wall(0.0) % 3_600.0) - 60.0
    noted = subscribed(Noted(minute_before))
    noted.watch.receive(1.0)
    noted.watch.receive(1.5)
    noted.journal.count(noted.watch.snapshot, 2.0)
    noted.watch.receive(2.0, sequence_id=5)
    noted.journal.count(noted.watch.snapshot, 3.0)
    noted.journal.advance(59.0)
    assert not noted.journal.hour_is_over(59.0)
    assert noted.journal.due_in_seconds(59.0) == pytest.approx(1.0)
    assert noted.journal.hour_is_over(60.0)
    noted.journal.count(noted.watch.snapshot, 60.0)
    noted.watch.receive(61.0)
    noted.journal.count(noted.watch.snapshot, 62.0)
    noted.journal.count(noted.watch.snapshot, 66.0)

    rows = noted.of(HourlyRollup)
    hour = noted.began // HOUR * HOUR + HOUR
    assert [(row.began, row.updates, row.late, row.missed, sum(row.latencies.counts)) for row in rows] == [
        (noted.began, 2, 0, 0, 2),
        (noted.began, 3, 0, 2, 3),
        (hour, 1, 1, 0, 1),
    ]


@pytest.mark.parametrize("by", [3_600.0, -3_600.0])
def test_a_step_of_the_clock_ends_each_stay_and_goes_on_by_the_new_time(by):
    noted = subscribed(Noted())
    noted.watch.receive(1.0)
    assert noted.journal.step(lambda: [noted.watch.snapshot], 2.0, wall(2.05)) == 0
    noted.watch.at = 2.0
    assert noted.journal.step(lambda: [noted.watch.snapshot], 2.0, wall(2.0 + by)) == round(by * SECOND)
    # Silence fell due at 1.75 s, before the clock was set, and is found after it.
    noted.tell(noted.watch.monitor.lost("dns", 2.5))

    assert noted.of(ClockStep) == [ClockStep(run="run", at=noted.began + 2 * SECOND, by=round(by * SECOND))]
    assert ("fresh", 0.5, 2.0, ()) in noted.stays()
    assert ("silent", 2.0 + by, 2.5 + by, ()) in noted.stays()
    assert all(ended is None or ended > began for _, began, ended, _ in noted.stays())


def test_of_a_game_that_is_not_watched_any_more_the_last_stay_and_counts_are_written():
    noted = subscribed(Noted())
    noted.watch.receive(1.0)
    noted.journal.unwatch(noted.watch.snapshot, 1.0)
    assert noted.stays()[-1] == ("fresh", 0.5, 1.0, ())
    assert noted.of(HourlyRollup)[-1].updates == 1
