"""The command line of evidence: replay."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

AddCommand = Callable[..., argparse.ArgumentParser]


def add_replay(add_command: AddCommand) -> None:
    """The command `replay`."""
    parser = add_command(
        "replay",
        help="judge recordings again and compare",
        description="Give each recording to the same judge. Exit with 0 if it finds what was recorded, or "
        "with 1 and a line for every difference. With --config it judges by the check settings there "
        "instead, prints what it finds by them, and exits with 0.",
    )
    parser.add_argument(
        "recordings", nargs="+", type=Path, metavar="RECORDING", help="a recording, .jsonl or .jsonl.gz"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="judge by the settings of this file")
    parser.add_argument("--json", action="store_true", help="the outcome as JSON")
    parser.set_defaults(command=_replay)


def _replay(options: argparse.Namespace) -> int:
    from watchdog import recordings

    text, exit_code = recordings.replay(options.recordings, options.config, json=options.json)
    sys.stdout.write(text)
    return exit_code
