"""Tokens and secrets from where the operator keeps them: a file or the environment."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from watchdog.config.texts import decode
from watchdog.core.errors import OperatorError
from watchdog.core.token import MAX_TOKEN_CHARACTERS
from watchdog.tokens.answer import check_length, clean_token, token_in

__all__ = ["Clean", "CredentialError", "SecretFile", "clean_secret", "clean_token", "reader", "token_in"]

_MOST_BYTES = 8 * MAX_TOKEN_CHARACTERS

Clean = Callable[[str], str]
"""Returns the token or the secret in a text, or raises ValueError with what is wrong with it."""


class CredentialError(OperatorError):
    """A token or a secret can't be read; the words say why and hold nothing secret."""


def clean_secret(text: str) -> str:
    """The client's secret in a text, as it stands there but for white space around it.

    Raises:
        ValueError: it is empty, too long or not printable.

    """
    secret = text.strip()
    check_length(secret)
    if not secret.isprintable() or "\N{REPLACEMENT CHARACTER}" in secret:
        raise ValueError("it is not one line of readable UTF-8")
    return secret


class SecretFile:
    """A token or a secret in a file, which is opened again only when it has changed.

    The file behind a symbolic link counts, so the swap of a Kubernetes secret mount is seen as well.
    """

    def __init__(self, path: Path, clean: Clean) -> None:
        self._path = path
        self._clean = clean
        self._seen: tuple[int, ...] | None = None
        self._content = b""
        self.written_at = 0.0
        """When the file was last written, UNIX seconds by the clock of its file system."""

    def read(self) -> str:
        """The secret as it is now.

        Raises:
            CredentialError: there is none.

        """
        try:
            self._look()
            return self._clean(decode(self._content, "replace"))
        except OSError as error:
            raise CredentialError(f"{self._path}: {error.strerror or type(error).__name__}") from None
        except ValueError as problem:
            raise CredentialError(f"{self._path}: {problem}") from None

    def _look(self) -> None:
        status = self._path.stat()
        if not stat.S_ISREG(status.st_mode):
            # Opening a pipe would wait for its writer, and the whole loop with it.
            raise ValueError("it is not a regular file")
        seen = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            with self._path.open("rb") as file:
                self._content = file.read(_MOST_BYTES)
            self._seen = seen
            self.written_at = status.st_mtime


def reader(file: Path | None, env: str | None, clean: Clean) -> Callable[[], str]:
    """What reads a token or a secret from the file or the variable, whichever the configuration names."""
    if file is not None:
        return SecretFile(file, clean).read

    def read() -> str:
        try:
            return clean(os.environ.get(env or "", ""))
        except ValueError as problem:
            raise CredentialError(f"environment variable {env}: {problem}") from None

    return read
