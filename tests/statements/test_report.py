"""The command `report`: what it states, and what it refuses."""

import json

import pytest
from jsonschema import Draft202012Validator

from tests.support.histories import watched
from tests.support.history_files import written
from tests.support.statement_commands import DAY, PERIOD, SILENT_ID, called, made, refused, seen, statement_of
from watchdog.readers.report.document import json_schema


def test_a_report_has_every_format_and_html_without_one(capsys, file, now):
    report = ("report", "--history", file, *PERIOD)
    document = json.loads(made(capsys, *report, "--format", "json"))
    Draft202012Validator(json_schema()).validate(document)
    assert [(game["game_type"], game["lost_seconds"]) for game in document["games"]] == [(3, 110.5), (7, 0.0)]
    assert document["games"][0]["updates"]["received"] == 7_000
    page = made(capsys, *report)
    assert page.startswith("<!doctype html>")
    assert SILENT_ID in page
    games, incidents = made(capsys, *report, "--format", "csv").split("\r\n\r\n")
    assert (len(games.splitlines()), len(incidents.splitlines())) == (3, 4)


def test_a_report_as_pdf_goes_to_a_file(capsys, file, now, tmp_path):
    pytest.importorskip("weasyprint")
    made(capsys, "report", "--history", file, *PERIOD, "--format", "pdf", "--output", tmp_path / "s.pdf")
    assert (tmp_path / "s.pdf").read_bytes().startswith(b"%PDF-")


def test_the_accounting_of_a_file_is_used(capsys, file, now, tmp_path):
    accounting = tmp_path / "accounting.toml"
    accounting.write_text("ignore_shorter_than_seconds = 30")
    report = ("report", "--history", file, *PERIOD, "--format", "json", "--accounting", accounting)
    assert statement_of(made(capsys, *report)).games[0].lost_seconds == 90.5
    accounting.write_text("basis = 'money'\nround_to_seconds = -1")
    code, out, err = called(capsys, *report)
    assert (code, out) == (2, "")
    assert [line.split(": ")[2] for line in err.splitlines()] == ["basis", "round_to_seconds"]


def test_one_feed_alone_is_stated(capsys, file, now):
    report = ("report", "--history", file, *PERIOD, "--format", "json", "--feed")
    assert len(statement_of(made(capsys, *report, "betcore")).games) == 2
    assert "no game was watched" in refused(capsys, *report, "another")


def test_local_times_are_by_the_time_zone(capsys, file, now):
    report = ("report", "--history", file, *PERIOD, "--timezone", "Europe/Berlin", "--format", "json")
    period = statement_of(made(capsys, *report)).period
    assert (period.start.isoformat(), period.timezone) == ("2026-11-01T23:00:00+00:00", "Europe/Berlin")


def test_a_statement_ends_with_the_last_sign_of_a_watchdog_that_goes_on(capsys, now, tmp_path):
    file = written(tmp_path / "history.db", seen(50_000, orderly=False))
    report = ("report", "--history", file, *PERIOD, "--format", "json")
    now(50_003)
    stated = statement_of(made(capsys, *report))
    assert stated.period.end == stated.known_until
    assert stated.games[0].by_state["unobserved"] == 0.0


def test_time_since_a_watchdog_died_is_unobserved_but_what_is_to_come_is_not(capsys, now, tmp_path):
    file = written(tmp_path / "history.db", seen(50_000, orderly=False))
    report = ("report", "--history", file, *PERIOD, "--format", "json")
    now(51_000)
    stated = statement_of(made(capsys, *report))
    assert stated.games[0].promised_seconds == 51_000
    assert stated.games[0].by_state["unobserved"] == 1_000
    now(5 * DAY)
    stated = statement_of(made(capsys, *report))
    assert stated.games[0].by_state["unobserved"] == DAY - 50_000


def test_several_histories_make_one_statement_in_any_order(capsys, file, now, tmp_path):
    other = written(
        tmp_path / "other.db", watched([(3_600, "fresh"), (3_700, "fresh")], 3_800, instance="us-1")
    )
    report = ("report", *PERIOD, "--format", "json")
    one, two = (
        statement_of(made(capsys, *report, "--history", first, "--history", last))
        for first, last in ((file, other), (other, file))
    )
    assert one == two
    assert (one.games[0].lost_seconds, one.games[0].by_party["path"]) == (20.0, 90.5)
    assert len(one.watchdogs) == 2
    same = statement_of(made(capsys, *report, "--history", file, "--history", file))
    assert same == statement_of(made(capsys, *report, "--history", file))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "2026-11-02"), "--to"),
        (("--to", "2026-11-02"), "--from"),
        (("--from", "yesterday", "--to", "1d"), "--from: expected a date or time"),
        (("--from", "1d", "--to", "9" * 5_000), "--to: expected a date or time"),
        (("--from", "1d", "--to", "2d"), "--from: expected a time before --to"),
        (("--from", "1d", "--to", "1d"), "--from: expected a time before --to"),
        (("--from", "2099-01-01", "--to", "2099-12-31"), "--from: nothing is known of this period yet"),
        (("--from", "2027-11-02", "--to", "0001-01-01"), "--to: expected a time between"),
        ((*PERIOD, "--timezone", "Mars/Olympus"), "--timezone: expected a name"),
        ((*PERIOD, "--timezone", "../../../etc/passwd"), "--timezone: expected a name"),
        ((*PERIOD, "--timezone", ""), "--timezone: expected a name"),
        ((*PERIOD, "--feed", "\udcff"), "--feed: expected a name"),
        ((*PERIOD, "--feed", "x" * 65), "--feed: expected a name"),
        ((*PERIOD, "--format", "docx"), "--format: invalid choice: 'docx'"),
        ((*PERIOD, "--accounting", "/nowhere.toml"), "/nowhere.toml"),
        ((*PERIOD, "--user-file", "/nowhere"), "--user-file: /nowhere: No such file"),
        ((*PERIOD, "--user-file", "/dev/zero"), "--user-file: /dev/zero: expected one line"),
        ((*PERIOD, "--output", "/nowhere/s.html"), "--output: /nowhere/s.html: No such file"),
        ((*PERIOD, "--output", "/"), "--output: /: Is a directory"),
        ((*PERIOD, "--output", "/dev/full"), "--output: /dev/full: No space left"),
    ],
)
def test_what_a_report_cannot_use_is_one_line(capsys, file, now, arguments, words):
    assert words in refused(capsys, "report", "--history", file, *arguments)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.db", "no such file"),
        ("", "no such file"),
        (".", "no such file"),
        ("https://", "--history: expected an address"),
        ("http://:1", "--history: expected an address"),
        ("http://127.0.0.1:99999", "--history: expected an address"),
        ("http://[::1", "--history: expected an address"),
        ("http://user:pa55@127.0.0.1:1", "--history: expected an address"),
        ("http://127.0.0.1:1/?x=1", "--history: expected an address"),
        ("HTTP://127.0.0.1:1", "http://127.0.0.1:1: refused: "),
    ],
)
def test_a_source_that_is_none_is_one_line(capsys, now, source, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = refused(capsys, "report", "--history", source, *PERIOD)
    assert words in line
    assert "pa55" not in line


def test_a_file_that_is_no_history_is_one_line(capsys, now, tmp_path):
    text = tmp_path / "text.db"
    text.write_text("not a database, but long enough to be looked at as one" * 100)
    assert "not a database" in refused(capsys, "report", "--history", text, *PERIOD)
