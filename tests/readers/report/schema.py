"""Writes the JSON Schema of statements again, after a change of its records.

Run `python -m tests.readers.report.schema`.
"""

import json
from inspect import cleandoc
from pathlib import Path

import msgspec

from watchdog.core.statement.records import SCHEMA, Statement

PATH = Path(__file__).parents[3] / "watchdog" / "readers" / "report" / "statement.schema.json"


def made_schema():
    """The schema as the records have it, with their docstrings as descriptions."""
    schema = msgspec.json.schema(Statement)
    for definition in schema["$defs"].values():
        definition["description"] = " ".join(cleandoc(definition["description"]).replace("`", "").split())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA}",
        "title": SCHEMA,
        **schema,
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(made_schema(), indent=2, ensure_ascii=False) + "\n")
