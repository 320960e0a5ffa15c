"""Run one harness under atheris: `python -m fuzz HARNESS [OPTION OF LIBFUZZER…] [CORPUS…]`."""

import sys

import atheris

from fuzz.limits import INSTRUMENTED_HANG_SECONDS, Limited

with atheris.instrument_imports(include=["watchdog", "fuzz"]):
    from fuzz.harness import HARNESSES


def main() -> None:
    """Fuzz until the time is over or an input fails; libFuzzer writes that input to a file."""
    if len(sys.argv) < 2 or sys.argv[1] not in HARNESSES:
        sys.exit(f"usage: python -m fuzz {{{','.join(HARNESSES)}}} [option of libFuzzer…] [corpus…]")
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, Limited(HARNESSES[name], INSTRUMENTED_HANG_SECONDS, _tell))
    atheris.Fuzz()


def _tell(line: str) -> None:
    # libFuzzer ends the process without returning to Python, so whatever is not flushed is lost.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
