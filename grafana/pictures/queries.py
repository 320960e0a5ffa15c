"""The queries of a dashboard, and how Grafana fills them in before it sends them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Variables = Mapping[str, str | Sequence[str]]
"""What each variable stands for: a text goes in as it is, a choice of values as a regular expression."""

_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::(?P<format>\w+))?\})")
_UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_UNIT_SECONDS)})")
# How Grafana rounds an interval, in seconds: below each first number to the second.
_ROUND_SECONDS = (
    *((0.0075, 0.005), (0.015, 0.01), (0.035, 0.02), (0.075, 0.05), (0.15, 0.1), (0.35, 0.2), (0.75, 0.5)),
    *((1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120)),
    *((450, 300), (750, 600), (1_050, 900), (1_500, 1_200), (2_700, 1_800), (5_400, 3_600), (9_000, 7_200)),
    *((16_200, 10_800), (32_400, 21_600), (86_400, 43_200), (604_800, 86_400), (1_814_400, 604_800)),
)
_RATE_SCRAPES = 4
_MOST_POINTS = 11_000  # Prometheus refuses more than these


class QueryError(ValueError):
    """A query that can't be filled in, or that Prometheus refused; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A query and the panel that shows it.

    `legend` is the template of a series' name, `table` says whether the series become rows of one table.
    `interval_seconds` is the query's own least interval, `panel_interval_seconds` the panel's, and
    `range_seconds` the range that the panel shows whatever the dashboard does; None where there is none.
    """

    panel_id: int
    panel: str
    panel_type: str
    ref_id: str
    expr: str
    instant: bool
    legend: str
    table: bool
    interval_seconds: float | None
    panel_interval_seconds: float | None
    most_points: int | None
    range_seconds: float | None

    def __str__(self) -> str:
        return f"panel {self.panel!r}, query {self.ref_id}"


def panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The panels of a dashboard in order, including rows, each before the panels nested in it."""
    for panel in dashboard.get("panels", ()):
        yield panel
        yield from panel.get("panels", ())


def targets(dashboard: Mapping[str, Any]) -> Iterator[Target]:
    """The queries of all panels, including those in collapsed rows, without the hidden queries."""
    for panel in panels(dashboard):
        for target in panel.get("targets", ()):
            if not target.get("hide"):
                yield _target(panel, target)


def _target(panel: Mapping[str, Any], target: Mapping[str, Any]) -> Target:
    return Target(
        panel_id=panel["id"],
        panel=panel.get("title", ""),
        panel_type=panel["type"],
        ref_id=target["refId"],
        expr=target.get("expr", ""),
        instant=bool(target.get("instant")),
        legend=target.get("legendFormat", ""),
        table=target.get("format") == "table",
        interval_seconds=_optional_seconds(target.get("interval")),
        panel_interval_seconds=_optional_seconds(panel.get("interval")),
        most_points=panel.get("maxDataPoints"),
        range_seconds=_optional_seconds(panel.get("timeFrom")),
    )


def fill(
    expr: str,
    variables: Variables,
    range_seconds: float,
    step_seconds: float,
    scrape_interval_seconds: float,
) -> str:
    """The query as Grafana sends it: with its variables, `$__interval`, `$__range` and `$__rate_interval`.

    The rate interval is four scrapes, or a step and a scrape where that is longer. Raises QueryError for an
    unknown variable or format.
    """
    rate_seconds = max(step_seconds + scrape_interval_seconds, _RATE_SCRAPES * scrape_interval_seconds)
    known: dict[str, str | Sequence[str]] = {
        **variables,
        "__interval": _duration(step_seconds),
        "__interval_ms": f"{step_seconds * 1_000:.0f}",
        "__range": _duration(round(range_seconds)),
        "__range_s": f"{range_seconds:.0f}",
        "__range_ms": f"{range_seconds * 1_000:.0f}",
        "__rate_interval": _duration(rate_seconds),
        "__rate_interval_ms": f"{rate_seconds * 1_000:.0f}",
    }

    def filled(found: re.Match[str]) -> str:
        name = found["plain"] or found["name"]
        if name not in known:
            raise QueryError(f"unknown variable ${name} in {expr}")
        return _formatted(known[name], found["format"] or "")

    return _VARIABLE.sub(filled, expr)


def step_seconds(
    target: Target, *, range_seconds: float, points: int, scrape_interval_seconds: float
) -> float:
    """The step of a query over a range drawn with so many points.

    `points` is the width of the panel in pixels; the panel's own maximum takes precedence.
    """
    least = target.interval_seconds or target.panel_interval_seconds or scrape_interval_seconds
    wanted = range_seconds / (target.most_points or points)
    rounded = next((interval for below, interval in _ROUND_SECONDS if wanted < below), 2_592_000.0)
    return max(rounded, least, range_seconds / _MOST_POINTS)


def seconds(duration: str) -> float:
    """The seconds of a duration such as 15m or 1h30m; raises QueryError for another text."""
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise QueryError(f"{duration!r} is no duration: expected one such as 30s, 15m or 1h30m")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def _optional_seconds(duration: str | None) -> float | None:
    return seconds(duration) if duration else None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds * 1_000:.0f}ms"


def _formatted(value: str | Sequence[str], form: str) -> str:
    if isinstance(value, str):
        return value
    match form:
        case "" | "regex":
            return _alternation([_escaped(item) for item in value])
        case "pipe":
            return "|".join(value)
        case "csv" | "raw":
            return ",".join(value)
        case _:
            raise QueryError(f"unknown format {form!r} of a variable: expected regex, pipe, csv or raw")


def _alternation(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"({'|'.join(items)})"


def _escaped(text: str) -> str:
    # Twice: once for the regular expression, once for the string that contains it.
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", text.replace("\\", "\\" * 4))
