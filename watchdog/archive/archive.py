"""What a running watchdog remembers: incidents as they go on, and the history in its file."""

import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import structlog
import trio

from watchdog.archive.journal import Journal
from watchdog.archive.resume import trackers
from watchdog.archive.schema import Row
from watchdog.archive.utc import microseconds
from watchdog.archive.writer import Writer
from watchdog.core.findings import Finding
from watchdog.core.history import SECOND, GameKey, Run
from watchdog.core.incidents import IncidentEvent, IncidentTracker
from watchdog.core.monitor import Monitor
from watchdog.core.snapshot import GameSnapshot, HistorySnapshot
from watchdog.runtime.clock import Clock

BEAT_SECONDS = 3.5
"""How often a sign of life and the counts of the hour are written: a crash loses this and a commit."""

STOP_SECONDS = 5.0
"""How long the end of the process waits for the last commit."""

CHUNK_GAMES = 10
"""After how many games the other tasks have their turn: a tenth of a millisecond."""


class Archive:
    """Remembers what the monitors find. Without a file it only knows the incidents that go on."""

    def __init__(
        self,
        clock: Clock,
        monitors: Callable[[], Iterable[Monitor]],
        on_incident: Callable[[Monitor, IncidentEvent], None],
        *,
        version: str,
        config_hash: str,
        file: Path | None = None,
        keep_days: float = 400.0,
    ) -> None:
        self._clock = clock
        self._monitors = monitors
        self._log = structlog.get_logger()
        now, wall = clock.instant()
        run = Run(
            id=uuid4().hex,
            instance="",
            version=version,
            host=socket.gethostname(),
            config_hash=config_hash,
            started=microseconds(wall),
            last_alive=microseconds(wall),
        )
        self._ended = run.started
        self._trackers: dict[GameKey, IncidentTracker] = {}
        self._writer: Writer | None = None
        self._error: str | None = None
        put: Callable[[Row], None] = _forget
        if file is not None:
            self._trackers = trackers(file, run.started)
            self._writer = Writer(file, keep_days, run)
            put = self._writer.put
        self._watched: dict[GameKey, Monitor] = {}
        self._on_incident = on_incident
        self._journal = Journal(run.id, now, wall, put=put, on_incident=self._incident)

    def start(self) -> None:
        """Begin to write the file; what can't be written waits."""
        if self._writer is not None:
            self._writer.start()

    def follow(self) -> None:
        """Take note of the games that are watched now, after a start or a reload."""
        now, wall = self._clock.instant()
        current = {GameKey(monitor.feed, monitor.game_type): monitor for monitor in self._monitors()}
        for key, monitor in list(self._watched.items()):
            if current.get(key) is not monitor:
                self._unwatch(monitor, now, wall)
        for key, monitor in current.items():
            game = monitor.snapshot(now, wall)
            if key in self._watched:
                self._journal.promise(game, now)
            else:
                self._watched[key] = monitor
                tracker = self._trackers.pop(key, None) or IncidentTracker(*key)
                if resumed := tracker.current(self._journal.utc(now)):
                    monitor.incidents.since = resumed.began / SECOND
                self._journal.watch(game, now, tracker)

    def report(self, monitor: Monitor, findings: Iterable[Finding]) -> None:
        """Remember what a monitor found; of a game that is not watched any more, nothing."""
        if self._watched.get(GameKey(monitor.feed, monitor.game_type)) is not monitor:
            return
        for finding in findings:
            if finding.detail.get("reason") == "shutdown" and finding.at is not None:
                # Games that a reload takes off are not watched any more, so this is the end of the run.
                # Hanging up is nobody's outage.
                self._end(finding.at)
                return
            self._journal.report(monitor.feed, monitor.game_type, finding)
        self._sign_of_life(self._clock.now())

    async def run(self) -> None:
        """Write signs of life and counts, and report the ends of incidents, until cancelled."""
        beat_at = self._clock.now()
        while True:
            now = self._clock.now()
            await trio.sleep(max(min(beat_at - now, self._journal.due_in_seconds(now)), 0.0))
            now, wall = self._clock.instant()
            self._look_at_clock(now, wall)
            self._journal.advance(now)
            if now >= beat_at or self._journal.hour_is_over(now):
                beat_at = now + BEAT_SECONDS
                await self._count()
            self._look_at_file()

    def close(self) -> None:
        """End the run: write what waits, and let go of the file."""
        if self._watched:
            self._end(self._clock.now())
        if self._writer is not None:
            self._writer.stop(self._ended, STOP_SECONDS)
            self._look_at_file()

    def snapshot(self) -> HistorySnapshot | None:
        """How the file does; None without one."""
        return None if self._writer is None else HistorySnapshot(self._writer.error, self._writer.dropped)

    def _incident(self, event: IncidentEvent) -> None:
        incident = event.incident
        monitor = self._watched[GameKey(incident.feed, incident.game_type)]
        if event.event == "incident.began":
            monitor.incidents.begin(incident.whose, incident.began / SECOND)
        else:
            monitor.incidents.since = None
        self._on_incident(monitor, event)

    def _end(self, at: float) -> None:
        """Watch no game any more: the run ends."""
        self._ended = self._journal.utc(at)
        for monitor in list(self._watched.values()):
            self._unwatch(monitor, at, self._clock.wall())

    def _unwatch(self, monitor: Monitor, at: float, wall: float) -> None:
        self._journal.unwatch(monitor.snapshot(at, wall), at)
        del self._watched[GameKey(monitor.feed, monitor.game_type)]

    async def _count(self) -> None:
        """Write what was counted in this hour, a few games at a time."""
        if self._writer is None:
            return
        for index, (key, monitor) in enumerate(list(self._watched.items())):
            if index % CHUNK_GAMES == 0:
                await trio.lowlevel.checkpoint()
            if self._watched.get(key) is monitor:
                now = self._clock.now()
                self._journal.count(monitor.snapshot(now, self._clock.wall()), now)
        self._sign_of_life(self._clock.now())

    def _sign_of_life(self, now: float) -> None:
        if self._writer is not None:
            self._writer.alive_at = self._journal.utc(now)

    def _look_at_clock(self, now: float, wall: float) -> None:
        def games() -> Iterator[GameSnapshot]:
            return (monitor.snapshot(now, wall) for monitor in self._watched.values())

        if by := self._journal.step(games, now, wall):
            self._log.warning("clock.stepped", by_seconds=by / SECOND)

    def _look_at_file(self) -> None:
        if self._writer is None:
            return
        self._writer.check()
        error, self._error = self._error, self._writer.error
        if self._error is not None and error is None:
            self._log.error("history.failed", error=self._error)
        elif self._error is None and error is not None:
            self._log.info("history.writes_again", rows_dropped=self._writer.dropped)


def _forget(row: Row) -> None:
    """Without a file, nothing outlives the process."""
