"""What a statement says in words: how it was measured, what counts, and why something broke."""

from collections.abc import Iterator, Sequence

from watchdog.core.causes import anomaly, cause
from watchdog.core.incidents import Incident
from watchdog.core.statement.accounting import Accounting
from watchdog.core.statement.records import GameLine

_MOST_CAUSES = 4
_EXCLUDED = {
    "maintenance": "maintenance",
    "unauthorized": "time without a valid token",
    "unobserved": "time that no watchdog observed",
}


def method(accounting: Accounting, timezone: str, games: Sequence[GameLine]) -> tuple[str, ...]:
    """What was promised for the games and how the figures came about, a paragraph each."""
    return (
        *_promised(games),
        *_measured(),
        *_accounted(accounting, timezone),
        *_evaluated(accounting),
    )


def cause_of(incident: Incident) -> str:
    """Why an incident came about: its longest causes with how long they lasted, and its anomalies."""
    longest = sorted(incident.causes, key=lambda each: (-each.lasted, each.state, each.because))
    parts = []
    for each in longest[:_MOST_CAUSES]:
        why = "no watchdog was watching" if each.state == "unobserved" else cause(each.state, each.because)
        lasted = f" ({duration(each.lasted)})" if len(longest) > 1 else ""
        parts.append(f"{each.state}: {why}{lasted}")
    if len(longest) > _MOST_CAUSES:
        parts.append(f"{len(longest) - _MOST_CAUSES} more")
    for count in incident.anomalies:
        times = f" {count.count} times" if count.count > 1 else ""
        parts.append(f"{anomaly(count.event)}{times}")
    return "; ".join(parts)


def duration(lasted: int) -> str:
    """Microseconds in words, to a millisecond: `12.345 s`, `3 min 12.000 s`, `2 h 0 min 1.500 s`."""
    milliseconds = (lasted + 500) // 1000
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:.3f} s"
    if hours:
        return f"{hours} h {minutes} min {text}"
    return f"{minutes} min {text}" if minutes else text


def _promised(games: Sequence[GameLine]) -> Iterator[str]:
    promises: dict[tuple[float, float, float], list[str]] = {}
    for game in games:
        terms = (game.objective, game.interval_seconds, game.late_after_seconds)
        promises.setdefault(terms, []).append(game.game)
    for (objective, interval, late_after), names in sorted(promises.items()):
        whose = "" if len(promises) == 1 else f" for {', '.join(names)}"
        yield (
            f"The objective{whose} is a freshness of {objective * 100:.9g} %. An update is promised every "
            f"{interval:g} s, and counts as late when more than {late_after:g} s passed since the one before."
        )


def _measured() -> Iterator[str]:
    yield (
        "Each watchdog holds a subscription to every game. It books every instant to exactly one state, by "
        "the kernel's time of arrival of each update. A game is silent once no update has come for longer "
        "than the promised interval and tolerance. It is frozen while updates come whose content stands "
        "still or contradicts itself, and disconnected without an open subscription."
    )
    yield (
        "With several watchdogs, an instant is fresh if any of them saw it fresh, and maintenance if any of "
        "them saw that. Otherwise the state is the one they agree on, or the first that applies of "
        "unauthorized, frozen, disconnected and silent. Time in which one watchdog was cut off while another "
        "one received updates is booked to the path of the former and isn't lost."
    )
    yield (
        "An incident is a span in which a game is neither fresh nor in agreed maintenance, with "
        "interruptions of less than 10 seconds. An anomaly counts to an incident that is less than 10 "
        "seconds away, and otherwise is one of no length. All times are computed in whole microseconds."
    )


def _accounted(accounting: Accounting, timezone: str) -> Iterator[str]:
    if accounting.hours is None:
        yield "The promise holds at all times."
    else:
        yield f"The promise holds {'; '.join(accounting.hours) or 'never'}, by the clock of {timezone}."
    excluded = [_EXCLUDED[state] for state in accounting.exclude]
    yield f"Left out of the accountable time: {', '.join(excluded) or 'nothing'}."
    if "maintenance" not in accounting.exclude:
        yield "Maintenance counts as lost."
    elif accounting.planned_maintenance is not None:
        windows = "; ".join(accounting.planned_maintenance) or "none"
        yield f"Maintenance is agreed in these windows alone, and counts as lost elsewhere: {windows}."
    if accounting.ignore_shorter_than_seconds:
        yield (
            f"An incident that lost less than {accounting.ignore_shorter_than_seconds:g} seconds, in all of "
            "its length, counts as nothing."
        )
    if accounting.round_to_seconds:
        yield (
            f"What an incident lost is rounded to a multiple of {accounting.round_to_seconds:g} seconds, the "
            "half upwards."
        )


def _evaluated(accounting: Accounting) -> Iterator[str]:
    if accounting.basis == "time":
        yield "Freshness is the part of the accountable time that wasn't lost."
    else:
        yield (
            "Freshness is the part of the updates that came on time. The others are those that came late or "
            "that the sequence ids show as missed, or as many as were due in the lost time if that is more."
        )
    yield (
        "The objective is met if freshness isn't below it, which is decided before freshness is rounded to "
        "four decimals. The budget is what may be lost without missing the objective."
    )
    for step in sorted(accounting.credits, key=lambda step: -step.below):
        yield f"Below a freshness of {step.below * 100:.9g} %, {step.percent:g} % of the fee are credited."
    if accounting.credits:
        yield "Of several credits the highest counts."
