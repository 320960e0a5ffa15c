"""Run every harness under atheris: `python -m fuzz.run [--duration 600] [--record]`.

Each harness runs in its own process. This one needs atheris for nothing but its version.
"""

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn

from fuzz.harness import HARNESSES
from fuzz.limits import MAX_INPUT_BYTES, RSS_LIMIT_MB
from fuzz.outcome import Outcome, outcome
from fuzz.report import Recorded, document, failures, write

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path("build", "fuzz")
"""Relative to the root, as the paths that are shown and recorded."""

_HUNG_AFTER_SECONDS = 5  # a harness that hangs forever never returns to `fuzz.limits`
_PATIENCE_SECONDS = 60.0
_MOST_SECONDS = 86_400


def main(arguments: list[str] | None = None) -> int:
    """Exit with 1 if an input crashed or hung, after all harnesses have run; with 2 if asked wrongly."""
    parser = _Parser(prog="python -m fuzz.run", description="Fuzz every reader of foreign bytes.")
    parser.add_argument(
        "--duration", type=_duration, default=600, metavar="SECONDS", help="in all; default: 600"
    )
    parser.add_argument("--record", action="store_true", help="write the figures into fuzz/ and docs/")
    options = parser.parse_args(arguments)
    try:
        atheris = version("atheris")
    except PackageNotFoundError:
        parser.error("atheris is not installed; `make fuzz` installs it")
    seconds_each = options.duration // len(HARNESSES)
    run = Recorded(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        python=platform.python_version(),
        atheris=atheris,
        cores=os.cpu_count() or 1,
        duration_seconds=options.duration,
        seconds_each=seconds_each,
        outcomes=[fuzz(name, seconds_each) for name in HARNESSES],
    )
    if options.record:
        write(run)
    sys.stdout.write(document(run))
    failed = failures(run)
    sys.stderr.write("".join(f"{line}\n" for line in failed))
    return 1 if failed else 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, without the whole usage."""
        self.exit(2, f"{self.prog}: {message}\n")


def _duration(text: str) -> int:
    """Whole seconds, from one per harness to a day."""
    if not (text.isascii() and text.isdigit() and len(HARNESSES) <= int(text) <= _MOST_SECONDS):
        expected = f"expected whole seconds from {len(HARNESSES)} to {_MOST_SECONDS}"
        raise argparse.ArgumentTypeError(f"{expected}, got {text!r}")
    return int(text)


def fuzz(name: str, seconds: int) -> Outcome:
    """Fuzz with one harness for so long, and read the outcome."""
    sys.stderr.write(f"fuzzing {name} for {seconds} s, log in {BUILD / name}.log\n")
    kept, corpus, log = BUILD / name, Path("fuzz", "corpus", name), ROOT / BUILD / f"{name}.log"
    (ROOT / kept).mkdir(parents=True, exist_ok=True)
    options = {
        "max_total_time": seconds,
        "print_final_stats": 1,
        "max_len": MAX_INPUT_BYTES,
        "len_control": 0,  # otherwise libFuzzer begins with short inputs, and gets to long ones late or never
        "timeout": _HUNG_AFTER_SECONDS,
        "rss_limit_mb": RSS_LIMIT_MB,
        "dict": "fuzz/json.dict",
        "artifact_prefix": f"{BUILD}/{name}-",
    }
    command = [sys.executable, "-m", "fuzz", name, *(f"-{key}={value}" for key, value in options.items())]
    begun = time.monotonic()
    with log.open("wb") as output:
        exit_code = _exit_code([*command, str(kept), str(corpus)], output.fileno(), seconds)
    return outcome(name, log.read_text(errors="replace"), exit_code, time.monotonic() - begun)


def _exit_code(command: list[str], output: int, seconds: int) -> int | None:
    """None where the process had to be killed."""
    try:
        return subprocess.run(  # noqa: S603 - our own program
            command,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=seconds + _PATIENCE_SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    sys.exit(main())
