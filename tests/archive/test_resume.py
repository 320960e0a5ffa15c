"""Going on with the incidents of the run before."""

from contextlib import closing

from tests.archive.rows import at, run, stay
from watchdog.archive.database import Database
from watchdog.archive.resume import trackers
from watchdog.core.history import GameKey

POKER = GameKey("betcore", 3)


def resumed(file, now, *rows):
    with closing(Database(file)) as database:
        database.write(rows)
    return trackers(file, at(now))


def test_an_incident_goes_on_through_the_time_without_a_watchdog(tmp_path):
    found = resumed(tmp_path / "h.db", 90, run(), stay(0, 30), stay(30, None, "silent"))
    incident = found[POKER].current(at(90))
    assert incident is not None
    assert (incident.began, incident.lasted) == (at(30), {"silent": 30_000_000, "unobserved": 30_000_000})


def test_after_a_good_end_the_time_without_a_watchdog_is_the_incident(tmp_path):
    incident = resumed(tmp_path / "h.db", 90, run(), stay(0, 60))[POKER].current(at(90))
    assert incident is not None
    assert (incident.began, incident.whose) == (at(60), "ours")


def test_one_of_more_than_a_day_begins_anew(tmp_path):
    day = 86_400
    incident = resumed(tmp_path / "h.db", 3 * day, run(until=3 * day - 60), stay(0, None, "silent"))[
        POKER
    ].current(at(3 * day))
    assert incident is not None
    assert incident.began == at(2 * day)


def test_each_game_has_its_own(tmp_path):
    found = resumed(tmp_path / "h.db", 60, run(), stay(0, None), stay(0, None, "silent", game_type=7))
    silent = found[GameKey("betcore", 7)].current(at(60))
    assert found[POKER].current(at(60)) is None
    assert silent is not None
    assert silent.began == at(0)


def test_a_file_that_is_not_there_or_none_has_nothing_to_go_on_with(tmp_path):
    assert trackers(tmp_path / "none.db", at(0)) == {}
    (tmp_path / "text.db").write_text("not a database " * 500)
    assert trackers(tmp_path / "text.db", at(0)) == {}
