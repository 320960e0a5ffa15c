"""What the reader takes for a recording, and what it refuses."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.recordings import outage
from watchdog.core.recording import reader
from watchdog.core.recording.reader import Recording, RecordingError

TEXT = outage().finish()
HEADER = TEXT[: TEXT.index(b"\n") + 1]


def read(*pieces: bytes) -> list[int]:
    return [number for number, _ in Recording(pieces).lines()]


@given(st.lists(st.integers(0, len(TEXT)), max_size=20))
def test_the_portions_in_which_it_comes_make_no_difference(cuts):
    edges = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[begin:end] for begin, end in pairwise(edges)]

    assert list(Recording(pieces).lines()) == list(Recording([TEXT]).lines())


def test_it_says_whether_something_was_cut_off():
    whole, half = Recording([TEXT]), Recording([TEXT[:-1]])
    lines = [len(list(each.lines())) for each in (whole, half)]

    assert (whole.cut_off, half.cut_off) == (False, True)
    assert lines[0] == lines[1] + 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "line 1: expected the header of betcore-recording/1"),
        (HEADER[:-1], "line 1: expected the header"),
        (b"\n", "line 1: expected the header"),
        (b"\x1f\x8b\x08\n", "line 1: expected the header of betcore-recording/1: "),
        (b"null\n", "line 1: expected the header"),
        (HEADER.replace(b"recording/1", b"recording/2"), r"line 1: .*format"),
        (HEADER.replace(b'"at":0.0', b'"at":1e300'), r"line 1: .*\$.at"),
        (HEADER.replace(b'"interval_seconds":0.5', b'"interval_seconds":-1'), r"line 1: .*interval_seconds"),
        (b"[" * 100_000 + b"\n", "line 1: expected the header"),
        (HEADER + b"\n", "line 2: no line of a recording"),
        (HEADER + b"{}\n", "line 2: no line of a recording: .*line"),
        (HEADER + b'{"line":"wished","at":1}\n', "line 2: no line of a recording: .*wished"),
        (HEADER + b'{"line":"subscribed"}\n', "line 2: .*at"),
        (HEADER + b'{"line":"subscribed","at":1e13}\n', "line 2: .*at"),
        (HEADER + b'{"line":"lost","at":1,"reason":"mood"}\n', "line 2: .*reason"),
        (HEADER + b'{"line":"found","detail":' + b"[" * 100_000 + b"\n", "line 2: no line of a recording"),
        (HEADER + b"\xff\xfe\n", "line 2: no line of a recording"),
    ],
)
def test_what_is_no_recording_is_refused_with_line_and_reason(text, words):
    with pytest.raises(RecordingError, match=f"^{words}"):
        read(text)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_without_an_end_is_not_waited_for(monkeypatch, end):
    monkeypatch.setattr(reader, "MAX_LINE_BYTES", len(HEADER))
    pieces = iter([HEADER, *[b"x" * 100] * 100, end])

    with pytest.raises(RecordingError, match=r"^line 2: expected at most"):
        read(*pieces)


def test_a_long_line_in_one_piece_is_refused_too(monkeypatch):
    monkeypatch.setattr(reader, "MAX_LINE_BYTES", len(HEADER))

    with pytest.raises(RecordingError, match=r"^line 2: expected at most"):
        read(HEADER + b"x" * (len(HEADER) + 1) + b"\n")


def test_the_number_of_lines_has_a_bound(monkeypatch):
    monkeypatch.setattr(reader, "MAX_LINES", 5)

    with pytest.raises(RecordingError, match=r"^line 6: expected at most 5 lines"):
        read(TEXT)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    for text in (data, HEADER + data):
        with suppress(RecordingError):
            read(text)
