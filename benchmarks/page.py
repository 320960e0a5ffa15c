"""docs/performance.md and its plots, written from a recorded run."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import tables, texts
from benchmarks.contenders import WATCHDOG
from benchmarks.cost import Size
from benchmarks.figures import median
from benchmarks.goals import Results, bytes_a_game, column
from benchmarks.plots import Bar, Group, chart
from benchmarks.programs import HERE, ROOT

PAGE = ROOT / "docs" / "performance.md"
NOTES = HERE / "notes.md"
"""What people say about the figures: what was tried, what it gave, what would be next."""

_PLOTS = (
    ("cost", "CPU for each update, whole process"),
    ("ladder", "Where the watchdog's CPU goes: each step does one thing more"),
)


def plots(results: Results) -> dict[str, str]:
    """The SVG files, by name."""
    drawn = {}
    for part, title in _PLOTS:
        groups = [
            Group(str(size), [_bar(results, part, contender, size) for contender in contenders])
            for size in tables.sizes(results, part)
            if (contenders := tables.names(results, part, size))
        ]
        if groups:
            drawn[f"performance-{part}.svg"] = chart(title, "µs", groups)
    return drawn


def _bar(results: Results, part: str, contender: str, size: Size) -> Bar:
    values = column(results, contender, size, "cpu_us", part)
    return Bar(contender, median(values), min(values), max(values), ours=contender == WATCHDOG)


def page(results: Results) -> str:
    """The text of the page."""
    notes = NOTES.read_text() if NOTES.exists() else ""
    sections = [
        "# Performance\n",
        texts.INTRODUCTION.format(**results),
        "## Goals\n",
        tables.goal_table(results),
        *_cost(results),
        *_details(results),
        *([notes] if notes else []),
        "## How to repeat it\n",
        texts.REPEAT.format(
            options=results["options"],
            machine="; ".join(f"{name} {value}" for name, value in results["machine"].items()),
        ),
    ]
    return "\n".join(sections)


def _cost(results: Results) -> Iterator[str]:
    if results.get("cost"):
        yield from ("## CPU and memory\n", texts.COST, tables.cost_table(results, "cost"))
    growths = [bytes_a_game(results, tls=tls) for tls in (False, True)]
    if None not in growths:
        plain, tls = (growth / 1e3 for growth in growths if growth is not None)
        yield texts.MEMORY.format(plain=plain, tls=tls)
    if results.get("missing"):
        absent = "; ".join(f"{name} ({reason})" for name, reason in results["missing"].items())
        yield f"Not measured: {absent}.\n"
    if results.get("ladder"):
        yield from ("## Where the time goes\n", texts.LADDER, tables.cost_table(results, "ladder"))


def _details(results: Results) -> Iterator[str]:
    if results.get("exactness"):
        yield from ("## Exactness\n", texts.EXACTNESS, tables.exactness_table(results))
    if results.get("core"):
        yield from ("## The pure core\n", texts.CORE, tables.core_table(results))
        yield texts.ALLOCATION.format(**results["core"]["allocation"])
    if results.get("scrape"):
        yield from ("## The scrape\n", tables.scrape_table(results))
    if results.get("history"):
        yield from ("## The history\n", texts.HISTORY, tables.history_table(results))
    if results.get("start"):
        yield from ("## The start\n", tables.start_table(results))


def write(results: Results, folder: Path = PAGE.parent) -> None:
    """Write the page and its plots."""
    for name, svg in plots(results).items():
        (folder / name).write_text(svg)
    (folder / PAGE.name).write_text(page(results))
