"""Made-up snapshots: eight games in all states, and the means to bend one game's record."""

from typing import Any

from msgspec.structs import replace

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.instruments import Distribution
from watchdog.core.ledger import STATES
from watchdog.core.monitor import Monitor
from watchdog.core.snapshot import GameSnapshot, HistorySnapshot, Recent, Snapshot, TokenSnapshot

NOW = 1_750_348_638.25
"""2025-06-19T15:57:18.250Z."""


def untouched(game_type: int = 3, game: str = "Poker", feed: str = "betcore") -> GameSnapshot:
    """A game of which nothing is known yet, as the monitor itself says it."""
    return Monitor(feed, game_type, game, CheckSettings(), at=0.0).snapshot(0.0, NOW)


def fresh(game_type: int = 3, game: str = "Poker", feed: str = "betcore", **changes: Any) -> GameSnapshot:
    """A game that has been watched for an hour without trouble."""
    known: dict[str, Any] = {
        "state": "fresh",
        "state_since": NOW - 3_600.0,
        "state_seconds": dict.fromkeys(STATES, 0.0) | {"fresh": 3_600.0, "unobserved": 0.5},
        "tried": True,
        "connected": True,
        "connection_attempts": 1,
        "messages": 7_200,
        "received_bytes": 18_000_000,
        "last_message_at": NOW - 0.25,
        "intervals": Distribution((0.5, 0.75, 1.0), (3_600, 3_590, 8, 1), 3_600.5),
        "latencies": Distribution((0.1, 1.0), (7_100, 90, 10), 90.0),
        "clock_offset_seconds": 0.004,
        "sequence_id": 8_975,
        "betting_timer_seconds": 12.5,
        "maintenance": False,
        "round_state": "active",
        "round_id": 30_000_603_282,
        "round_outcomes": {"finished": 40, "cancelled": 2},
    }
    return replace(untouched(game_type, game, feed), **(known | changes))


def frozen(game_type: int = 7, game: str = "Lucky 6") -> GameSnapshot:
    """Updates come, but the betting timer stands still; before that a gap."""
    blank = untouched()
    gap = Recent(NOW - 900.0, "sequence.gap", {"expected": 8_000, "got": 8_005, "missed": 5})
    stuck = Recent(NOW - 48.0, "betting_timer.frozen", {"seconds_left": 17.5, "longer_than_seconds": 3.0})
    return fresh(
        game_type,
        game,
        state="frozen",
        state_since=NOW - 48.0,
        state_seconds=dict.fromkeys(STATES, 0.0) | {"fresh": 3_552.0, "frozen": 48.0},
        frozen_because=("betting_timer.frozen",),
        betting_timer_seconds=17.5,
        betting_timer_stale=True,
        sequence_missed=5,
        anomalies=blank.anomalies | {("sequence", "gap"): 1, ("betting_timer", "frozen"): 1},
        recent_anomalies=(gap, stuck),
    )


def eight_games() -> tuple[GameSnapshot, ...]:
    """One game in each state, and a second fresh one; the fresh ones first, as nobody needs them."""
    blank = untouched()
    return (
        fresh(1, "Keno"),
        fresh(
            3,
            "Poker",
            round_state="awaiting",
            betting_timer_seconds=0.0,
            recent_anomalies=(Recent(NOW - 1_500.0, "sequence.reset", {"expected": 900, "got": 0}),),
        ),
        fresh(5, "Wheel", state="maintenance", state_since=NOW - 5_400.0, maintenance=True),
        untouched(8, "War of Bets"),
        replace(untouched(10, "Backgammon"), tried=True, state="unauthorized", state_since=NOW - 260.0),
        fresh(
            14,
            "Baccarat",
            state="disconnected",
            state_since=NOW - 12.5,
            connected=False,
            connection_attempts=6,
            last_disconnect="refused",
            disconnects=blank.disconnects | {"refused": 4, "closed": 1},
            betting_timer_seconds=None,
            last_message_at=NOW - 12.9,
        ),
        frozen(),
        fresh(
            23,
            "Andar Bahar",
            state="silent",
            state_since=NOW - 192.0,
            incidents=blank.incidents | {"provider": 1},
            incident_since=NOW - 192.0,
            last_message_at=NOW - 192.75,
            state_seconds=dict.fromkeys(STATES, 0.0) | {"fresh": 86_000.0, "silent": 192.0},
            recent_anomalies=(Recent(NOW - 200.0, "round.skipped", {"previous": 30_000_603_281}),),
        ),
    )


def token(**changes: Any) -> TokenSnapshot:
    """A token that is good for three hours more."""
    known: dict[str, Any] = {
        "feed": "betcore",
        "valid": True,
        "source": "url",
        "expires_at": NOW + 11_520.0,
        "renewed_at": NOW - 2_880.0,
        "renewal_due_at": NOW + 11_220.0,
        "refreshes": {"ok": 3, "failed": 0},
        "rejections": 0,
    }
    return TokenSnapshot(**(known | changes))


def snapshot(*games: GameSnapshot, **changes: Any) -> Snapshot:
    """The whole watch over these games."""
    known: dict[str, Any] = {
        "taken_at": NOW,
        "version": "0.1.0",
        "games": games,
        "tokens": (token(),),
        "loop_stall_seconds": 0.25,
        "log_lines_dropped": 0,
        "reload_successful": True,
        "reload_success_at": NOW - 3_600.0,
        "history": HistorySnapshot(None, 0),
    }
    return Snapshot(**(known | changes))
