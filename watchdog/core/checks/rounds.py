"""Rounds: games follow one another, end in time, and keep their published results."""

import math
from collections import Counter

from watchdog.core.checks.check import Check, Observation
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.sustained import Condition
from watchdog.core.findings import Anomaly, Detail
from watchdog.core.instruments import incremented
from watchdog.core.protocol.games import Game, GameState, Result, ResultStatus
from watchdog.core.protocol.updates import known_seconds

OUTCOMES: dict[int, str] = {GameState.FINISHED: "finished", GameState.CANCELLED: "cancelled"}

STATE_NAMES: dict[int, str] = {
    GameState.AWAITING: "awaiting",
    GameState.ACTIVE: "active",
    GameState.FINISHED: "finished",
    GameState.REVIEW: "review",
    GameState.CANCELLED: "cancelled",
}


class Rounds(Check):
    """Follows the games of one type from one update to the next.

    Sources: `i`, `lrId`, `s`, `sdt`, `fdt` and `r` in the specification.
    """

    name = "round"
    kinds = ("overdue", "regressed", "skipped", "result_changed")

    __slots__ = (
        *("_outcomes_of_game", "_overdue", "_planned", "_published", "_reactivated"),
        *("id", "outcomes", "state"),
    )

    def __init__(self, settings: CheckSettings) -> None:
        # Judged by `tst`, so it never falls due by itself.
        self._overdue = Condition("overdue", settings.round_overdue_seconds)
        super().__init__(settings, self._overdue)
        self._outcomes_of_game: set[str] = set()
        self._reactivated = False
        # The results last published for the game: an update may leave out the optional `r`.
        self._published: tuple[Result, ...] | None = None
        self._planned = math.inf
        # The game last seen, and its `s`.
        self.id: int | None = None
        self.state: int | None = None
        self.outcomes = dict.fromkeys(OUTCOMES.values(), 0)

    @property
    def state_name(self) -> str | None:
        """The state of the game last seen, in words; None before the first."""
        return STATE_NAMES[self.state] if self.state is not None else None

    def received(self, seen: Observation) -> list[Anomaly]:
        """Judge the next game; one that follows updates without a game is compared with the last one seen."""
        game = seen.game
        if game is None:
            self._overdue.active = False
            return []
        if seen.games_unchanged:
            # Nothing is new but the time.
            return self._lateness(game, seen.sent)
        before, self.id, self.state = self.id, game.id, game.state
        anomalies: list[Anomaly] = []
        if before != game.id:
            anomalies += _succession(before, game, contiguous=seen.contiguous)
            self._outcomes_of_game.clear()
            self._published = None
            self._overdue.active = False
        elif self._published is not None and game.results is not None:
            anomalies += _changed_results(game.id, self._published, game.results)
        if game.results is not None:
            self._published = game.results
        self._planned = _planned(game)
        anomalies += self._reactivation(game)
        self._count_outcome(game)
        anomalies += self._lateness(game, seen.sent)
        return anomalies

    def _reactivation(self, game: Game) -> list[Anomaly]:
        again = game.state == GameState.ACTIVE and bool(self._outcomes_of_game)
        begins, self._reactivated = again and not self._reactivated, again
        if not begins:
            return []
        return [Anomaly("round", "regressed", {"id": game.id, "was": sorted(self._outcomes_of_game)})]

    def _count_outcome(self, game: Game) -> None:
        outcome = OUTCOMES.get(game.state)
        if outcome is not None and outcome not in self._outcomes_of_game:
            self._outcomes_of_game.add(outcome)
            self.outcomes = incremented(self.outcomes, outcome)

    def _lateness(self, game: Game, sent: float | None) -> list[Anomaly]:
        overdue = self._overdue
        was, overdue.active = overdue.active, False
        if sent is None or sent <= self._planned + overdue.threshold_seconds:
            return []
        overdue.active = True
        if was:
            return []
        detail: Detail = {
            "id": game.id,
            "state": STATE_NAMES[game.state],
            "late_seconds": round(sent - self._planned, 3),
        }
        return [Anomaly("round", "overdue", detail)]


def _planned(game: Game) -> float:
    """When the game should have gone on at the latest, in UNIX seconds; infinite where nothing is planned."""
    if game.state == GameState.ACTIVE:
        limit = game.finishes
    elif game.state == GameState.AWAITING:
        limit = game.starts
    else:
        return math.inf
    planned = known_seconds(limit)
    return math.inf if planned is None else planned


def _succession(before: int | None, game: Game, *, contiguous: bool) -> list[Anomaly]:
    if before is None:
        return []
    detail: Detail = {"id": game.id, "id_before": before}
    if game.id < before:
        return [Anomaly("round", "regressed", detail)]
    # Where updates were lost, rounds may have been lost with them: that is counted as the gap it is.
    if contiguous and game.last_round_id != before:
        return [Anomaly("round", "skipped", detail | {"last_round_id": game.last_round_id})]
    return []


def _changed_results(
    game_id: int, published: tuple[Result, ...], results: tuple[Result, ...]
) -> list[Anomaly]:
    if published == results:
        return []
    now = _by_key(results)
    return [
        Anomaly("round", "result_changed", _change(game_id, result, became))
        for key, before in _by_key(published).items()
        for result, became in _broken(before, now.get(key, []))
    ]


def _by_key(results: tuple[Result, ...]) -> dict[str, list[Result]]:
    """The results by what identifies them; a result and those it replaces, cancelled, share a key.

    As text: numbers can be chosen so that all have one hash, and then a dictionary takes quadratic time.
    """
    by_key: dict[str, list[Result]] = {}
    for each in results:
        key = f"{each.round_id} {each.hand_id} {each.sequential_number}"
        by_key.setdefault(key, []).append(each)
    return by_key


def _broken(before: list[Result], now: list[Result]) -> list[tuple[Result, Result | None]]:
    """The accepted results under one key that are gone without a cancellation, and what has come for each.

    Their order means nothing. A cancellation takes back the result of its value, or any if there is none.
    """
    accepted_before, cancelled_before = _by_status(before)
    accepted, cancelled = _by_status(now)
    gone = _without(accepted_before, accepted)
    if not gone:
        return []
    cancellations = _without(cancelled, cancelled_before)
    not_named = _without(gone, cancellations)
    others = len(cancellations) - (len(gone) - len(not_named))
    come = iter(_without(accepted, accepted_before))
    return [(result, next(come, None)) for result in not_named[others:]]


def _by_status(results: list[Result]) -> tuple[list[Result], list[Result]]:
    """The accepted ones and the cancelled ones."""
    cancelled = [each for each in results if each.status == ResultStatus.CANCELED]
    return [each for each in results if each.status != ResultStatus.CANCELED], cancelled


def _without(results: list[Result], others: list[Result]) -> list[Result]:
    """The results less the others, value by value, each of which takes away one."""
    if not results or not others:
        return results
    if len(results) == len(others) == 1:  # nearly always
        return [] if results[0].value == others[0].value else results
    taken = Counter(each.value for each in others)
    left: list[Result] = []
    for each in results:
        if taken[each.value] > 0:
            taken[each.value] -= 1
        else:
            left.append(each)
    return left


def _change(game_id: int, published: Result, now: Result | None) -> Detail:
    return {
        "id": game_id,
        "round_id": published.round_id,
        "hand_id": published.hand_id,
        "sequential_number": published.sequential_number,
        "was": published.value,
        "now": now.value if now is not None else None,
    }
