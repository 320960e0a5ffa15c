"""Draw a dashboard as Grafana would, on real data, into a PNG."""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grafana.pictures import layout
from grafana.pictures.browser import DrawingError, draw
from grafana.pictures.bundle import BundleError
from grafana.pictures.prometheus import Prometheus, Span, chosen
from grafana.pictures.queries import QueryError, Target, Variables, seconds, step_seconds, targets


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a dashboard into a PNG; exit 1 with one line on stderr if a query or a panel fails, else 0."""
    options = _parser().parse_args(arguments)
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in options.variable:
        wanted[name].append(value)
    now = time.time()
    prometheus = Prometheus(options.prometheus, options.scrape_interval)
    try:
        span = Span(now - options.range, now)
        draw(picture(options.dashboard, wanted, prometheus, span, options.width), options.output)
    except (BundleError, DrawingError, QueryError, OSError) as error:
        sys.stderr.write(f"draw: {error}\n")
        return 1
    finally:
        prometheus.close()
    return 0


def picture(
    dashboard: Mapping[str, Any],
    wanted: Mapping[str, Sequence[str]],
    prometheus: Prometheus,
    span: Span,
    width_pixels: int,
) -> dict[str, Any]:
    """What the page needs: the panels in their places, each with the answers to its queries.

    `wanted` holds the values of the variables that are not to be All. Raises QueryError.
    """
    variables = chosen(dashboard, wanted, prometheus, span)
    panels = layout.arranged(dashboard)
    widths = {panel["id"]: layout.width_pixels(panel, width_pixels) for panel in panels}
    answers: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for target in targets(dashboard):
        if target.panel_id in widths:
            answer = _answer(target, widths[target.panel_id], variables, prometheus, span)
            answers[target.panel_id].append(answer)
    return {
        "width": width_pixels,
        "height": layout.height_pixels(panels),
        "variables": {name: _text(value) for name, value in variables.items()},
        "from": span.start * 1_000,
        "to": span.end * 1_000,
        "panels": [{**panel, "answers": answers[panel["id"]]} for panel in panels],
    }


def _answer(
    target: Target, points: int, variables: Variables, prometheus: Prometheus, span: Span
) -> dict[str, Any]:
    shown = span if target.range_seconds is None else Span(span.end - target.range_seconds, span.end)
    step = step_seconds(
        target,
        range_seconds=shown.seconds,
        points=points,
        scrape_interval_seconds=prometheus.scrape_interval_seconds,
    )
    return {
        "refId": target.ref_id,
        "expr": target.expr,
        "legend": target.legend,
        "table": target.table,
        "stepSeconds": step,
        "data": prometheus.answer(target, variables, shown, step),
    }


def _text(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return "All" if value in {".*", ".+"} else value
    return " + ".join(value)


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except QueryError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _choice(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=VALUE")
    return name, value


def _dashboard(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(Path(text).read_text()))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grafana.pictures.draw", description=__doc__)
    add = parser.add_argument
    add("--prometheus", required=True, metavar="URL", help="where Prometheus answers")
    add("--dashboard", required=True, type=_dashboard, metavar="FILE", help="its JSON")
    add(
        "--variable",
        action="append",
        default=[],
        type=_choice,
        metavar="NAME=VALUE",
        help="a variable's value; may be given several times (default: All)",
    )
    add("--range", type=_seconds, default="15m", metavar="DURATION", help="up to now (default: 15m)")
    add(
        "--scrape-interval",
        type=_seconds,
        default="5s",
        metavar="DURATION",
        help="what Grafana's data source is told of Prometheus (default: 5s)",
    )
    add("--width", type=int, default=1_600, metavar="PIXELS", help="default: 1600")
    add("--output", required=True, type=Path, metavar="FILE", help="the PNG to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
