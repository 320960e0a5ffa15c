"""Faults of the connections, and of the port they come through."""

# ruff: noqa: D102 (the hooks are documented by Fault)

from dataclasses import dataclass

from watchdog.simulator.faults.base import Fault
from watchdog.simulator.scene import Farewell, Scene
from watchdog.simulator.update import record


@dataclass(slots=True)
class DroppedConnection(Fault):
    """A socket that breaks without a goodbye."""

    name = "dropped_connection"

    def begin(self, scene: Scene) -> None:
        scene.farewell = Farewell()


@dataclass(slots=True)
class ServerClose(Fault):
    """A hub that closes in order; `allow_reconnect` is what it says about coming back."""

    name = "server_close"
    allow_reconnect: bool = True

    def begin(self, scene: Scene) -> None:
        scene.farewell = Farewell(
            record(
                {
                    "type": 7,
                    "error": "Connection closed with an error.",
                    "allowReconnect": self.allow_reconnect,
                }
            )
        )


@dataclass(slots=True)
class RejectedToken(Fault):
    """A hub that closes as it does when a token expires, and then answers every new connection with 401."""

    name = "rejected_token"
    duration_seconds = 6.0
    rejects_tokens = True

    def begin(self, scene: Scene) -> None:
        scene.farewell = Farewell(record({"type": 7, "allowReconnect": True}))


@dataclass(slots=True)
class RefusedConnection(Fault):
    """A port on which nothing listens any more, and every connection broken."""

    name = "refused_connection"
    duration_seconds = 5.0
    feed_wide = True
