"""The tables of a recorded run, for the terminal and for the page alike: Markdown, aligned."""

from collections.abc import Sequence

from benchmarks.contenders import WATCHDOG
from benchmarks.cost import Size
from benchmarks.figures import median, ratios, spread
from benchmarks.goals import Results, column, goals

_LARGE = 100.0

Rows = list[list[str]]


def table(head: Sequence[str], rows: Rows) -> str:
    """A Markdown table whose columns line up; all but the first are numbers."""
    widths = [max(len(cell) for cell in cells) for cells in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if not number else "-" * (width - 1) + ":" for number, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *(line(row) for row in rows)]) + "\n"


def sizes(results: Results, part: str) -> list[Size]:
    """The sizes that were measured: plain and over TLS, the smallest first."""
    measured = {Size(sample["games"], sample["tls"]) for sample in results.get(part, ())}
    return sorted(measured, key=lambda size: (size.tls, size.games))


def names(results: Results, part: str, size: Size) -> list[str]:
    """The contenders measured at a size, in their order."""
    first = [sample for sample in results[part] if sample["round"] == 0]
    return [sample["contender"] for sample in first if Size(sample["games"], sample["tls"]) == size]


def goal_table(results: Results) -> str:
    """Goal, measured, met or not."""
    rows = [
        [
            goal.what,
            f"{'≥' if goal.at_least else '≤'} {goal.limit:,.6g}{goal.unit}",
            f"{goal.measured:,.{0 if goal.measured >= _LARGE else 2}f}{goal.unit}",
            "yes" if goal.met else "no",
        ]
        for goal in goals(results)
    ]
    return table(["goal", "wanted", "measured", "met"], rows)


def cost_table(results: Results, part: str) -> str:
    """CPU and memory of each contender at each size."""
    rows = []
    for size in sizes(results, part):
        ours = column(results, WATCHDOG, size, "cpu_us", part)
        for name in names(results, part, size):
            cpu = column(results, name, size, "cpu_us", part)
            cores = median(column(results, name, size, "cores", part))
            resident = column(results, name, size, "resident", part)
            rows.append(
                [
                    f"{size}: {name}",
                    f"{median(cpu):.0f} µs",
                    f"± {spread(cpu) * 100.0:.0f} %",
                    f"{cores * 100.0:.1f} %",
                    f"{size.games / cores:,.0f}",
                    f"{median(ratios(ours, cpu)):.2f}" if len(ours) == len(cpu) else "",
                    f"{median(resident) / 1e6:.0f} MB",
                ]
            )
    head = ["", "CPU per update", "spread", "of a core", "games per core", "watchdog ÷ it", "memory"]
    return table(head, rows)


def exactness_table(results: Results) -> str:
    """Stamps, silence and the loop, under each load."""
    rows = []
    for scenario in results["exactness"]:
        for name, words in (
            ("stamps", "stamps off"),
            ("inexact_stamps", "marked as not exact"),
            ("silences", "silence noticed late"),
            ("stalled_silences", "after a stall of our own"),
            ("held", "loop held"),
            ("collections", "collections of garbage"),
        ):
            seen = scenario[name]
            times = [f"{seen[figure] * 1e3:.3f} ms" for figure in ("p50", "p99", "max")]
            rows.append([f"{scenario['name']}: {words}", *times, f"{seen['count']:,}"])
    return table(["", "p50", "p99", "max", "seen"], rows)


def core_table(results: Results) -> str:
    """The pure core, part by part, hot."""
    core = results["core"]
    parts = {"whole": core["whole"], **core["parts"], "json.loads and labels()": core["yardstick"]}
    rows = [
        [name, f"{part['us']:.2f} µs", f"± {part['spread'] * 100.0:.0f} %"] for name, part in parts.items()
    ]
    return table(["", "per update", "spread"], rows)


def scrape_table(results: Results) -> str:
    """The scrape against ordinary children."""
    rows = [
        [
            f"{scrape['games']:,} games",
            f"{scrape['samples']:,}",
            *(
                f"{scrape[name]:.1f} ms"
                for name in ("snapshot_ms", "render_ms", "render_gzip_ms", "children_ms")
            ),
            f"{scrape['children_ms'] / scrape['render_ms']:.1f}",
        ]
        for scrape in results["scrape"]
    ]
    return table(["", "samples", "snapshot", "encoding", "with gzip", "ordinary children", "times"], rows)


def history_table(results: Results) -> str:
    """The history, each beat of a few seconds."""
    history = results["history"]
    rows = [
        ["a beat of the loop", f"{history['loop_us']:.0f} µs of CPU"],
        ["a beat of the thread that writes", f"{history['writer_us']:.0f} µs of CPU"],
        ["the whole watch", f"{history['cores'] * 100.0:.2f} % of a core"],
    ]
    return table(["", f"{history['games']} games"], rows)


def start_table(results: Results) -> str:
    """The start."""
    start = results["start"]
    rows = [
        [name, f"{taken['cpu_ms']:.0f} ms", f"{taken['wall_ms']:.0f} ms"]
        for name, taken in start["commands"].items()
    ]
    for watching in start["watching"]:
        name = f"`run`: subscribed to {watching['games']}"
        rows.append([name, f"{watching['cpu_ms']:.0f} ms", f"{watching['all_ms']:.0f} ms"])
    return table(["", "CPU", "time"], rows)
