"""Rules for the tables of the configuration: between keys, and for the files that they name."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from watchdog.config.validation import Mistake, Table
from watchdog.runtime.tls import client_context, server_context


def tables(table: object, key: str) -> list[Table]:
    """An array's tables in their places, an empty one where something else stands."""
    found = table.get(key) if isinstance(table, Mapping) else None
    return [each if isinstance(each, Mapping) else {} for each in found] if isinstance(found, list) else []


def exactly_one(given: Table, keys: Sequence[str], allowed: str) -> Iterator[Mistake]:
    """A mistake of the table itself unless exactly one of the keys is given."""
    found = [key for key in keys if key in given]
    if len(found) != 1:
        yield "", f"expected {allowed}, got {' and '.join(found) or 'none'}"


def duplicates(array: str, key: str, values: Sequence[object]) -> Iterator[Mistake]:
    """A mistake for each text or number that an earlier table of the array has as well."""
    first: dict[str | float, int] = {}
    for index, value in enumerate(values):
        if (
            isinstance(value, str | int | float)
            and not isinstance(value, bool)
            and first.setdefault(value, index) != index
        ):
            yield (
                f"{array}[{index}].{key}",
                f"expected a {key} of its own, but {array}[{first[value]}] has it",
            )


def unreadable(path: Path | None) -> str | None:
    """Why a file that has to be there now can't be read; None when it can, or when none is named."""
    if path is None:
        return None
    # Before opening: a pipe would wait for its writer.
    if path.exists() and not path.is_file():
        return f"expected a readable file, but {path} isn't a file"
    try:
        path.open("rb").close()
    except OSError as error:
        return f"expected a readable file, but {path} can't be read: {error.strerror}"
    return None


def ca_mistake(path: Path) -> str | None:
    """Why a file of certificate authorities can't be used; None when it can."""
    try:
        usable = client_context(str(path)).cert_store_stats()["x509"] > 0
    except OSError:
        usable = False
    if not usable:
        return f"expected a PEM file with at least one certificate, which {path} isn't"
    return None


def pair_mistake(cert: Path, key: Path) -> str | None:
    """Why a server can't use a certificate and its key; None when it can."""
    context: Any = server_context()
    try:
        # With a password given, OpenSSL doesn't ask for one on the terminal.
        context.load_cert_chain(cert, key, password="")
    except (OSError, ValueError):
        return f"expected PEM files of a certificate and its unencrypted key, which {cert} and {key} aren't"
    return None


def file_path(folder: Path, value: object) -> Path:
    """The path that a text names, relative to the folder.

    Raises:
        TypeError: it is no text.
        ValueError: it is no path.

    """
    if not isinstance(value, str):
        raise TypeError
    if not value or not value.isprintable():
        raise ValueError("expected a path of printable characters")
    return folder / value
