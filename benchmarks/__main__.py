"""Measure, write the page, or guard against regressions.

Usage: python -m benchmarks run | page FILE | rules | smoke
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, page, pieces, rules, smoke, tables
from benchmarks.cost import Window
from benchmarks.pieces import PARTS, Plan, Results
from benchmarks.programs import HERE, ROOT, BenchmarkError, build_load


def say(words: str) -> None:
    """A line of progress on stderr."""
    sys.stderr.write(f"{words}\n")


def run(options: argparse.Namespace) -> int:
    """Measure, record, and show."""
    games = [int(number) for number in options.games.split(",")]
    plan = Plan(options.parts, games, Window(options.settle, options.seconds, options.rounds))
    today = datetime.now(UTC).date().isoformat()
    output = options.output or HERE / "results" / f"{today}.json"
    results = pieces.begun(output, plan) if options.resume else None
    if results is None:
        results = {"recorded": today, "machine": machine.facts(), "options": plan.words, "done": []}
    todo = pieces.missing(results, plan, say)
    build_load()
    machine.raise_limit_of_files()
    now = todo if options.pieces is None else todo[: options.pieces]
    for piece in now:
        say(piece.name)
        piece.take(results)
        results["done"].append(piece.name)
        pieces.keep(output, results)
    if left := len(todo) - len(now):
        say(f"{left} pieces left; python -m benchmarks run --resume --output {output} goes on")
        return 0
    sys.stdout.write(shown(results))
    say(f"recorded in {output}; python -m benchmarks page FILE writes docs/performance.md from it")
    return 0


def shown(results: Results) -> str:
    """All tables of a run."""
    parts = [tables.goal_table(results)]
    parts += [tables.cost_table(results, part) for part in ("cost", "ladder") if results.get(part)]
    for name, show in (
        ("exactness", tables.exactness_table),
        ("core", tables.core_table),
        ("scrape", tables.scrape_table),
        ("history", tables.history_table),
        ("start", tables.start_table),
    ):
        if name in results:
            parts.append(show(results))
    return "\n".join(parts)


def write_page(options: argparse.Namespace) -> int:
    """Write the page and its plots from a recorded run."""
    page.write(json.loads(options.file.read_text()))
    say(f"written: {page.PAGE.relative_to(ROOT)} and its plots")
    return 0


def judge_rules(options: argparse.Namespace) -> int:
    """Measure the alert rules, show it, and fail if they take more of the interval than they may."""
    results = rules.measure(options.games, options.program, say)
    sys.stdout.write(json.dumps(results, indent=1) + "\n")
    allowed = rules.BUDGET * rules.INTERVAL_SECONDS
    if results["all"] > allowed:
        say(f"benchmarks: an evaluation takes {results['all']:.2f} s, {allowed:.2f} s are allowed")
        return 1
    return 0


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := sorted(set(parts) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: allowed are {', '.join(PARTS)}")
    return parts


def parser() -> argparse.ArgumentParser:
    """The command line."""
    commands = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    chosen = commands.add_subparsers(required=True, metavar="COMMAND")
    running = chosen.add_parser("run", help="measure and record")
    running.add_argument("--parts", type=_parts, default=PARTS, help=f"of {','.join(PARTS)}")
    running.add_argument("--games", default="10,100,1000", help="numbers of games (%(default)s)")
    running.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    running.add_argument("--seconds", type=float, default=10.0, help="of one window (%(default)s)")
    running.add_argument("--settle", type=float, default=5.0, help="seconds before it (%(default)s)")
    running.add_argument("--output", type=Path, help="the file to record in (benchmarks/results/DATE.json)")
    running.add_argument("--resume", action="store_true", help="go on with what that file has")
    running.add_argument("--pieces", type=int, help="stop after so many, each of at most two minutes")
    running.set_defaults(command=run)
    writing = chosen.add_parser("page", help="make docs/performance.md of a recorded run")
    writing.add_argument("file", type=Path)
    writing.set_defaults(command=write_page)
    judging = chosen.add_parser("rules", help="measure an evaluation of the alert rules in a real Prometheus")
    judging.add_argument("--games", type=int, default=200, help="(%(default)s)")
    judging.add_argument(
        "--program",
        type=Path,
        default=Path("/usr/bin"),
        help="where prometheus and promtool are (%(default)s)",
    )
    judging.set_defaults(command=judge_rules)
    guarding = chosen.add_parser("smoke", help="count instructions and compare with the committed figures")
    guarding.add_argument("--record", action="store_true", help="commit to these figures from now on")
    guarding.set_defaults(command=lambda options: smoke.main(record=options.record))
    return commands


def main() -> int:
    """Run one command and return the exit code."""
    options = parser().parse_args()
    try:
        code: int = options.command(options)
    except BenchmarkError as error:
        say(f"benchmarks: {error}")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
