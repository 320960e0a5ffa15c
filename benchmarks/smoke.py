"""A guard that counts rather than times: instructions, or memory blocks, of one update.

The watchdog's instructions are compared with the yardstick's on the same interpreter, so another build of
Python shifts both. Without valgrind it counts only memory blocks: those that a decoded update holds, and
those that judging it leaves behind.
"""

import gc
import json
import os
import re
import shutil
import sys

from benchmarks.core import Replay
from benchmarks.programs import BUILD, HERE, BenchmarkError, run
from benchmarks.recording import records
from watchdog.core.protocol.records import RECORD_SEPARATOR
from watchdog.core.protocol.updates import UpdateDecoder

REFERENCE = HERE / "smoke.json"
TOLERANCE = 0.25
_FEW, _MANY = 100, 500
_LIMIT_SECONDS = 120.0
_INSTRUCTIONS = re.compile(r"I +refs: +([\d,]+)")
_CACHEGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def counted() -> dict[str, float]:
    """The figures of this working tree, by name."""
    figures = blocks()
    if shutil.which("valgrind") is not None:
        yardstick, core, path = (instructions(way) for way in ("yardstick", "core", "path"))
        figures |= {
            "yardstick_instructions": yardstick,
            "core_instructions": core,
            "path_instructions": path,
            "core_to_yardstick": core / yardstick,
            "path_to_yardstick": path / yardstick,
        }
    return figures


def instructions(way: str) -> float:
    """Instructions of one more update: the difference between two runs, which begin and end alike."""
    few, many = (_instructions_of(way, count) for count in (_FEW, _MANY))
    return (many - few) / (_MANY - _FEW)


def _instructions_of(way: str, count: int) -> int:
    told = BUILD / f"{way}-{count}.log"
    told.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.replay", way, str(count)]
    # With different hash seeds, the dictionaries of two runs would differ.
    run(
        ["env", "PYTHONHASHSEED=0", *_CACHEGRIND, f"--log-file={told}", *command],
        limit_seconds=_LIMIT_SECONDS,
    )
    found = _INSTRUCTIONS.search(told.read_text())
    if found is None:
        raise BenchmarkError("valgrind did not tell the number of instructions")
    return int(found[1].replace(",", ""))


def blocks() -> dict[str, float]:
    """Memory blocks: of one decoded update, and left behind by one that was judged."""
    replay = Replay()
    texts = records(_MANY)
    for text in texts[:_FEW]:
        replay.take(text)
    gc.collect()
    before = sys.getallocatedblocks()
    for text in texts[_FEW:]:
        replay.take(text)
    gc.collect()
    left = sys.getallocatedblocks() - before
    bare = [text.removesuffix(RECORD_SEPARATOR) for text in texts]
    gc.collect()
    before = sys.getallocatedblocks()
    kept = [UpdateDecoder().decode(text) for text in bare]
    held = sys.getallocatedblocks() - before
    return {"blocks_left": left / (_MANY - _FEW), "blocks_held": held / len(kept)}


def regressions(figures: dict[str, float], reference: dict[str, float]) -> list[str]:
    """What costs over a quarter more than was committed; absolute instructions are not compared."""
    compared = ("core_to_yardstick", "path_to_yardstick", "blocks_held")
    worse = [
        f"{name}: {figures[name]:.3g}, committed {reference[name]:.3g}"
        for name in compared
        if name in figures and name in reference and figures[name] > reference[name] * (1.0 + TOLERANCE)
    ]
    # It is next to nothing, so a quarter of it means nothing. But one block per update would be a leak.
    if figures["blocks_left"] > reference["blocks_left"] + 1.0:
        worse.append(f"blocks_left: {figures['blocks_left']:.3g}, committed {reference['blocks_left']:.3g}")
    return worse


def main(*, record: bool) -> int:
    """Count and compare, or with `record` write the figures to commit; return the exit code."""
    figures = counted()
    sys.stdout.write("".join(f"{name:24} {value:12,.3f}\n" for name, value in figures.items()))
    if "core_instructions" not in figures:
        sys.stdout.write("valgrind is not installed: instructions are not counted\n")
        if os.environ.get("CI") == "true":
            return 1
    if record:
        REFERENCE.write_text(json.dumps(figures, indent=2) + "\n")
        return 0
    worse = regressions(figures, json.loads(REFERENCE.read_text()))
    for line in worse:
        sys.stderr.write(f"bench-smoke: more than a quarter above the committed figure: {line}\n")
    return 1 if worse else 0
