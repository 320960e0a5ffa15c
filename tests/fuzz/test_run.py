"""`make fuzz`: what it reads of libFuzzer, what it says of a crash, and the document that it writes."""

import sys

import msgspec
import pytest

from fuzz import report, run
from fuzz.harness import HARNESSES
from fuzz.outcome import Failure, Outcome, outcome

GOOD = """INFO: seed corpus: files: 23 min: 1b max: 65536b total: 75903b rss: 64Mb
stat::slowest_input_ms: 0.09
#24	INITED cov: 95 ft: 137 corp: 19/1062b exec/s: 0 rss: 64Mb
stat::grown_blocks: 0
stat::longest_input_bytes: 65536
stat::slowest_input_ms: 0.13
stat::grown_blocks: -95
stat::longest_input_bytes: 65536
#1040733	DONE   cov: 98 ft: 145 corp: 25/861b lim: 65536 exec/s: 173455 rss: 67Mb
Done 1040733 runs in 6 second(s)
stat::number_of_executed_units: 1040733
stat::average_exec_per_sec:     173455
stat::new_units_added:          46
stat::slowest_unit_time_sec:    0
stat::peak_rss_mb:              67
"""

CRASHED = """
 === Uncaught Python exception: ===
UnicodeError: label \x1b[2J is too long
Traceback (most recent call last):
  File "fuzz/harness.py", line 62, in negotiation
UnicodeError: label \x1b[2J is too long

==29983== ERROR: libFuzzer: fuzz target exited
SUMMARY: libFuzzer: fuzz target exited
artifact_prefix='build/fuzz/token-'; Test unit written to build/fuzz/token-crash-c53d2f1a
Base64: Ym9vbQ==
stat::number_of_executed_units: 2
stat::peak_rss_mb:              40
"""

HUNG = """
 === Timeout: 6s elapsed, timeout=5s ===
artifact_prefix='build/fuzz/token-'; Test unit written to build/fuzz/token-timeout-c1b25220
SUMMARY: libFuzzer: timeout
stat::number_of_executed_units: 2
"""


def an_outcome(name, failure=None):
    return Outcome(
        harness=name,
        executions=1_040_733,
        executions_per_second=173_455,
        seconds=6.7,
        longest_input_bytes=65_536,
        slowest_input_ms=0.13,
        grown_blocks=-95,
        peak_mb=67,
        corpus=25,
        new_inputs=46,
        failure=failure,
    )


def a_failure():
    return Failure("AssertionError: it waited", "build/fuzz/update-crash-1")


@pytest.fixture
def fuzzed(monkeypatch):
    """Atheris is there, and of the harnesses `update` crashes: answers which have run."""
    ran = []

    def fuzz(name, seconds):
        ran.append((name, seconds))
        return an_outcome(name, a_failure() if name == "update" else None)

    monkeypatch.setattr(run, "version", lambda name: "3.0.0")
    monkeypatch.setattr(run, "fuzz", fuzz)
    return ran


def test_the_figures_of_a_run_are_the_last_that_it_told():
    assert outcome("token", GOOD, 0, 6.71) == an_outcome("token")


def test_a_crash_says_what_was_raised_and_where_its_input_is_without_control_characters():
    failure = outcome("token", CRASHED, 77, 1.0).failure

    assert failure == Failure(r"UnicodeError: label \x1b[2J is too long", "build/fuzz/token-crash-c53d2f1a")


def test_a_hang_says_so_and_where_its_input_is():
    assert outcome("token", HUNG, 70, 1.0).failure == Failure("timeout", "build/fuzz/token-timeout-c1b25220")


@pytest.mark.parametrize(
    ("exit_code", "said"), [(1, "it ended with exit code 1"), (None, "it did not end"), (-9, "exit code -9")]
)
def test_a_run_that_ends_without_a_word_is_a_failure(exit_code, said):
    ended = outcome("token", "", exit_code, 1.0)

    assert said in ended.failure.what
    assert (ended.executions, ended.corpus, ended.failure.artifact) == (0, 0, None)


def test_a_crash_is_told_after_all_harnesses_have_run_and_fails_the_run(fuzzed, capsys):
    assert run.main(["--duration", "33"]) == 1

    assert fuzzed == [(name, 5) for name in HARNESSES]
    output = capsys.readouterr()
    line = "update: AssertionError: it waited; input: build/fuzz/update-crash-1"
    assert output.err == line + "\n"
    assert f"\n- `{line}`\n" in output.out
    assert "| update | 1,040,733 | 173,455 | 6.7 | 1 | 65,536 | 0.1 | -95 | 67 | 25 | 46 |" in output.out


@pytest.mark.parametrize("record", [True, False])
def test_a_run_is_recorded_when_it_is_asked_for(fuzzed, record, monkeypatch, tmp_path):
    monkeypatch.setattr(report, "RECORD", tmp_path / "recorded.json")
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "document.md")

    run.main(["--duration", "600", *(["--record"] if record else [])])

    assert report.RECORD.exists() is report.DOCUMENT.exists() is record
    if record:
        assert report.recorded().seconds_each == 100
        assert report.DOCUMENT.read_text() == report.document(report.recorded())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--duration", "4"], "argument --duration: expected whole seconds from 6 to 86400, got '4'"),
        (["--duration", "1m"], "argument --duration: expected whole seconds from 6 to 86400, got '1m'"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_a_wrong_argument_is_answered_with_one_line(fuzzed, arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        run.main(arguments)

    assert (ended.value.code, fuzzed) == (2, [])
    assert capsys.readouterr().err == f"python -m fuzz.run: {said}\n"


def test_without_atheris_it_says_what_installs_it(monkeypatch, capsys):
    def missing(name):
        raise run.PackageNotFoundError(name)

    monkeypatch.setattr(run, "version", missing)
    with pytest.raises(SystemExit, match="2"):
        run.main([])
    assert (
        capsys.readouterr().err == "python -m fuzz.run: atheris is not installed; `make fuzz` installs it\n"
    )


def test_the_driver_does_without_atheris():
    assert "atheris" not in sys.modules


def test_the_document_shows_the_recorded_run_of_every_harness():
    recorded = report.recorded()

    assert recorded.duration_seconds >= 600
    assert [each.harness for each in recorded.outcomes] == list(HARNESSES)
    assert report.failures(recorded) == []
    assert report.DOCUMENT.read_text() == report.document(recorded)
    changed = msgspec.structs.replace(recorded, cores=recorded.cores + 1)
    assert report.DOCUMENT.read_text() != report.document(changed)
