"""The lines of a recording, `betcore-recording/1`: JSON, one object a line.

The first is the header. Each further one is something that the monitor was told, named as the monitor names
it, and after it a line for everything that the monitor found by that. All times are seconds of the monotonic
clock of the watchdog that recorded; `wall` is UNIX seconds. Nothing of a token or an address stands in it.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.connections import Ending
from watchdog.core.findings import Finding, Level
from watchdog.core.ledger import State
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason
from watchdog.core.snapshot import RotationOutcome

FORMAT: Literal["betcore-recording/1"] = "betcore-recording/1"

Seconds = Annotated[float, Meta(ge=-1e12, le=1e12)]
"""A time: far beyond any that a clock shows, and near enough for sums of it to be exact."""

Size = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Header(Struct, frozen=True, kw_only=True):
    """Who was watched and by which settings; the watch began `at`, which was `wall` by the wall clock.

    `version` is the watchdog's.
    """

    format: Literal["betcore-recording/1"] = FORMAT
    version: str
    feed: str
    game_type: int
    game: str
    at: Seconds
    wall: Seconds
    checks: CheckSettings

    def monitor(self, checks: CheckSettings) -> Monitor:
        """A monitor at the beginning of the recording that judges by `checks`."""
        return Monitor(self.feed, self.game_type, self.game, checks, self.at)


class _Line(Struct, frozen=True, tag_field="line", gc=False):
    """A line after the header; `line` says which one."""


class Connecting(_Line, frozen=True, tag="connecting"):
    """An attempt to connect began."""

    at: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.connecting(self.at)


class NoToken(_Line, frozen=True, tag="no_token"):
    """There was no token to connect with."""

    at: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.no_token(self.at)


class Subscribed(_Line, frozen=True, tag="subscribed"):
    """The subscription was sent."""

    at: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.subscribed(self.at)


class Lost(_Line, frozen=True, tag="lost"):
    """An attempt failed, or the connection ended."""

    at: Seconds
    reason: DisconnectReason
    detail: str = ""

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.lost(self.reason, self.at, self.detail)


class Rotated(_Line, frozen=True, tag="rotated"):
    """Another connection took over without an interruption."""

    at: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.rotated(self.at)


class StandbyEnded(_Line, frozen=True, tag="standby_ended"):
    """A connection beside the present one failed or ended."""

    at: Seconds
    event: Ending
    reason: DisconnectReason
    detail: str = ""

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.standby_ended(self.event, self.reason, self.at, self.detail)


class Replaced(_Line, frozen=True, tag="replaced"):
    """The connection ended, and another one went on."""

    at: Seconds
    reason: DisconnectReason
    detail: str = ""

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.replaced(self.reason, self.at, self.detail)


class Overlapped(_Line, frozen=True, tag="overlapped"):
    """An update came over a connection that was not listened to: the monitor only counts it."""

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        monitor.overlapped()
        return []


class Repeated(_Line, frozen=True, tag="repeated"):
    """An update came that the connection before had delivered."""

    at: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.repeated(self.at)


class Authorized(_Line, frozen=True, tag="authorized"):
    """The feed's token is good, or it is missing, expired or rejected."""

    at: Seconds
    ok: bool

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.authorized(self.at, ok=self.ok)


class InvalidMessage(_Line, frozen=True, tag="invalid"):
    """A message came that was no valid update."""

    at: Seconds
    wall: Seconds
    reason: InvalidReason
    detail: str = ""
    exact: bool = True

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.invalid(self.reason, self.at, self.wall, self.detail, exact=self.exact)


class Received(_Line, frozen=True, tag="received"):
    """An update came: `record` as the hub wrote it, and when it arrived.

    `size_bytes` is what the record had when it came; it has less here where something was left out.
    """

    at: Seconds
    wall: Seconds
    exact: bool
    size_bytes: Size
    record: str


class Stalled(_Line, frozen=True, tag="stalled"):
    """The watchdog's own loop stood still."""

    at: Seconds
    until: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.stalled(self.at, self.until)


class Advanced(_Line, frozen=True, tag="advanced"):
    """What fell due was judged."""

    at: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        return monitor.advance(self.at)


class LookedAt(_Line, frozen=True, tag="looked_at"):
    """A reader took a snapshot, after which the time up to then stays booked."""

    at: Seconds

    def tell(self, monitor: Monitor) -> list[Finding]:
        """Tell a monitor of it."""
        monitor.snapshot(self.at, 0.0)
        return []


class Found(_Line, frozen=True, tag="found"):
    """What the monitor found by what the lines before told it."""

    event: str
    level: Level
    at: Seconds | None
    detail: dict[str, Any]

    @classmethod
    def of(cls, finding: Finding) -> "Found":
        """The line of a finding."""
        return cls(finding.event, finding.level, finding.at, finding.detail)


class Standing(_Line, frozen=True, kw_only=True, tag="standing"):
    """How the game stood at an instant, as it was read; `last` says that the recording ends with it."""

    at: Seconds
    state: State
    seconds: dict[State, float]
    messages: int
    received_bytes: int
    missed: int
    anomalies: dict[str, int]
    maintenance_anomalies: dict[str, int]
    invalid: dict[InvalidReason, int]
    attempts: int
    disconnects: dict[DisconnectReason, int]
    rotations: dict[RotationOutcome, int]
    overlapped: int
    last: bool = False

    @classmethod
    def of(cls, monitor: Monitor, at: float, *, last: bool = False) -> "Standing":
        """How the game stands by its monitor; kinds that did not occur are left out."""
        game = monitor.snapshot(at, 0.0)
        return cls(
            at=at,
            state=game.state,
            seconds={state: spent for state, spent in game.state_seconds.items() if spent},
            messages=game.messages,
            received_bytes=game.received_bytes,
            missed=game.sequence_missed,
            anomalies={".".join(kind): count for kind, count in game.anomalies.items() if count},
            maintenance_anomalies={kind: n for kind, n in game.maintenance_anomalies.items() if n},
            invalid={reason: count for reason, count in game.invalid_messages.items() if count},
            attempts=game.connection_attempts,
            disconnects={reason: count for reason, count in game.disconnects.items() if count},
            rotations={outcome: count for outcome, count in game.rotations.items() if count},
            overlapped=game.overlap_messages,
            last=last,
        )


Simple = (
    Connecting
    | NoToken
    | Subscribed
    | Lost
    | Rotated
    | StandbyEnded
    | Replaced
    | Overlapped
    | Repeated
    | Authorized
    | InvalidMessage
    | Stalled
    | Advanced
    | LookedAt
)
Line = Simple | Received | Found | Standing

encode = msgspec.json.Encoder().encode
decode_header = msgspec.json.Decoder(Header).decode
decode_line = msgspec.json.Decoder(Line).decode
