"""`make fuzz`: that it fails where its document says so, and that the document is the recorded run's."""

from collections.abc import Callable

import pytest

from fuzz import report, run
from fuzz.harness import HARNESSES
from fuzz.limits import FIRST_LOOK, GrowthError, HangError, Limited
from fuzz.outcome import Failure, Outcome, outcome

CRASHED = """
 === Uncaught Python exception: ===
UnicodeError: label \x1b[2J is too long
Traceback (most recent call last):
artifact_prefix='build/fuzz/token-'; Test unit written to build/fuzz/token-crash-c53d2f1a
stat::number_of_executed_units: 2
"""


class Machine:
    """A clock, and memory, that move only as a harness moves them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.blocks = 0

    def limited(self, harness: Callable[[bytes], None]) -> Limited:
        return Limited(harness, 0.05, lambda _: None, lambda: self.seconds, lambda: self.blocks)


@pytest.mark.parametrize(("tries", "hangs"), [([0.051], True), ([9.0, 9.0, 9.0, 0.01], False)])
def test_an_input_that_takes_too_long_each_time_is_a_hang_but_not_by_chance(
    tries: list[float], hangs: bool
) -> None:
    machine = Machine()

    def harness(_: bytes) -> None:
        machine.seconds += tries.pop(0) if len(tries) > 1 else tries[0]

    if hangs:
        with pytest.raises(HangError, match="51 ms of CPU time for 3 bytes; at most 50 ms are allowed"):
            machine.limited(harness)(b"abc")
    else:
        machine.limited(harness)(b"abc")


def test_memory_that_grows_with_the_inputs_fails_once_the_first_have_warmed_it_up() -> None:
    machine = Machine()

    def harness(_: bytes) -> None:
        machine.blocks += 1

    limited = machine.limited(harness)
    for _ in range(4 * FIRST_LOOK - 1):
        limited(b"abc")
    with pytest.raises(GrowthError):
        limited(b"abc")


@pytest.mark.parametrize(
    ("output", "exit_code", "failure"),
    [
        (CRASHED, 77, Failure(r"UnicodeError: label \x1b[2J is too long", "build/fuzz/token-crash-c53d2f1a")),
        ("SUMMARY: libFuzzer: timeout\n", 70, Failure("timeout")),
        ("", 1, Failure("it ended with exit code 1")),
        ("", None, Failure("it did not end")),
        ("#1	DONE   cov: 98 ft: 145 corp: 25/861b", 0, None),
    ],
)
def test_a_crash_a_hang_and_an_end_without_a_word_are_failures(
    output: str, exit_code: int | None, failure: Failure | None
) -> None:
    assert outcome("token", output, exit_code, 1.0).failure == failure


def test_a_failure_is_said_after_all_harnesses_have_run_and_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fuzz(name: str, seconds: int) -> Outcome:
        return outcome(name, CRASHED, 77 if name == "update" else 0, float(seconds))

    monkeypatch.setattr(run, "version", lambda _: "3.0.0")
    monkeypatch.setattr(run, "fuzz", fuzz)

    assert run.main(["--duration", "33"]) == 1

    said = capsys.readouterr()
    assert said.err.startswith(
        r"update: UnicodeError: label \x1b[2J is too long; input: build/fuzz/token-crash"
    )
    assert all(f"| {name} |" in said.out for name in HARNESSES)


def test_the_document_shows_the_recorded_run_of_every_harness() -> None:
    recorded = report.recorded()

    assert recorded.duration_seconds >= 600
    assert [each.harness for each in recorded.outcomes] == list(HARNESSES)
    assert report.failures(recorded) == []
    assert report.DOCUMENT.read_text() == report.document(recorded)
