"""Who may see the web side: the file of users and the bcrypt hashes of their passwords."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from watchdog.config.texts import Utf16Error, decode
from watchdog.config.validation import ConfigError

_LARGEST_FILE_BYTES = 64 * 1024
_MOST_USERS = 100
_MAP_KEY = "basic_auth_users:"

_NAME = re.compile(r"[^\s:\"'#]{1,64}")
# The unused bits of salt and digest are zero, so a hash with a character lost or changed is seen.
_HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")
_HASH_ALLOWED = '$2a$, $2b$ or $2y$ with a cost from 04 to 15, as "htpasswd -B" writes it'
_NAME_ALLOWED = 'of 1 to 64 printable characters without spaces, quotes, ":" and "#"'


class Users(Struct, frozen=True):
    """Each user's bcrypt hash; never shown."""

    hashes: Mapping[str, bytes]

    def __repr__(self) -> str:
        return "Users(…)"


def load_users(path: Path) -> Users:
    """The 1 to 100 users in a file of at most 64 KiB of UTF-8.

    Each line is a `user:hash` as `htpasswd -B` writes it; or the first one is `basic_auth_users:` and
    those below it are an indented `user: hash`, as in Prometheus' web configuration.

    Raises:
        ConfigError: with every mistake, each `FILE:LINE: what is allowed`; none repeats anything of the file.

    """
    hashes: dict[str, bytes] = {}
    mistakes: list[str] = []
    lines_of: dict[str, int] = {}
    for number, user, hashed, wrong in _entries(_read(path)):
        if wrong:
            mistakes.append(f"{path}:{number}: {wrong}")
        elif user in hashes:
            mistakes.append(f"{path}:{number}: expected a user of its own, but line {lines_of[user]} has it")
        else:
            hashes[user], lines_of[user] = hashed.encode(), number
    if mistakes:
        raise ConfigError(*mistakes)
    if not hashes:
        raise ConfigError(f"{path}: expected at least one user")
    return Users(hashes)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
        text = decode(content)
    except OSError as error:
        raise ConfigError(f"expected a readable file, but {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: expected UTF-8") from None
    except Utf16Error as error:
        raise ConfigError(f"{path}: {error}") from None
    if len(content) > _LARGEST_FILE_BYTES:
        raise ConfigError(f"{path}: expected a file of at most 64 KiB")
    return text


def _entries(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Number, user and hash of each line that is neither blank nor a comment, and what is wrong with it."""
    lines = [(number, line.rstrip()) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line and not line.lstrip().startswith("#")]
    entry = _entry
    if lines and _without_comment(lines[0][1]) == _MAP_KEY:
        entry, lines = _mapped_entry, lines[1:]
    for number, line in lines[:_MOST_USERS]:
        yield number, *entry(line)
    if len(lines) > _MOST_USERS:
        yield lines[_MOST_USERS][0], "", "", f"expected at most {_MOST_USERS} users"


def _entry(line: str) -> tuple[str, str, str]:
    user, colon, hashed = line.partition(":")
    return user, hashed, _wrong(user, hashed) if colon else 'expected "user:hash", a user a line'


def _mapped_entry(line: str) -> tuple[str, str, str]:
    key, colon, value = _without_comment(line).partition(": ")
    user, hashed = _unquoted(key.strip(" ")), _unquoted(value.strip(" "))
    indented = key.startswith(" ") and colon
    expected = f'expected an indented "user: hash" and nothing else below {_MAP_KEY}'
    return user, hashed, _wrong(user, hashed) if indented else expected


def _wrong(user: str, hashed: str) -> str:
    if not _NAME.fullmatch(user) or not user.isprintable():
        return f"expected a user {_NAME_ALLOWED}"
    if not _HASH.fullmatch(hashed):
        return f"expected a bcrypt hash, {_HASH_ALLOWED}"
    return ""


def _without_comment(line: str) -> str:
    return line.partition(" #")[0].rstrip()


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
