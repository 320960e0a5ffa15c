"""A monitor that also writes down what it is told and what it finds."""

import math
from collections.abc import Callable

from msgspec import Struct

from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.connections import Ending
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason
from watchdog.core.protocol.updates import Update
from watchdog.core.recording import lines
from watchdog.core.snapshot import GameSnapshot

Write = Callable[[Struct], None]
"""Takes the header, then one line after the other."""


class RecordedMonitor(Monitor):
    """Judges a game as any monitor does, and hands each line of a recording to `write`."""

    def __init__(
        self,
        feed: str,
        game_type: int,
        game: str,
        settings: CheckSettings,
        at: float,
        *,
        wall: float,
        version: str,
        write: Write,
    ) -> None:
        super().__init__(feed, game_type, game, settings, at)
        self._write = write
        # Up to when a reader has booked the time since the last line.
        self._looked_at = -math.inf
        # Of an update that turns out to be invalid the monitor tells itself.
        self._receiving = False
        write(
            lines.Header(
                version=version, feed=feed, game_type=game_type, game=game, at=at, wall=wall, checks=settings
            )
        )

    def connecting(self, at: float) -> list[Finding]:
        """An attempt to connect begins."""
        return self._told(lines.Connecting(at), super().connecting(at))

    def no_token(self, at: float) -> list[Finding]:
        """There is no token to connect with."""
        return self._told(lines.NoToken(at), super().no_token(at))

    def subscribed(self, at: float) -> list[Finding]:
        """The connection is open and the subscription sent."""
        return self._told(lines.Subscribed(at), super().subscribed(at))

    def lost(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """An attempt failed or the connection ended."""
        return self._told(lines.Lost(at, reason, detail), super().lost(reason, at, detail))

    def rotated(self, at: float) -> list[Finding]:
        """Another connection takes over."""
        return self._told(lines.Rotated(at), super().rotated(at))

    def standby_ended(self, event: Ending, reason: DisconnectReason, at: float, detail: str) -> list[Finding]:
        """A connection beside the present one failed or ended."""
        found = super().standby_ended(event, reason, at, detail)
        return self._told(lines.StandbyEnded(at, event, reason, detail), found)

    def replaced(self, reason: DisconnectReason, at: float, detail: str = "") -> list[Finding]:
        """The connection ended, and another one goes on."""
        return self._told(lines.Replaced(at, reason, detail), super().replaced(reason, at, detail))

    def overlapped(self) -> None:
        """Count an update of a connection that is not listened to."""
        super().overlapped()
        self._told(lines.Overlapped(), [])

    def repeated(self, at: float) -> list[Finding]:
        """Count an update that the connection before has delivered."""
        return self._told(lines.Repeated(at), super().repeated(at))

    def authorized(self, at: float, *, ok: bool) -> list[Finding]:
        """The feed's token is good, or it is missing, expired or rejected."""
        return self._told(lines.Authorized(at, ok), super().authorized(at, ok=ok))

    def invalid(
        self, reason: InvalidReason, at: float, wall: float, detail: str = "", *, exact: bool = True
    ) -> list[Finding]:
        """Count a message that is no valid update."""
        found = super().invalid(reason, at, wall, detail, exact=exact)
        if self._receiving:
            return found
        return self._told(lines.InvalidMessage(at, wall, reason, detail, exact), found)

    def received(self, update: Update, arrival: Arrival, size_bytes: int, record: str = "") -> list[Finding]:
        """Judge one update; `record` is what it was decoded from, without which it can't be judged again."""
        self._receiving = True
        try:
            found = super().received(update, arrival, size_bytes)
        finally:
            self._receiving = False
        line = lines.Received(arrival.at, arrival.wall, arrival.exact, size_bytes, record)
        return self._told(line, found)

    def stalled(self, since: float, until: float) -> list[Finding]:
        """Our own loop stood still."""
        return self._told(lines.Stalled(since, until), super().stalled(since, until))

    def advance(self, at: float) -> list[Finding]:
        """Judge what fell due."""
        return self._told(lines.Advanced(at), super().advance(at))

    def snapshot(self, at: float, wall: float) -> GameSnapshot:
        """All that is known at an instant."""
        self._looked_at = max(self._looked_at, at)
        return super().snapshot(at, wall)

    def stand(self, at: float, *, last: bool = False) -> None:
        """Write how the game stands, so that a replay can be compared with it; `last` ends the recording."""
        standing = lines.Standing.of(self, at, last=last)
        self._look()
        self._write(standing)

    def _told(self, line: lines.Simple | lines.Received, found: list[Finding]) -> list[Finding]:
        self._look()
        self._write(line)
        for finding in found:
            self._write(lines.Found.of(finding))
        return found

    def _look(self) -> None:
        """Note what readers have booked: it stays so, even if something becomes known that came before."""
        if self._looked_at > -math.inf:
            self._write(lines.LookedAt(self._looked_at))
            self._looked_at = -math.inf
