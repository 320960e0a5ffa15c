"""The demo's rolling programme: every fault on some game within two minutes, then all over again."""

from watchdog.simulator.requests import FaultRequest
from watchdog.simulator.settings import SimulatorSettings

PERIOD_SECONDS = 120.0
"""After this long the programme starts over."""

DEMO_ROUND_SCALE = 0.5
"""Short rounds, so that a fault that needs a certain moment of a round finds it soon."""

# Game 1 has no fault of its own: there is always one healthy row for contrast. No other game has to come
# back while tokens are rejected, and there is time to come back before the port is closed.
_PROGRAMME: tuple[tuple[float, int | None, str], ...] = (
    (3, 2, "frozen_timer"),
    (3, 4, "gap"),
    (5, 3, "maintenance"),
    (6, 6, "invalid_json"),
    (8, 7, "duplicate"),
    (10, 5, "lingering_timer"),
    (12, 8, "silence"),
    (14, 4, "regression"),
    (20, 3, "expired_timer"),
    (20, 6, "late"),
    (22, 7, "jumped_timer"),
    (24, 2, "changed_result"),
    (26, 8, "frozen_timestamp"),
    (30, 5, "regressed_timestamp"),
    (30, 4, "overdue_round"),
    (32, 6, "schema_break"),
    (36, 2, "negative_timer"),
    (40, 7, "rewound_timer"),
    (44, 8, "skipped_round"),
    (46, 6, "wrong_game_type"),
    (50, 5, "regressed_round"),
    (52, 4, "rejected_token"),
    (56, 3, "wrong_protocol"),
    (64, 7, "server_close"),
    (68, 8, "oversize"),
    (72, 6, "reset"),
    (76, 2, "dropped_connection"),
    (94, None, "refused_connection"),
)


def demo_programme() -> tuple[FaultRequest, ...]:
    """The faults of the demo, for the eight game types of the studio."""
    return tuple(
        FaultRequest(name, game, after_seconds=after, every_seconds=PERIOD_SECONDS)
        for after, game, name in _PROGRAMME
    )


def demo_settings(host: str = "127.0.0.1", port: int = 0) -> SimulatorSettings:
    """The simulator as the demo runs it: all games, short rounds, the rolling programme."""
    return SimulatorSettings(host, port, faults=demo_programme(), round_scale=DEMO_ROUND_SCALE)
