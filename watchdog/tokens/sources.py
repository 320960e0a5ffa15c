"""Tokens and secrets from where they are kept: a file or the environment."""

import os
import re
import stat
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from watchdog.config.schema import Config
from watchdog.core.arrival import Finding
from watchdog.core.token import MAX_TOKEN_CHARACTERS

_MOST_BYTES = 8 * MAX_TOKEN_CHARACTERS
_JWT_PARTS = 3
_LONGEST_NAME = 40
_OTHERS = stat.S_IROTH | stat.S_IWOTH
_USABLE = re.compile(r"[\x21-\x7e]+")


class TokenUnavailable(Exception):  # noqa: N818 - the partner's or the provider's doing, not an error of ours
    """There is no token to be had; the words say why and hold nothing secret.

    `retry_after_seconds` is for how long whoever was asked does not want to be asked again, if that was said.
    """

    def __init__(self, words: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(words)
        self.retry_after_seconds = retry_after_seconds


def clean_token(text: str) -> str:
    """The token in a text as people and secret stores write it: with a `Bearer`, quotes, a newline.

    Raises:
        TokenUnavailable: it is empty, too long or no token.

    """
    token = text.strip().strip("\"'").strip()
    scheme, _, credentials = token.partition(" ")
    if scheme.lower() == "bearer":
        token = credentials.strip().strip("\"'")
    _check_length(token)
    if not _USABLE.fullmatch(token):
        raise TokenUnavailable("it holds characters that no token has")
    return token


def clean_secret(text: str) -> str:
    """The client's secret in a text, as it stands there but for white space around it.

    Raises:
        TokenUnavailable: it is empty, too long or not printable.

    """
    secret = text.strip()
    _check_length(secret)
    if not secret.isprintable() or "\N{REPLACEMENT CHARACTER}" in secret:
        raise TokenUnavailable("it is not one line of readable UTF-8")
    return secret


def _check_length(text: str) -> None:
    if not text:
        raise TokenUnavailable("it is empty")
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise TokenUnavailable(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")


def other_partner(token: str, partner_client_id: int) -> str | None:
    """The partner that a JWT names where that is another one than ours; None for all other tokens.

    The claim is not documented: whichever is called partner client id in any spelling counts, unverified.
    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        claims = msgspec.json.decode(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    named = [str(value) for name, value in claims.items() if _letters(name) == "partnerclientid"]
    return next((name[:_LONGEST_NAME] for name in named if name != str(partner_client_id)), None)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


class SecretFile:
    """A token or a secret in a file, read again when the file changes.

    The file behind a symbolic link counts, so the swap of a Kubernetes secret mount is seen as well.
    """

    def __init__(self, path: Path, clean: Callable[[str], str] = clean_token) -> None:
        """`clean` makes the secret out of the file's text, or raises `TokenUnavailable`."""
        self._path = path
        self._clean = clean
        self._seen: tuple[int, ...] | None = None
        self._secret: str | None = None
        self._problem = ""

    def read(self) -> str:
        """The secret as it is now.

        Raises:
            TokenUnavailable: there is none.

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
            raise TokenUnavailable(f"{self._path}: {error.strerror or type(error).__name__}") from None
        except TokenUnavailable as problem:
            self._problem = f"{self._path}: {problem}"
        if self._secret is None:
            raise TokenUnavailable(self._problem)
        return self._secret

    def _content(self, mode: int) -> bytes:
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for its writer, and the whole loop with it.
            raise TokenUnavailable("it is not a regular file")
        with self._path.open("rb") as file:
            return file.read(_MOST_BYTES)


def _from_environment(name: str, clean: Callable[[str], str]) -> Callable[[], str]:
    def read() -> str:
        try:
            return clean(os.environ.get(name, ""))
        except TokenUnavailable as problem:
            raise TokenUnavailable(f"environment variable {name}: {problem}") from None

    return read


def reader(
    file: Path | None, env: str | None, clean: Callable[[str], str] = clean_token
) -> Callable[[], str] | None:
    """What reads a token or a secret from where the configuration says; None where it says nothing."""
    if file is not None:
        return SecretFile(file, clean).read
    return _from_environment(env, clean) if env is not None else None


class ExposedFiles:
    """Tells of secret files that everybody here may read or write, once until their mode changes."""

    def __init__(self) -> None:
        self._told: dict[Path, int] = {}

    def look(self, settings: Config) -> list[Finding]:
        """What is to be told of the files of a configuration; those that can't be looked at are left out."""
        told, self._told = self._told, {}
        findings = []
        for key, path in _secret_files(settings):
            try:
                mode = stat.S_IMODE(path.stat().st_mode)
            except OSError:
                continue
            if mode & _OTHERS:
                self._told[path] = mode
                if told.get(path) != mode:
                    detail: dict[str, object] = {"key": key, "path": str(path), "mode": f"{mode:04o}"}
                    findings.append(Finding("config.file_exposed", "warning", detail))
        return findings


def _secret_files(settings: Config) -> Iterator[tuple[str, Path]]:
    files: dict[str, Path | None] = {
        "web.tls_key_file": settings.web.tls_key_file,
        "web.basic_auth_file": settings.web.basic_auth_file,
    }
    for index, feed in enumerate(settings.feeds):
        files[f"feeds[{index}].token.file"] = feed.token.file
        files[f"feeds[{index}].token.secret_file"] = feed.token.secret_file
    return ((key, path) for key, path in files.items() if path is not None)
