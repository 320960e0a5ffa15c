"""One game's verdict as a monitoring plug-in gives it, for a person or a program."""

from collections.abc import Sequence
from enum import IntEnum

import msgspec
from msgspec import Struct

from watchdog.core.ledger import BLAME
from watchdog.core.protocol.reasons import DisconnectReason, InvalidReason
from watchdog.core.snapshot import GameSnapshot


class Verdict(IntEnum):
    """What a monitoring plug-in says; the value is its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_WORST_FIRST = (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.WARNING, Verdict.OK)


class GameVerdict(Struct, frozen=True, kw_only=True):
    """The verdict on one game and the numbers it rests on."""

    feed: str
    game_type: int
    game: str
    verdict: str
    reasons: list[str]
    state: str
    whose: str
    updates: int
    state_seconds: dict[str, float]
    mean_interval_seconds: float | None
    mean_latency_seconds: float | None
    anomalies: dict[str, int]
    invalid_messages: dict[str, int]
    disconnects: dict[str, int]


def judge(game: GameSnapshot) -> tuple[Verdict, list[str]]:
    """The verdict on one game, and why.

    Critical is what is broken now, a warning is what broke during the watch but has recovered.
    """
    if game.state == "unobserved":
        return Verdict.UNKNOWN, ["not yet tried to connect"]
    if game.state in ("silent", "frozen", "disconnected", "unauthorized"):
        return Verdict.CRITICAL, [_why_broken(game)]
    warnings = ["in maintenance"] if game.state == "maintenance" else []
    warnings += [
        f"{state} for {game.state_seconds[state]:.1f} s"
        for state in ("silent", "frozen")
        if game.state_seconds[state] > 0
    ]
    warnings += [f"{count} x {reason}" for reason, count in _counted(game.disconnects).items()]
    warnings += [f"{count} x invalid {reason}" for reason, count in _counted(game.invalid_messages).items()]
    warnings += [f"{count} x {kind}" for kind, count in _anomalies(game).items()]
    if not game.messages and not warnings:
        return Verdict.UNKNOWN, ["no update was due yet"]
    return (Verdict.WARNING, warnings) if warnings else (Verdict.OK, [])


def verdict_of(game: GameSnapshot) -> GameVerdict:
    """The verdict on one game with its numbers."""
    verdict, reasons = judge(game)
    return GameVerdict(
        feed=game.feed,
        game_type=game.game_type,
        game=game.game,
        verdict=verdict.name,
        reasons=reasons,
        state=game.state,
        whose=BLAME[game.state],
        updates=game.messages,
        state_seconds={state: round(seconds, 3) for state, seconds in game.state_seconds.items()},
        mean_interval_seconds=_mean(game.intervals.total, sum(game.intervals.counts)),
        mean_latency_seconds=_mean(game.latencies.total, sum(game.latencies.counts)),
        anomalies=_anomalies(game),
        invalid_messages=_counted(game.invalid_messages),
        disconnects=_counted(game.disconnects),
    )


def exit_code(verdicts: Sequence[GameVerdict]) -> int:
    """The worst verdict's exit code: critical before unknown before warning."""
    names = {verdict.verdict for verdict in verdicts}
    return next(verdict for verdict in _WORST_FIRST if verdict.name in names).value


def as_json(verdicts: Sequence[GameVerdict]) -> str:
    """The verdicts for a program."""
    overall = Verdict(exit_code(verdicts))
    document = {"verdict": overall.name, "exit_code": overall.value, "games": verdicts}
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def as_text(verdicts: Sequence[GameVerdict]) -> str:
    """The verdicts for a human: a line a game, the worst first."""
    order = [verdict.name for verdict in _WORST_FIRST]
    return "\n".join(_line(each) for each in sorted(verdicts, key=lambda each: order.index(each.verdict)))


def _line(game: GameVerdict) -> str:
    numbers = f"{game.updates} updates"
    if game.mean_interval_seconds is not None:
        numbers += f", every {game.mean_interval_seconds:.3f} s"
    if game.mean_latency_seconds is not None:
        numbers += f", latency {game.mean_latency_seconds * 1000:.0f} ms"
    why = f": {'; '.join(game.reasons)}" if game.reasons else ""
    name = game.game if game.game == str(game.game_type) else f"{game.game} ({game.game_type})"
    line = f"{game.verdict:<8} {game.feed} {name} {game.state}{why} [{numbers}]"
    # Nagios and Icinga read performance data behind a bar, and take a line for a whole.
    return "".join("/" if each == "|" else each if each.isprintable() else " " for each in line)


def _why_broken(game: GameSnapshot) -> str:
    why = game.state if game.state != "frozen" else f"frozen: {', '.join(game.frozen_because)}"
    if not game.connected and game.last_disconnect is not None:
        why += f", last failure: {game.last_disconnect}"
    return f"{why} ({BLAME[game.state]})"


def _anomalies(game: GameSnapshot) -> dict[str, int]:
    return {f"{check}.{kind}": count for (check, kind), count in game.anomalies.items() if count}


def _counted(counts: dict[DisconnectReason, int] | dict[InvalidReason, int]) -> dict[str, int]:
    return {str(reason): count for reason, count in counts.items() if count}


def _mean(total: float, count: int) -> float | None:
    return round(total / count, 6) if count else None
