"""The committed dashboards, as lists of what the tests look at: panels, queries, variables."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana.pictures.queries import fill, panels

DASHBOARDS = Path(__file__).resolve().parents[2] / "grafana" / "dashboards"
UIDS = ["betcore-game", "betcore-overview", "betcore-sla", "betcore-watchdog"]
# Panels that ask Prometheus nothing.
SILENT = {"row", "text", "alertlist", "dashlist"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and where it stands; `legend` is empty for what is no target of a panel."""

    place: str
    expr: str
    legend: str = ""

    def filled(self) -> str:
        """The expression as Grafana sends it for one feed, one game and a range of an hour."""
        variables = {"feed": "betcore", "game": "Poker"}
        return fill(self.expr, variables, range_seconds=3_600, step_seconds=15, scrape_interval_seconds=5)


def board_files() -> list[Path]:
    return sorted(DASHBOARDS.glob("*.json"))


def boards() -> list[Json]:
    return [json.loads(file.read_text()) for file in board_files()]


def data_panels(board: Json) -> list[Json]:
    """The panels that show something of Prometheus, also those in collapsed rows."""
    return [dict(panel) for panel in panels(board) if panel["type"] not in SILENT]


def named(panel: Mapping[str, Any]) -> str:
    return f"panel {panel.get('title') or panel.get('id')!r}"


def targets(board: Json) -> Iterator[tuple[Json, Json]]:
    """Each query of a panel, with its panel."""
    for panel in panels(board):
        for target in panel.get("targets", []):
            yield dict(panel), target


def variables(board: Json) -> list[Json]:
    return board.get("templating", {}).get("list", [])


def query_variables(board: Json) -> list[Json]:
    return [variable for variable in variables(board) if variable["type"] == "query"]


def variable_query(variable: Json) -> str:
    query = variable["query"]
    return query["query"] if isinstance(query, dict) else query


def annotations(board: Json) -> list[Json]:
    """The annotations that ask Prometheus."""
    return [annotation for annotation in board["annotations"]["list"] if not annotation.get("builtIn")]


def queries(board: Json) -> list[Query]:
    """All PromQL of a dashboard but that of its variables."""
    of_panels = [
        Query(f"{named(panel)}, query {target['refId']}", target["expr"], target.get("legendFormat", ""))
        for panel, target in targets(board)
    ]
    of_annotations = [
        Query(f"annotation {annotation['name']!r}", annotation.get("expr") or annotation["target"]["expr"])
        for annotation in annotations(board)
    ]
    return of_panels + of_annotations
