"""Run the soak: `python -m tests.soak [--duration 30m] [--record]`."""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from tests.soak.report import document, figures, write
from tests.soak.soak import run

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_LEAST_SECONDS, _MOST_SECONDS = 20.0, 86_400.0


def seconds(text: str) -> float:
    """`90`, `90s`, `30m` or `2h`, from 20 s to a day."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    given = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not _LEAST_SECONDS <= given <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"expected 20s to 24h, as in 90s, 30m or 2h, got {text!r}")
    return given


def main() -> int:
    """Exit with 1 if a bound is broken, and say which."""
    parser = argparse.ArgumentParser(description="Watch hubs that fail and die, and see that nothing grows.")
    parser.add_argument("--duration", type=seconds, default=1800.0, metavar="30m", help="default: 30m")
    parser.add_argument("--record", action="store_true", help="write the figures into docs/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soaked = figures(run(options.duration, Path(folder), _tell))
    if options.record:
        write(soaked)
    sys.stdout.write(document(soaked))
    sys.stdout.write("".join(f"{mistake}\n" for mistake in soaked.mistakes))
    return 1 if soaked.mistakes else 0


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
