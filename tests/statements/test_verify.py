"""The command `verify`."""

import json
from hashlib import sha256

import pytest

from tests.support.histories import watched
from tests.support.history_files import written
from tests.support.statement_commands import DAY, PERIOD, SILENT_ID, called, made, refused, seen
from watchdog import verify


def changed(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_statement_holds_with_and_without_its_history(capsys, file, stated):
    assert "holds, 2 game(s), 3 incident(s): computed again" in made(
        capsys, "verify", stated, "--history", file
    )
    assert "agree with one another" in made(capsys, "verify", stated)


@pytest.mark.parametrize("sources", [True, False])
def test_every_difference_is_a_line(capsys, file, stated, sources):
    def lie(document):
        document["games"][0]["lost_seconds"] = 1.5
        document["games"][0]["met"] = True

    changed(stated, lie)
    code, out, err = called(capsys, "verify", stated, *(("--history", file) if sources else ()))
    assert (code, err) == (1, "")
    assert "games.betcore/3.lost_seconds: stated 1.5, expected 110.5" in out.splitlines()
    assert "games.betcore/3.met: stated true, expected false" in out.splitlines()


def test_a_statement_of_another_history_does_not_hold(capsys, stated, tmp_path):
    other = written(tmp_path / "other.db", watched([(0, "fresh")], DAY))
    code, out, _ = called(capsys, "verify", stated, "--history", other)
    assert code == 1
    assert any(line.startswith(f"incidents.{SILENT_ID}: ") for line in out.splitlines())


def test_a_statement_made_while_the_watchdog_runs_holds_afterwards(capsys, now, tmp_path):
    file = written(tmp_path / "history.db", seen(50_000, orderly=False))
    now(50_003)
    stated = tmp_path / "statement.json"
    made(capsys, "report", "--history", file, *PERIOD, "--format", "json", "--output", stated)
    written(file, seen(70_000))
    now(80_000)
    assert "holds" in made(capsys, "verify", stated, "--history", file)


def test_the_evidence_that_a_statement_names_is_compared(capsys, stated, tmp_path):
    folder = tmp_path / "evidence"
    folder.mkdir()
    recording = folder / f"{SILENT_ID}.jsonl.gz"
    recording.write_bytes(b"recording")

    def with_evidence(document):
        document["incidents"][0]["evidence"] = {
            "file": recording.name,
            "sha256": sha256(b"recording").hexdigest(),
        }

    changed(stated, with_evidence)
    command = ("verify", stated, "--evidence", folder)
    assert "holds" in made(capsys, *command)
    recording.write_bytes(b"another")
    code, out, _ = called(capsys, *command)
    assert (code, out.count("\n")) == (1, 1)
    assert out.startswith(f"incidents.{SILENT_ID}.evidence.sha256: stated ")
    recording.unlink()
    code, out, _ = called(capsys, *command)
    assert code == 1
    assert out.endswith("expected a file that is there\n")
    assert "no such folder" in refused(capsys, "verify", stated, "--evidence", recording)


def test_no_file_outside_of_the_folder_is_looked_at_for_evidence(capsys, stated, tmp_path):
    folder = tmp_path / "evidence"
    folder.mkdir()
    outside = tmp_path / "outside.jsonl.gz"
    outside.write_bytes(b"secret")

    def elsewhere(document):
        document["incidents"][0]["id"] = "../outside"
        document["incidents"][0]["evidence"] = {
            "file": "../outside.jsonl.gz",
            "sha256": sha256(b"secret").hexdigest(),
        }

    changed(stated, elsewhere)
    code, out, _ = called(capsys, "verify", stated, "--evidence", folder)
    assert code == 1
    assert "incidents.../outside.evidence: stated ../outside.jsonl.gz, expected a file that is there" in out


def test_foreign_texts_neither_break_the_line_nor_drive_the_terminal(capsys, stated):
    def foreign(document):
        document["games"][0]["feed"] = "evil\n\x1b[31m\u202e"

    changed(stated, foreign)
    code, out, _ = called(capsys, "verify", stated)
    assert code == 1
    assert out.replace("\n", "").isprintable()
    assert all(": stated " in line for line in out.splitlines())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a betcore-statement/1 document"),
        (b"\x00\xff", "not a betcore-statement/1 document"),
        (b"[" * 100_000, "not a betcore-statement/1 document"),
        (b'{"schema":"betcore-statement/2"}', "not a betcore-statement/1 document"),
        (b'{"schema":"betcore-statement/1","\x1b[2J\\n":1}', "not a betcore-statement/1 document"),
    ],
)
def test_what_is_no_statement_is_one_line(capsys, tmp_path, content, words):
    path = tmp_path / "statement.json"
    path.write_bytes(content)
    line = refused(capsys, "verify", path)
    assert words in line
    assert line.isprintable()


@pytest.mark.parametrize("path", ["/nowhere.json", "/", "/dev/zero", "\0"])
def test_a_statement_that_cannot_be_read_is_one_line(capsys, monkeypatch, path):
    monkeypatch.setattr(verify, "MOST_STATEMENT_BYTES", 1_000_000)
    assert refused(capsys, "verify", path).startswith(path)


def test_a_time_zone_of_a_statement_that_there_is_not_is_one_line(capsys, stated):
    changed(stated, lambda document: document["period"].update(timezone="Mars/Olympus"))
    assert "period.timezone: expected a name" in refused(capsys, "verify", stated)
