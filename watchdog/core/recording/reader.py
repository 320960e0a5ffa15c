"""From the bytes of a recording to its header and lines, or to the line that is none and why."""

from collections.abc import Iterable, Iterator

from watchdog.core.errors import OperatorError
from watchdog.core.protocol.records import fault_of
from watchdog.core.protocol.signalr import MAX_RECORD_CHARACTERS
from watchdog.core.recording.lines import FORMAT, Header, Line, decode_header, decode_line

MAX_LINE_BYTES = 6 * MAX_RECORD_CHARACTERS + 64 * 1024
"""The longest record, each of its characters escaped, and what stands around it."""

MAX_LINES = 20_000_000
"""More than ten weeks of updates."""


class RecordingError(OperatorError):
    """What was given is no recording; the text names the line and says why."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")


class Recording:
    """A recording as it is read: the header, then each line with its number.

    What was cut off in the middle of a line, by a crash or a copy, is read up to the last whole one.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """`pieces` are the bytes of the recording, in portions of any size.

        Raises:
            RecordingError: it does not begin with the header of a recording.

        """
        self.cut_off = False
        """Whether bytes without the end of a line were left, once all has been read."""
        self._whole_lines = enumerate(self._split(pieces), 1)
        _, first = next(self._whole_lines, (1, b""))
        if not first:
            raise RecordingError(1, f"expected the header of {FORMAT}, and a line end after it")
        try:
            self.header: Header = decode_header(first)
        except (ValueError, RecursionError) as error:
            detail = fault_of(first, error)[1]
            raise RecordingError(1, f"expected the header of {FORMAT}: {detail}") from None

    def lines(self) -> Iterator[tuple[int, Line]]:
        """The lines after the header.

        Raises:
            RecordingError: one is none.

        """
        for number, text in self._whole_lines:
            if number > MAX_LINES:
                raise RecordingError(number, f"expected at most {MAX_LINES} lines")
            try:
                line: Line = decode_line(text)
            except (ValueError, RecursionError) as error:
                raise RecordingError(number, f"no line of a recording: {fault_of(text, error)[1]}") from None
            yield number, line

    def _split(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        number, rest, length = 1, list[bytes](), 0
        for piece in pieces:
            *whole, last = piece.split(b"\n")
            for end in whole:
                if length + len(end) > MAX_LINE_BYTES:
                    raise RecordingError(number, f"expected at most {MAX_LINE_BYTES} bytes")
                yield b"".join((*rest, end))
                number, rest, length = number + 1, [], 0
            rest.append(last)
            length += len(last)
            if length > MAX_LINE_BYTES:
                raise RecordingError(number, f"expected at most {MAX_LINE_BYTES} bytes")
        self.cut_off = length > 0
