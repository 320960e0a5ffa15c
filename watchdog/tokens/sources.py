"""Tokens and secrets from where they are kept: a file or the environment."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from watchdog.core.errors import WatchdogError
from watchdog.core.token import MAX_TOKEN_CHARACTERS

_MOST_BYTES = 8 * MAX_TOKEN_CHARACTERS
_USABLE = re.compile(r"[\x21-\x7e]+")


class TokenUnavailableError(WatchdogError):
    """No token is available; the words say why and hold nothing secret.

    `retry_after_seconds` is for how long whoever was asked does not want to be asked again, if that was said.
    """

    def __init__(self, words: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(words)
        self.retry_after_seconds = retry_after_seconds


def clean_token(text: str) -> str:
    """The token in a text as people and secret stores write it: with a `Bearer`, quotes, a newline.

    Raises:
        TokenUnavailableError: it is empty, too long or no token.

    """
    token = text.strip().strip("\"'").strip()
    scheme, _, credentials = token.partition(" ")
    if scheme.lower() == "bearer":
        token = credentials.strip().strip("\"'")
    _check_length(token)
    if not _USABLE.fullmatch(token):
        raise TokenUnavailableError("it holds characters that no token has")
    return token


def clean_secret(text: str) -> str:
    """The client's secret in a text, as it stands there but for white space around it.

    Raises:
        TokenUnavailableError: it is empty, too long or not printable.

    """
    secret = text.strip()
    _check_length(secret)
    if not secret.isprintable() or "\N{REPLACEMENT CHARACTER}" in secret:
        raise TokenUnavailableError("it is not one line of readable UTF-8")
    return secret


def _check_length(text: str) -> None:
    if not text:
        raise TokenUnavailableError("it is empty")
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise TokenUnavailableError(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")


class SecretFile:
    """A token or a secret in a file, read again when the file changes.

    The file behind a symbolic link counts, so the swap of a Kubernetes secret mount is seen as well.
    """

    def __init__(self, path: Path, clean: Callable[[str], str] = clean_token) -> None:
        """`clean` makes the secret out of the file's text, or raises `TokenUnavailableError`."""
        self._path = path
        self._clean = clean
        self._seen: tuple[int, ...] | None = None
        self._secret: str | None = None
        self._problem = ""

    def read(self) -> str:
        """The secret as it is now.

        Raises:
            TokenUnavailableError: there is none.

        """
        try:
            status = self._path.stat()
            seen = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                self._secret, self._problem = None, ""
                content = self._content(status.st_mode)
                self._seen = seen
                self._secret = self._clean(content.decode("utf-8-sig", "replace"))
        except OSError as error:
            self._seen = None
            raise TokenUnavailableError(f"{self._path}: {error.strerror or type(error).__name__}") from None
        except TokenUnavailableError as problem:
            self._problem = f"{self._path}: {problem}"
        if self._secret is None:
            raise TokenUnavailableError(self._problem)
        return self._secret

    def _content(self, mode: int) -> bytes:
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for its writer, and the whole loop with it.
            raise TokenUnavailableError("it is not a regular file")
        with self._path.open("rb") as file:
            return file.read(_MOST_BYTES)


def _from_environment(name: str, clean: Callable[[str], str]) -> Callable[[], str]:
    def read() -> str:
        try:
            return clean(os.environ.get(name, ""))
        except TokenUnavailableError as problem:
            raise TokenUnavailableError(f"environment variable {name}: {problem}") from None

    return read


def reader(
    file: Path | None, env: str | None, clean: Callable[[str], str] = clean_token
) -> Callable[[], str] | None:
    """What reads a token or a secret from where the configuration says; None where it says nothing."""
    if file is not None:
        return SecretFile(file, clean).read
    return _from_environment(env, clean) if env is not None else None
