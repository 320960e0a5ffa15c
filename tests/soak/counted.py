"""The watchdog, which on SIGUSR1 also writes down how many tasks it has: `counted FILE run --config …`.

Nothing outside a process tells how many Trio tasks it runs. The program is the one that users start; only the
signal's handler is added, and it does nothing until it is asked.
"""

import gc
import json
import os
import signal
import sys
from pathlib import Path

import trio

from watchdog.cli import main


def _tasks() -> int:
    """The tasks of the running loop, its own included."""
    waiting, count = [trio.lowlevel.current_root_task()], 0
    while waiting:
        task = waiting.pop()
        if task is not None:
            count += 1
            waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return count


def _answer_to(path: Path) -> None:
    output = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def answer(_signal: int, _frame: object) -> None:
        # What only waits for the next collection is not held.
        gc.collect()
        line = {"tasks": _tasks(), "blocks": sys.getallocatedblocks()}
        os.write(output, json.dumps(line).encode() + b"\n")

    signal.signal(signal.SIGUSR1, answer)


if __name__ == "__main__":
    _answer_to(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
