"""How the simulator is set up, and where it answers."""

from dataclasses import dataclass, field

from watchdog.simulator.games import GAMES
from watchdog.simulator.requests import FaultRequest


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How the simulator plays; `port` 0 takes a free one.

    `interval_seconds` lies between two updates of a game. `round_scale` stretches the rounds (0.5 is
    right for a demo), `rejected_tokens` are always answered with 401. `epoch_seconds` is the UNIX time
    of the start; None takes this machine's clock.
    """

    host: str = "127.0.0.1"
    port: int = 0
    path: str = "/hubs"
    games: tuple[int, ...] = tuple(GAMES)
    faults: tuple[FaultRequest, ...] = ()
    interval_seconds: float = 0.5
    token_lifetime_seconds: float = 3600.0
    seed: int = 1
    round_scale: float = 1.0
    rejected_tokens: frozenset[str] = field(default=frozenset(), repr=False)
    epoch_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a simulator listens; `host` and `port` are those bound, the URLs can be connected to."""

    host: str
    port: int
    path: str

    @property
    def ws_url(self) -> str:
        """The hub, as clients that skip the negotiation connect to it."""
        return f"ws://{self._authority}{self.path}"

    @property
    def http_url(self) -> str:
        """The root of the HTTP endpoints, without a slash at the end."""
        return f"http://{self._authority}"

    @property
    def _authority(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 (compared, not bound)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
