"""Run the virtual month: `python -m tests.month [--days 30] [--processes 2] [--record]`."""

import argparse
import datetime as dt
import os
import platform
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.month.month import DAY_SECONDS, SPARSE, play_all, summarise
from tests.month.report import Recorded, days_of, document, write
from tests.month.statements import compare


def main() -> int:
    """Exit with 1 if the ledger, a statement or a count is off, or anything but the faults was found."""
    parser = argparse.ArgumentParser(description="Watch eight games for a month on a simulated clock.")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="write the figures into docs/")
    options = parser.parse_args()
    begun = time.monotonic()
    outcomes = play_all(options.seed, options.days * DAY_SECONDS, SPARSE, processes=options.processes)
    wall_seconds = time.monotonic() - begun
    spent = os.times()
    summary = summarise(outcomes)
    with TemporaryDirectory() as folder:
        history = compare(outcomes, Path(folder))
    run = Recorded(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        python=platform.python_version(),
        seed=options.seed,
        days=days_of(summary),
        processes=options.processes,
        cpu_seconds=spent.user + spent.system + spent.children_user + spent.children_system,
        wall_seconds=wall_seconds,
        summary=summary,
        history=history,
    )
    if options.record:
        write(run)
    sys.stdout.write(document(run))
    wrong = [*summary.mistakes, *summary.miscounted, *history.differences]
    sys.stdout.write("".join(f"{line}\n" for line in wrong[:50]))
    return 1 if wrong or summary.off_seconds else 0


if __name__ == "__main__":
    sys.exit(main())
