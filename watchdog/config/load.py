"""From a TOML file to the configuration, or to every mistake of the file at once."""

import tomllib
from pathlib import Path
from typing import Any

from watchdog.config.inheritance import completed, silence_mistakes
from watchdog.config.rules import file_path, unreadable
from watchdog.config.schema import Config, Document
from watchdog.config.texts import Utf16Error, decode
from watchdog.config.users import Users, load_users
from watchdog.config.validation import ConfigError, Table, Validation, build
from watchdog.config.values import RequestTemplate

_LARGEST_FILE_BYTES = 2**20


def load(path: Path) -> Config:
    """The configuration in a file, at most 1 MiB of UTF-8 TOML; relative paths start at the file's folder.

    Raises:
        ConfigError: with every mistake of the file, each `FILE: KEY PATH: what is wrong and what is allowed`.

    """
    return parse(read_toml(path), path)


def parse(document: Table, path: Path) -> Config:
    """What `load` returns for a TOML document that is already decoded, as if read from `path`.

    Raises:
        ConfigError: as `load` does.

    """
    source = path.absolute()

    def hook(kind: Any, value: Any) -> Any:
        if issubclass(kind, Path):
            return file_path(source.parent, value)
        if not isinstance(value, dict if kind is RequestTemplate else str):
            raise TypeError
        return kind(value)

    validation = Validation(hook)
    values = validation.values(Document, document)
    mistakes = validation.mistakes
    users = None
    try:
        users = _users(values.get("web", {}).get("basic_auth_file"))
    except ConfigError as error:
        mistakes.extend(("web.basic_auth_file", mistake) for mistake in error.mistakes)
    mistakes.extend(silence_mistakes(values))
    if mistakes:
        raise ConfigError(*(f"{path}: {where}: {text}" for where, text in mistakes))
    return build(Config, completed(values), source=source, users=users)


def _users(path: Path | None) -> Users | None:
    if wrong := unreadable(path):
        raise ConfigError(wrong)
    return None if path is None else load_users(path)


def read_toml(path: Path) -> dict[str, Any]:
    """The document in a file, at most 1 MiB of UTF-8 TOML.

    Raises:
        ConfigError: it can't be read or is no TOML.

    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
        document = tomllib.loads(decode(content)) if len(content) <= _LARGEST_FILE_BYTES else None
    except OSError as error:
        wrong = f"can't be read: {error.strerror}"
    except UnicodeDecodeError as error:
        wrong = f"expected UTF-8, but the byte at offset {error.start} isn't"
    except RecursionError:
        wrong = "not TOML: nested too deeply"
    except Utf16Error as error:
        wrong = str(error)
    except ValueError as error:
        wrong = f"not TOML: {error}"
    else:
        if document is not None:
            return document
        wrong = "expected a file of at most 1 MiB"
    raise ConfigError(f"{path}: {wrong}")
