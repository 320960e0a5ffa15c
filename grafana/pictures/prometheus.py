"""Prometheus' HTTP API, asked as Grafana asks it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from grafana.pictures.queries import QueryError, Target, Variables, fill

_LABEL_VALUES = re.compile(r"label_values\((?:(?P<series>.+),\s*)?(?P<label>\w+)\)")
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a dashboard shows, in UNIX seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


class Prometheus:
    """One Prometheus; `scrape_interval_seconds` is what Grafana's data source knows of it."""

    def __init__(self, address: str, scrape_interval_seconds: float) -> None:
        self.scrape_interval_seconds = scrape_interval_seconds
        self._client = httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def answer(self, target: Target, variables: Variables, span: Span, step_seconds: float) -> dict[str, Any]:
        """The data of a query's answer: `resultType` and `result`. Raises QueryError."""
        try:
            query = fill(target.expr, variables, span.seconds, step_seconds, self.scrape_interval_seconds)
        except QueryError as error:
            raise QueryError(f"{target}: {error}") from error
        if target.instant:
            return dict(self._data("query", {"query": query, "time": span.end}, target))
        # Aligned to the step, as in Grafana, so that a refresh asks for the same instants again.
        start, end = (math.floor(at / step_seconds) * step_seconds for at in (span.start, span.end))
        limits = {"start": start, "end": end, "step": step_seconds}
        return dict(self._data("query_range", {"query": query, **limits}, target))

    def label_values(self, definition: str, variables: Variables, span: Span) -> list[str]:
        """What a query variable offers; only `label_values` is understood. Raises QueryError."""
        found = _LABEL_VALUES.fullmatch(definition.strip())
        if found is None:
            raise QueryError(f"variable: {definition!r} is no label_values(…)")
        parameters: dict[str, Any] = {"start": span.start, "end": span.end}
        if found["series"]:
            series = fill(found["series"], variables, span.seconds, 1, self.scrape_interval_seconds)
            parameters["match[]"] = series
        return sorted(self._data(f"label/{found['label']}/values", parameters, definition))

    def _data(self, path: str, parameters: Mapping[str, Any], about: object) -> Any:
        try:
            response = self._client.get(f"/api/v1/{path}", params=parameters)
        except httpx.HTTPError as error:
            raise QueryError(f"{about}: {type(error).__name__} from Prometheus: {error}") from error
        if response.status_code != httpx.codes.OK:
            raise QueryError(f"{about}: Prometheus answered {response.status_code}: {_reason(response)}")
        return response.json()["data"]


def chosen(
    dashboard: Mapping[str, Any], wanted: Mapping[str, Sequence[str]], prometheus: Prometheus, span: Span
) -> dict[str, str | Sequence[str]]:
    """The variables of a dashboard: as wanted, or All, or the first value where there is no All.

    Raises QueryError for a wanted variable that the dashboard does not have.
    """
    variables: dict[str, str | Sequence[str]] = {}
    for variable in dashboard.get("templating", {}).get("list", ()):
        name, kind = variable["name"], variable["type"]
        several = variable.get("multi") or variable.get("includeAll")
        if name in wanted:
            variables[name] = list(wanted[name]) if several else wanted[name][0]
        elif kind == "query":
            variables[name] = _all(variable, prometheus, variables, span)
        elif kind in {"constant", "custom", "textbox", "interval"}:
            variables[name] = str(variable.get("current", {}).get("value") or variable.get("query", ""))
    if unknown := sorted(wanted.keys() - variables.keys()):
        raise QueryError(f"the dashboard has no variable {', '.join(unknown)}; it has {', '.join(variables)}")
    return variables


def _all(
    variable: Mapping[str, Any], prometheus: Prometheus, variables: Variables, span: Span
) -> str | Sequence[str]:
    if variable.get("includeAll") and variable.get("allValue"):
        return str(variable["allValue"])
    query = variable["query"]
    values = prometheus.label_values(query if isinstance(query, str) else query["query"], variables, span)
    if not values:
        raise QueryError(f"variable {variable['name']}: Prometheus knows no value of it")
    if variable.get("includeAll"):
        return values
    return values[:1] if variable.get("multi") else values[0]


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError):
        return response.text[:200]
