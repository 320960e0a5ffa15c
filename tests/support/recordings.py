"""Recordings for the tests: a watch whose monitor writes down what it is told."""

from typing import Any

import msgspec

from tests.support.builders import GAME_TYPE, Watch, wall
from watchdog.core.arrival import Arrival
from watchdog.core.findings import Finding
from watchdog.core.protocol.updates import UPDATE_TARGET, Update, UpdateDecoder
from watchdog.core.recording.lines import encode
from watchdog.core.recording.recorder import RecordedMonitor


def record_of(update: Update) -> str:
    """The record by which a hub would deliver an update."""
    document = {
        "sId": update.sequence_id,
        "tst": update.sent,
        "im": update.maintenance,
        "bt": update.betting_timer,
        "wgi": update.games,
    }
    return msgspec.json.encode({"type": 1, "target": UPDATE_TARGET, "arguments": [document]}).decode()


class _Witness(RecordedMonitor):
    """Is told of an update as a connection decodes it, and of its record."""

    def received(self, update: Update, arrival: Arrival, size_bytes: int, record: str = "") -> list[Finding]:
        record = record or record_of(update)
        return super().received(UpdateDecoder().decode(record), arrival, size_bytes, record)


class RecordedWatch(Watch):
    """A watch of which everything is written down."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.lines: list[bytes] = []
        self.recorder = _Witness(
            "betcore",
            GAME_TYPE,
            "Poker",
            self.settings,
            0.0,
            wall=wall(0.0),
            version="1.2.3",
            write=lambda line: self.lines.append(encode(line) + b"\n"),
        )
        self.monitor = self.recorder

    def text(self) -> bytes:
        return b"".join(self.lines)

    def finish(self) -> bytes:
        """The whole recording, with its end."""
        self.recorder.stand(self.at, last=True)
        return self.text()


def outage() -> RecordedWatch:
    """Ten good seconds, a gap, five silent seconds, a reconnect, and a good end."""
    watch = RecordedWatch()
    watch.subscribe(0.0)
    watch.keep_receiving(10.0)
    watch.receive(10.5, sequence_id=30)
    watch.advance(15.5)
    watch.lose(15.5)
    watch.subscribe(16.0)
    watch.receive(16.25)
    watch.keep_receiving(20.0)
    watch.advance(20.0)
    return watch
