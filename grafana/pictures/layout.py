"""Which panels a picture shows, and where; what Grafana's packages can't draw is left out, rows close up."""

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

DRAWN = frozenset({"bargauge", "stat", "table", "timeseries"})
"""The panel types that Grafana's npm packages have."""

COLUMNS = 24
ROW_PIXELS, GAP_PIXELS = 30, 8

Panel = dict[str, Any]


def arranged(dashboard: Mapping[str, Any]) -> list[Panel]:
    """The panels to draw, with their new `gridPos`: neighbours take the place of those left out, all move up.

    A row's heading stays if a panel below it does. The panels of a collapsed row are not shown.
    """
    shown = sorted(dashboard.get("panels", ()), key=_corner)
    arranged: list[Panel] = []
    for _, line in groupby(shown, key=lambda panel: _corner(panel)[0]):
        for panel in _closed_up(list(line)):
            if panel["type"] != "row" or _has_drawn(panel, shown[shown.index(panel) + 1 :]):
                arranged.append(_moved_up(panel, arranged))
    return arranged


def height_pixels(arranged: Sequence[Panel]) -> int:
    """The height of the arranged panels with a gap above, between and below."""
    rows = max((_bottom(panel) for panel in arranged), default=0)
    return rows * (ROW_PIXELS + GAP_PIXELS) + GAP_PIXELS


def width_pixels(panel: Mapping[str, Any], picture_pixels: int) -> int:
    """The width of a panel in a picture."""
    column = (picture_pixels - GAP_PIXELS) / COLUMNS
    return int(panel["gridPos"]["w"] * column) - GAP_PIXELS


def _closed_up(line: Sequence[Panel]) -> list[Panel]:
    kept = [panel for panel in line if panel["type"] in DRAWN or panel["type"] == "row"]
    if not kept or len(kept) == len(line):
        return kept
    left = min(panel["gridPos"]["x"] for panel in line)
    room = sum(panel["gridPos"]["w"] for panel in line)
    widths = [panel["gridPos"]["w"] for panel in kept]
    edges = [left + round(room * sum(widths[:count]) / sum(widths)) for count in range(len(kept) + 1)]
    return [
        {**panel, "gridPos": {**panel["gridPos"], "x": start, "w": end - start}}
        for panel, (start, end) in zip(kept, pairwise(edges), strict=True)
    ]


def _has_drawn(row: Panel, following: Sequence[Panel]) -> bool:
    if row.get("collapsed"):
        return any(panel["type"] in DRAWN for panel in row.get("panels", ()))
    for panel in following:
        if panel["type"] == "row":
            return False
        if panel["type"] in DRAWN:
            return True
    return False


def _moved_up(panel: Panel, above: Sequence[Panel]) -> Panel:
    place = panel["gridPos"]
    left, right = place["x"], place["x"] + place["w"]
    if panel["type"] == "row":
        left, right = 0, COLUMNS
    top = max(
        (
            _bottom(other)
            for other in above
            if other["gridPos"]["x"] < right and left < other["gridPos"]["x"] + other["gridPos"]["w"]
        ),
        default=0,
    )
    return {**panel, "gridPos": {**place, "x": left, "w": right - left, "y": top}}


def _corner(panel: Mapping[str, Any]) -> tuple[int, int]:
    return panel["gridPos"]["y"], panel["gridPos"]["x"]


def _bottom(panel: Mapping[str, Any]) -> int:
    return int(panel["gridPos"]["y"] + panel["gridPos"]["h"])
