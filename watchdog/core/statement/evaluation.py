"""What follows from the measured and the lost time of a game, in a new statement and in one to check."""

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.core.ledger import PARTY, State
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.figures import (
    allowance,
    credit,
    microseconds,
    percent,
    reaches,
    rounded,
    seconds,
    share,
)
from watchdog.core.statement.records import WHOSE, GameLine, Total, Updates, Whose


def derived(
    accounting: Accounting,
    *,
    objective: float,
    interval: int,
    by_state: Mapping[State, int],
    not_agreed: int,
    path: int,
    lost: int,
    updates: Updates,
) -> dict[str, Any]:
    """The fields of a game's line that follow from others; times in microseconds, `by_state` complete.

    `not_agreed` is maintenance outside what was agreed, `path` the time in which one watchdog alone was cut
    off.
    """
    promised = sum(by_state.values())
    accountable = promised - sum(by_state[state] for state in set(accounting.exclude))
    if "maintenance" in accounting.exclude:
        accountable += not_agreed
    good, whole, bad = _shares(accounting, accountable, lost, interval, updates)
    allowed = allowance(whole, objective)
    return {
        "promised_seconds": seconds(promised),
        "accountable_seconds": seconds(accountable),
        "lost_seconds": seconds(lost),
        "by_party": _by_party(by_state, not_agreed, path),
        "freshness": share(good, whole),
        "freshness_percent": percent(good, whole),
        "met": reaches(good, whole, objective) if whole else None,
        "budget_seconds": seconds(allowance(accountable, objective)),
        "budget_used": rounded(bad, allowed) if allowed else None,
        "credit_percent": credit(good, whole, accounting.credits) if whole else None,
    }


def total(games: Sequence[GameLine], accounting: Accounting) -> Total:
    """All games together."""
    good = whole = 0
    for game in games:
        of_game = _shares(
            accounting,
            microseconds(game.accountable_seconds),
            microseconds(game.lost_seconds),
            microseconds(game.interval_seconds),
            game.updates,
        )
        good, whole = good + of_game[0], whole + of_game[1]
    return Total(
        games=len(games),
        met=sum(game.met is True for game in games),
        missed=sum(game.met is False for game in games),
        promised_seconds=seconds(sum(microseconds(game.promised_seconds) for game in games)),
        accountable_seconds=seconds(sum(microseconds(game.accountable_seconds) for game in games)),
        lost_seconds=seconds(sum(microseconds(game.lost_seconds) for game in games)),
        freshness=share(good, whole),
        freshness_percent=percent(good, whole),
    )


def _shares(
    accounting: Accounting, accountable: int, lost: int, interval: int, updates: Updates
) -> tuple[int, int, int]:
    """How much was good of the whole, and how much bad: microseconds by time, updates by updates."""
    if accounting.basis == "time":
        return max(accountable - lost, 0), accountable, lost
    good = max(updates.received - updates.late, 0)
    bad = max(updates.late + updates.missed, lost // interval)
    return good, good + bad, bad


def _by_party(by_state: Mapping[State, int], not_agreed: int, path: int) -> dict[Whose, float]:
    parties: dict[Whose, int] = dict.fromkeys(WHOSE, 0)
    for state, party in PARTY.items():
        parties[party] += not_agreed if state == "maintenance" else by_state[state]
    parties["agreed"] = by_state["maintenance"] - not_agreed
    parties["path"] = path
    return {party: seconds(lasted) for party, lasted in parties.items()}
