"""The command `replay`: exit codes, words and JSON, and what it refuses."""

import gzip
import json

import msgspec
import pytest

from tests.support.config_files import config_file
from tests.support.recordings import outage
from watchdog import cli, recordings
from watchdog.config.load import load

TEXT = outage().finish()
CHANGED = TEXT.replace(b'"missed":9}', b'"missed":8}')


@pytest.fixture
def run(capsys):
    """Runs the command; returns its exit code, stdout and stderr."""

    def run(*arguments):
        code = cli.main(["replay", *(str(each) for each in arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def written(tmp_path, text, name="a.jsonl"):
    file = tmp_path / name
    file.write_bytes(text)
    return file


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda text: gzip.compress(text[:500]) + gzip.compress(text[500:])]
)
def test_a_recording_that_holds_exits_with_0(tmp_path, run, pack):
    file = written(tmp_path, pack(TEXT))

    code, out, err = run(file)

    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert line.startswith(f"{file}: betcore/3 Poker: ")
    assert "as recorded" in line
    assert "silent" in line
    assert "incomplete" not in line


def test_each_difference_is_a_line_and_exits_with_1(tmp_path, run):
    code, out, _ = run(written(tmp_path, TEXT), written(tmp_path, CHANGED, "b.jsonl"))

    assert code == 1
    whole, difference, verdict = out.splitlines()
    assert "as recorded" in whole
    assert "b.jsonl: line " in difference
    assert '"missed":8' in difference
    assert '"missed":9' in difference
    assert "1 difference(s)" in verdict


def test_as_json(tmp_path, run):
    code, out, _ = run("--json", written(tmp_path, TEXT), written(tmp_path, CHANGED, "b.jsonl"))
    whole, changed = json.loads(out)["recordings"]

    assert code == 1
    assert (whole["identical"], whole["complete"], whole["differences"]) == (True, True, [])
    assert (changed["identical"], changed["difference_count"]) == (False, 1)
    assert set(changed["differences"][0]) == {"line", "recorded", "replayed"}


@pytest.mark.parametrize("cut", [TEXT[:-20], gzip.compress(TEXT)[:-20], gzip.compress(TEXT)[:-400]])
def test_what_a_crash_cut_off_is_judged_as_far_as_it_goes(tmp_path, run, cut):
    code, out, _ = run(written(tmp_path, cut))

    assert code == 0
    assert "incomplete" in out


def configured(tmp_path, monkeypatch, tolerance):
    file = config_file(tmp_path, monkeypatch)
    file.write_text(f"{file.read_text()}\n[checks]\ntolerance_seconds = {tolerance}\n")
    return file


def test_other_settings_tell_what_would_have_been_found(tmp_path, run, monkeypatch):
    file = written(tmp_path, CHANGED)

    strict = run("--config", configured(tmp_path, monkeypatch, 0.0), file)
    lax = run("--config", configured(tmp_path, monkeypatch, 9.0), file)

    assert (strict[0], lax[0]) == (0, 0)
    assert "2025-06-19T15:57:18.000000Z  feed.state_changed" in lax[1]
    assert '"new":"silent"' in strict[1]
    assert '"new":"silent"' not in lax[1]
    assert "by other settings" in lax[1]


def test_other_settings_as_json(tmp_path, run, monkeypatch):
    config = configured(tmp_path, monkeypatch, 9.0)

    code, out, _ = run("--json", "--config", config, written(tmp_path, TEXT))

    (facts,) = json.loads(out)["recordings"]
    assert code == 0
    assert facts["checks"]["tolerance_seconds"] == 9.0
    assert len(facts["findings"]) == facts["finding_count"]
    assert "identical" not in facts


def test_what_is_listed_has_a_bound_and_what_is_counted_has_none(tmp_path, run, monkeypatch):
    monkeypatch.setattr(recordings, "MOST_LISTED", 2)
    config = configured(tmp_path, monkeypatch, 0.25)

    _, out, _ = run("--config", config, written(tmp_path, TEXT))

    assert len(out.splitlines()) == 4
    assert "more" in out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1: expected the header"),
        (b"hello\n", "line 1: expected the header"),
        (TEXT.replace(b'"line":"lost"', b'"line":"lust"'), "no line of a recording"),
        (b"\x1f\x8bhello, hello, hello", "can't be unpacked"),
        (gzip.compress(TEXT)[:-8] + b"12345678", "can't be unpacked"),
        (gzip.compress(TEXT)[:40] + b"\xff" * 400, "can't be unpacked"),
    ],
)
def test_what_is_no_recording_is_refused_with_file_line_and_reason(tmp_path, run, content, words):
    file = written(tmp_path, content)

    code, out, err = run(written(tmp_path, TEXT, "good.jsonl"), file)

    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert f"{file}: " in line
    assert words in line


def test_a_time_that_no_calendar_has_is_told_in_seconds(tmp_path, run, monkeypatch):
    config = configured(tmp_path, monkeypatch, 9.0)
    far = TEXT[: TEXT.index(b'"wall":')] + b'"wall":9e11' + TEXT[TEXT.index(b',"checks"') :]

    _, out, _ = run("--config", config, written(tmp_path, far))

    assert out.startswith("+0.000000 s  feed.state_changed")


def test_the_settings_of_the_very_game_come_before_those_of_all(tmp_path, run, monkeypatch):
    config = config_file(tmp_path, monkeypatch)
    header, _, rest = TEXT.partition(b"\n")
    other = header.replace(b'"feed":"betcore"', b'"feed":"another"')
    assert other != header

    _, out, _ = run(
        "--json", "--config", config, written(tmp_path, TEXT), written(tmp_path, other + b"\n" + rest, "b")
    )
    its_own, of_all = json.loads(out)["recordings"]

    assert its_own["checks"] == msgspec.to_builtins(load(config).feeds[0].games[0].checks)
    assert of_all["checks"] == msgspec.to_builtins(load(config).checks)


@pytest.mark.parametrize("place", [b"Poker", b"sequence.gap"])
def test_nothing_of_a_recording_reaches_the_terminal_as_a_command(tmp_path, run, place):
    code, out, err = run(written(tmp_path, TEXT.replace(place, rb"\u001b[2J\u009b\u202e", 1)))

    assert code in (0, 1)
    assert not {"\x1b", "\x9b", "\u202e"} & set(out + err)


def test_nor_does_what_is_refused_of_it(tmp_path, run):
    _, _, err = run(written(tmp_path, TEXT.replace(b'"line":"lost"', rb'"line":"\u001b[2J\u009b"')))

    assert not {"\x1b", "\x9b"} & set(err)


def test_files_that_are_none_are_refused_each_with_a_line(tmp_path, run):
    code, _, err = run(tmp_path / "missing", tmp_path)

    assert code == 2
    assert len(err.splitlines()) == 2
    assert "can't be read" in err
