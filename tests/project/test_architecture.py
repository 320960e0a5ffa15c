"""What `core` may know: itself, msgspec, and what of the standard library has no clock and no world outside.

A list of what is forbidden has gaps, so this is one of what is allowed.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "watchdog" / "core").rglob("*.py"))

ALLOWED = {
    *(
        "array",
        "base64",
        "bisect",
        "collections",
        "datetime",
        "enum",
        "functools",
        "io",
        "itertools",
        "math",
        "re",
        "typing",
    ),
    "msgspec",
}
CLOCKS = {"now", "utcnow", "today"}
"""Of datetime's classes."""

WORLD = {"open", "open_code", "FileIO", "print", "input", "breakpoint", "exec", "eval", "__import__"}
"""Of the builtins and of io."""


def reached(source):
    """What a module imports besides core, and which names of the world outside it uses."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if not allowed(each.name))
            case ast.ImportFrom(module=module, level=level, names=names):
                if level or not allowed(module):
                    yield f"{'.' * level}{module or ''}"
                yield from (each.name for each in names if each.name in WORLD)
            case ast.Name(id=name) if name in WORLD:
                yield name
            case ast.Attribute(attr=name) if name in CLOCKS | WORLD:
                yield name


def allowed(module):
    return module.split(".")[0] in ALLOWED or module == "watchdog.core" or module.startswith("watchdog.core.")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_knows_no_clock_no_network_no_files_and_no_randomness(path):
    assert list(reached(path.read_text())) == []


def test_every_module_of_core_is_looked_at():
    assert len(MODULES) > 25


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import subprocess", ["subprocess"]),
        ("import math, os.path", ["os.path"]),
        ("from pathlib import Path", ["pathlib"]),
        ("def f():\n    from urllib import request", ["urllib"]),
        ("from watchdog.hub import reader", ["watchdog.hub"]),
        ("from watchdog import core", ["watchdog"]),
        ("from . import monitor", ["."]),
        ("import watchdog.corelike", ["watchdog.corelike"]),
        ("from io import StringIO, open_code", ["open_code"]),
        ("datetime.now()", ["now"]),
        ("date.today", ["today"]),
        ("open('x')", ["open"]),
        ("__import__('time')", ["__import__"]),
        ("import watchdog.core.monitor, msgspec.json, collections.abc", []),
    ],
)
def test_what_core_must_not_know_is_found(source, found):
    assert list(reached(source)) == found
