"""Judging a recording again, and comparing what is found with what was found when it was recorded."""

from collections import deque
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.updates import Update, UpdateDecoder, UpdateError, decode_update
from watchdog.core.recording.lines import (
    Found,
    Header,
    Received,
    Replaced,
    Rotated,
    Standing,
    Subscribed,
    encode,
)
from watchdog.core.recording.reader import Recording, RecordingError

NOTHING = "nothing"


class Difference(Struct, frozen=True):
    """Where a replay and its recording part: the line, what stands there, what was found now."""

    line: int
    recorded: str
    replayed: str


class _Invocation(Struct):
    arguments: msgspec.Raw


_decode_invocation = msgspec.json.Decoder(_Invocation).decode


class Replay:
    """One recording, given to a monitor line by line.

    With other check settings than the recorded ones nothing is compared.
    """

    def __init__(self, recording: Recording, checks: CheckSettings | None = None) -> None:
        self.header: Header = recording.header
        self.monitor: Monitor = self.header.monitor(checks or self.header.checks)
        self.compared = checks is None
        self.complete = False
        """Whether the recording has come to its own end."""
        self.at = self.header.at
        """The latest time that was told."""
        self._recording = recording
        self._decoder = UpdateDecoder()
        # What has been found now, and not been compared yet.
        self._found: deque[bytes] = deque()
        self._number = 1

    def run(self) -> Iterator[Finding | Difference]:
        """What is found now and each difference, in the order of the recording.

        Raises:
            RecordingError: a line is none.

        """
        for number, line in self._recording.lines():
            if self.complete:
                raise RecordingError(number, "expected nothing after the last standing")
            if isinstance(line, Found):
                yield from self._compare(number, line)
                continue
            yield from self._missing()
            self._number = number
            if isinstance(line, Standing):
                self.complete = line.last
                yield from self._compare_standing(number, line)
                continue
            if isinstance(line, Received):
                found = self._receive(number, line)
            else:
                if isinstance(line, Subscribed | Rotated | Replaced):
                    # On another connection no update's games are known yet.
                    self._decoder = UpdateDecoder()
                found = line.tell(self.monitor)
            self.at = max(self.at, getattr(line, "until", getattr(line, "at", self.at)))
            yield from found
            if self.compared:
                self._found.extend(encode(Found.of(finding)) for finding in found)

    def _receive(self, number: int, line: Received) -> list[Finding]:
        try:
            update = self._decode(line.record)
        except UpdateError as error:
            raise RecordingError(number, f"no update in the record: {error}") from None
        return self.monitor.received(update, Arrival(line.at, line.wall, line.exact), line.size_bytes)

    def _decode(self, record: str) -> Update:
        """The update in a record, by the short way or the long one, as on a connection."""
        try:
            return self._decoder.decode(record)
        except (ValueError, RecursionError):
            try:
                arguments = _decode_invocation(record).arguments
            except (ValueError, RecursionError):
                raise UpdateError("json", "no invocation") from None
            return decode_update(arguments)

    def _compare(self, number: int, line: Found) -> Iterator[Difference]:
        if not self.compared:
            return
        recorded = encode(line)
        replayed = self._found.popleft() if self._found else b""
        if recorded != replayed:
            yield Difference(number, recorded.decode(), replayed.decode() or NOTHING)

    def _missing(self) -> Iterator[Difference]:
        """What was found now by the line told last, and does not stand after it."""
        for replayed in self._found:
            yield Difference(self._number, NOTHING, replayed.decode())
        self._found.clear()

    def _compare_standing(self, number: int, line: Standing) -> Iterator[Difference]:
        if self.compared:
            replayed = Standing.of(self.monitor, line.at, last=line.last)
            if replayed != line:
                yield Difference(number, encode(line).decode(), encode(replayed).decode())
