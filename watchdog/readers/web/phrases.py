"""What the status page says in words: the verdict, the reasons, the anomalies, and times and shares."""

from collections.abc import Sequence

from watchdog.core.causes import cause
from watchdog.core.ledger import State
from watchdog.core.snapshot import GameSnapshot, Snapshot, TokenSnapshot

_NO_TROUBLE: tuple[State, ...] = ("fresh", "maintenance")
_NAMED_GAMES = 3
_IN_TENTHS_BELOW = 10
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def verdict(games: Sequence[GameSnapshot]) -> str:
    """The whole watch in one sentence; `games` stand worst first."""
    if not games:
        return "No games are configured"
    trouble = [game for game in games if game.state not in _NO_TROUBLE]
    maintained = sum(game.state == "maintenance" for game in games)
    if trouble and not any(game.tried for game in trouble):
        return f"Starting: {_of(len(trouble), games)} not tried yet"
    aside = f"; {maintained} in maintenance" if maintained else ""
    if not trouble:
        return f"{len(games) - maintained} of {len(games)} games fresh{aside}" if aside else _all_fresh(games)
    named = ", ".join(f"{game.game} {game.state}" for game in trouble[:_NAMED_GAMES])
    if len(trouble) > _NAMED_GAMES:
        named += f" and {len(trouble) - _NAMED_GAMES} more"
    return f"{_of(len(trouble), games)} in trouble: {named}{aside}"


def why(game: GameSnapshot) -> str:
    """Why the game is in its state, in a few words; empty while it is fresh."""
    if game.state == "unobserved" and not game.tried:
        return "not tried yet"
    last = (game.last_disconnect,) if game.last_disconnect is not None else ()
    return cause(game.state, {"frozen": game.frozen_because, "disconnected": last}.get(game.state, ()))


def runway(token: TokenSnapshot, left_seconds: float | None) -> str:
    """Whether a feed's token is good, and for how long."""
    if token.valid and left_seconds is not None and left_seconds <= 0:
        words = f"valid: the hub accepts it, though by our clock it expired {span(-left_seconds)} ago"
    elif token.valid:
        words = "valid, without expiry" if left_seconds is None else f"valid for {span(left_seconds)}"
    elif left_seconds is not None and left_seconds <= 0:
        words = f"expired {span(-left_seconds)} ago"
    else:
        words = "missing or rejected"
    failed = token.refreshes.get("failed", 0)
    return f"{words}, refreshes failed: {failed}" if failed else words


def notes(snapshot: Snapshot) -> tuple[str, ...]:
    """What people should know of the watchdog itself."""
    found = []
    if not snapshot.reload_successful:
        found.append("The last reload of the configuration failed; the one before it still holds.")
    if snapshot.history is not None and snapshot.history.error is not None:
        found.append("The history can't be written; what happens meanwhile waits in memory.")
    return tuple(found)


def span(seconds: float) -> str:
    """A time span in its two largest units: `0.3 s`, `48 s`, `3 min 12 s`, `3 h 12 min`, `2 d 3 h`."""
    if seconds < _IN_TENTHS_BELOW:
        return f"{max(seconds, 0.0):.1f} s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def clock(moment: str | None, now: str | None) -> str:
    """The time of day of an ISO moment; with month and day if it isn't today's."""
    if moment is None:
        return "-"
    day, _, time = moment.partition("T")
    today = now is not None and now.startswith(day)
    return time[:8] if today else f"{day[5:]} {time[:8]}"


def percent(share: float | None) -> str:
    """A share from 0 to 1, rounded down, so that only what is whole says 100."""
    return "-" if share is None else f"{int(share * 10_000) / 100:.2f} %"


def _of(count: int, games: Sequence[GameSnapshot]) -> str:
    return f"{count} of {len(games)} games"


def _all_fresh(games: Sequence[GameSnapshot]) -> str:
    return f"All {len(games)} games fresh" if len(games) > 1 else f"{games[0].game} is fresh"
