"""Who may see the web side: the file of users and the bcrypt hashes of their passwords."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchdog.core.errors import OperatorError

_LARGEST_FILE_BYTES: Final = 64 * 1024
_MOST_USERS: Final = 100
_MAP_KEY: Final = "basic_auth_users:"

_NAME: Final = re.compile(r"[^\s:\"'#]{1,64}")
# The unused bits of salt and digest are zero, so a hash with a character lost or changed is seen.
_HASH: Final = re.compile(
    r"\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
)
_HASH_ALLOWED: Final = '$2a$, $2b$ or $2y$ with a cost from 04 to 15, as "htpasswd -B" writes it'
_NAME_ALLOWED: Final = 'of 1 to 64 printable characters without spaces, quotes, ":" and "#"'


class UsersError(OperatorError):
    """A file of users that can't be used; `mistakes` holds one line for each thing wrong with it."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes: Final = mistakes


@dataclass(frozen=True, slots=True)
class Users:
    """Each user's bcrypt hash; never shown."""

    hashes: Mapping[str, bytes] = field(repr=False)


def load_users(path: Path) -> Users:
    """Read a file of 1 to 100 users, at most 64 KiB of UTF-8.

    Each line is a `user:hash` as `htpasswd -B` writes it; or the first one is `basic_auth_users:` and
    those below it are an indented `user: hash`, as in Prometheus' web configuration. Raises UsersError
    with every mistake, each `FILE:LINE: what is allowed`; none repeats anything of the file.
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
        raise UsersError(*mistakes)
    if not hashes:
        raise UsersError(f"{path}: expected at least one user")
    return Users(hashes)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
        text = content.decode()
    except OSError as error:
        raise UsersError(f"expected a readable file, but {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsersError(f"{path}:{line}: expected UTF-8") from None
    if len(content) > _LARGEST_FILE_BYTES:
        raise UsersError(f"{path}: expected a file of at most 64 KiB")
    return text


def _entries(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield number, user and hash of each line that is neither blank nor a comment, and what is wrong."""
    lines = [(number, line.rstrip()) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line and not line.lstrip().startswith("#")]
    mapped = bool(lines) and _without_comment(lines[0][1]) == _MAP_KEY
    for count, (number, line) in enumerate(lines[1:] if mapped else lines):
        if count == _MOST_USERS:
            yield number, "", "", f"expected at most {_MOST_USERS} users"
            return
        yield number, *(_mapped_entry(line) if mapped else _entry(line))


def _entry(line: str) -> tuple[str, str, str]:
    user, colon, hashed = line.partition(":")
    return user, hashed, _wrong(user, hashed) if colon else 'expected "user:hash", a user a line'


def _mapped_entry(line: str) -> tuple[str, str, str]:
    key, colon, value = _without_comment(line).partition(": ")
    if not colon or not key.startswith(" "):
        return "", "", f'expected an indented "user: hash" and nothing else below {_MAP_KEY}'
    user, hashed = _unquoted(key.strip(" ")), _unquoted(value.strip(" "))
    return user, hashed, _wrong(user, hashed)


def _wrong(user: str, hashed: str) -> str:
    if not _NAME.fullmatch(user) or not user.isprintable():
        return f"expected a user {_NAME_ALLOWED}"
    if not _HASH.fullmatch(hashed):
        return f"expected a bcrypt hash, {_HASH_ALLOWED}"
    return ""


def _without_comment(line: str) -> str:
    return line.partition(" #")[0].rstrip()


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text
