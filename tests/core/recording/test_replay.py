"""A recording that is judged again gives what was found; whatever was changed in it shows."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_monitor_properties import NASTY, OTHERS, Step, happen
from tests.support.builders import TICK, update
from tests.support.recordings import RecordedWatch, outage, record_of
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.reasons import DISCONNECT_REASONS
from watchdog.core.recording.lines import encode
from watchdog.core.recording.reader import Recording, RecordingError
from watchdog.core.recording.recorder import RecordedMonitor
from watchdog.core.recording.replay import NOTHING, Difference, Replay


def replay(
    text: bytes, checks: CheckSettings | None = None
) -> tuple[Replay, list[Finding], list[Difference]]:
    run = Replay(Recording([text]), checks)
    out = list(run.run())
    found = [each for each in out if isinstance(each, Finding)]
    return run, found, [each for each in out if isinstance(each, Difference)]


def differences(text: bytes) -> list[Difference]:
    return replay(text)[2]


MORE = st.sampled_from(
    ["rotated", "standby_ended", "replaced", "overlapped", "repeated", "looked", "stood", "invalid_inexact"]
)


def told(watch: RecordedWatch, step: Step) -> list[Finding]:
    """Let any step happen, also those that only two connections make happen."""
    monitor, at = watch.recorder, watch.at
    reason = DISCONNECT_REASONS[step.wait % len(DISCONNECT_REASONS)]
    found: list[Finding] = []
    match step.action:
        case "rotated" | "repeated":
            found = list(getattr(monitor, step.action)(at))
        case "replaced":
            found = monitor.replaced(reason, at, "another one delivers")
        case "standby_ended":
            found = monitor.standby_ended("connection.failed", reason, at, "")
        case "inexact":
            found = watch.receive(exact=False, **step.changes)
        case "invalid_inexact":
            found = monitor.invalid("json", at, 0.0, "malformed", exact=False)
        case "overlapped":
            monitor.overlapped()
        case "looked":
            monitor.snapshot(at + step.lasts * TICK, 0.0)
        case "stood":
            monitor.stand(at)
        case "advanced":
            found = monitor.advance(at)
        case _:
            found = happen(watch, step)
    return found


STEPS = st.lists(
    st.tuples(
        st.floats(0, 1e3) | st.sampled_from([0.0, 0.5, 0.75, 2.0, 1e-9]),
        # An arrival may be stamped before what became known earlier.
        st.sampled_from([0.0, 0.0, -0.3]) | st.floats(-5, 5),
        st.builds(Step, st.integers(0, 20), OTHERS | st.just("advanced"))
        | st.builds(Step, st.integers(0, 20), MORE, st.just({}), st.integers(0, 120))
        | st.builds(Step, st.just(0), st.sampled_from(["received", "inexact"]), NASTY)
        | st.builds(Step, st.just(0), st.just("stalled"), st.none() | NASTY, st.integers(1, 120)),
    ),
    max_size=30,
)


@settings(max_examples=300)
@given(STEPS)
def test_record_replay_and_compare_is_the_identity(chosen):
    watch = RecordedWatch(maintenance_hold_seconds=6.0)
    found = []
    latest = 0.0
    for wait, off, step in chosen:
        latest += wait
        watch.at = latest + off
        found += told(watch, step)
        latest = max(latest, watch.at)
    watch.at = latest
    text = watch.finish()

    run, again, parted = replay(text)

    assert parted == []
    assert run.complete
    assert again == found
    assert run.monitor.snapshot(run.at, 0.0) == watch.recorder.snapshot(run.at, 0.0)


def test_whatever_a_monitor_can_be_told_is_written_down():
    reads = {"state", "sequence_id", "update_due_at", "clock_offset_seconds"}
    told = {name for name in vars(Monitor) if not name.startswith("_")} - reads

    assert told <= set(vars(RecordedMonitor))


def test_the_outage_of_the_tests_has_findings_of_every_sort():
    _, found, parted = replay(outage().finish())

    assert parted == []
    assert {"sequence.gap", "connection.lost", "feed.state_changed"} <= {each.event for each in found}


def changed(change: str) -> Iterator[bytes]:
    """The outage, changed by hand in one way, at each place where that can be done."""
    lines = outage().finish().splitlines(keepends=True)
    for number, line in enumerate(lines[1:], 1):
        document = json.loads(line)
        kind = document["line"]
        if change == "drop" and kind not in ("advanced", "looked_at"):
            if not document.get("last"):
                yield b"".join(lines[:number] + lines[number + 1 :])
        elif change == "move" and kind in ("received", "lost", "subscribed", "found"):
            document["at"] += 0.01
            yield b"".join([*lines[:number], json.dumps(document).encode() + b"\n", *lines[number + 1 :]])
        elif change == "seconds" and kind == "standing":
            document["seconds"]["fresh"] += 1e-6
            yield b"".join([*lines[:number], json.dumps(document).encode() + b"\n", *lines[number + 1 :]])
        elif change == "double" and kind in ("received", "found", "lost"):
            yield b"".join(lines[: number + 1] + lines[number:])


@pytest.mark.parametrize("change", ["drop", "seconds", "double"])
def test_what_is_changed_by_hand_is_found(change):
    texts = list(changed(change))

    assert texts
    # Without the first attempt, or with two updates of one id, there is something else to find at once.
    assert [text for text in texts if not differences(text)] == []


def test_a_moved_time_is_found_where_anything_follows_from_it():
    texts = list(changed("move"))

    assert len([text for text in texts if differences(text)]) >= 9


def test_a_difference_names_the_line_and_both_sides():
    lines = outage().finish().splitlines(keepends=True)
    (number,) = [n for n, line in enumerate(lines) if b'"event":"sequence.gap"' in line]
    lines[number] = lines[number].replace(b'"missed":9', b'"missed":8')

    (difference,) = differences(b"".join(lines))

    assert difference.line == number + 1
    assert '"missed":8' in difference.recorded
    assert '"missed":9' in difference.replayed


def test_a_finding_too_many_and_one_too_few_differ_from_nothing():
    lines = outage().finish().splitlines(keepends=True)
    (number,) = [n for n, line in enumerate(lines) if b'"event":"sequence.gap"' in line]

    (too_many,) = differences(b"".join(lines[: number + 1] + lines[number:]))
    (too_few,) = differences(b"".join(lines[:number] + lines[number + 1 :]))

    assert (too_many.line, too_many.replayed) == (number + 2, NOTHING)
    assert (too_few.line, too_few.recorded) == (number, NOTHING)


def test_half_a_recording_is_judged_up_to_its_last_whole_line():
    text = outage().finish()
    for length in range(text.index(b"\n") + 1, len(text), 97):
        run, _, parted = replay(text[:length])
        assert parted == []
        assert not run.complete


def test_other_settings_find_something_else_and_compare_nothing():
    text = outage().finish()

    run, found, parted = replay(text, CheckSettings(tolerance_seconds=5.0))

    assert parted == []
    assert not run.compared
    assert "silent" not in [each.detail.get("new") for each in found]


def test_an_update_that_takes_the_long_way_is_judged_again():
    watch = RecordedWatch().subscribe(0.0)
    assert isinstance(watch, RecordedWatch)
    record = record_of(update(sequence_id=1)).replace("Whole", "whole")
    watch.receive(0.5, sequence_id=1)
    line = json.loads(watch.lines[-1])
    watch.lines[-1] = encode(line | {"record": record}) + b"\n"

    assert differences(watch.finish()) == []


@pytest.mark.parametrize(
    ("record", "words"),
    [("", "no invocation"), ("{}", "no invocation"), ('{"arguments":[]}', "no update in the record")],
)
def test_a_record_that_is_no_update_is_refused_with_its_line(record, words):
    watch = RecordedWatch()
    watch.receive(0.5)
    line = json.loads(watch.lines[-1])
    watch.lines[-1] = encode(line | {"record": record}) + b"\n"

    with pytest.raises(RecordingError, match=f"^line 2: .*{words}"):
        replay(watch.text())


def test_nothing_may_follow_the_end():
    watch = outage()
    watch.finish()
    watch.recorder.advance(21.0)

    with pytest.raises(RecordingError, match="expected nothing after the last standing"):
        replay(watch.text())
