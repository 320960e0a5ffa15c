"""Where the token stands in a text: the answer of an endpoint, a line of an env file, or the token alone."""

import re
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from watchdog.core.claims import number_of
from watchdog.core.token import MAX_TOKEN_CHARACTERS

TOKEN_NAMES = ("accesstoken", "token")
LIFE_NAMES = ("expiresin",)
_WRAPPERS = ("data", "result")
_JWT_DOTS = 2
_SHORTEST_OPAQUE = 20
_LONGEST_LIFE_SECONDS = 1e12
_LONGEST_LIKELY_LIFE_SECONDS = 31 * 86_400.0

_USABLE = re.compile(r"[\x21-\x7e]+")
_BEARER = re.compile(r"[A-Za-z0-9._~+/|:-]+=*")
_ASSIGNMENT = re.compile(
    r"(?P<export>(?:export|set|setx)\s+|\$env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)",
    re.IGNORECASE,
)
_MARKUP = ("{", "[", "<")
_COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""How gzip begins, and zlib ("deflate") at its four levels."""

_BROKEN = "the answer is compressed, and broken"
_WINDOW_BITS = 32 + zlib.MAX_WBITS
"""zlib's largest window, with gzip's header or its own."""


def token_in(text: str) -> str:
    """The token in what an operator put where the token belongs.

    It may stand there alone, as `TOKEN=…` or `export TOKEN=…`, or in an endpoint's whole answer.

    Raises:
        ValueError: there is none, or one that is empty, too long or no token.

    """
    text = text.strip()
    if text.startswith("{"):
        return _in_json(text)
    assigned = _assigned(text)
    return clean_token(text if assigned is None else assigned)


def clean_token(text: str) -> str:
    """The token in a text that holds nothing else: with a `Bearer`, quotes, a newline.

    Raises:
        ValueError: it is empty, too long or no token.

    """
    token = text.strip().strip("\"'").strip()
    scheme, _, credentials = token.partition(" ")
    if scheme.lower() == "bearer":
        token = credentials.strip().strip("\"'")
    check_length(token)
    if token.startswith(_MARKUP) or not _USABLE.fullmatch(token) or _assigned(token) is not None:
        raise ValueError("it holds characters that no token has")
    return token


def check_length(text: str) -> None:
    """Raise ValueError for a text that is empty or longer than any token."""
    if not text:
        raise ValueError("it is empty")
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise ValueError(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")


def find(document: Any, path: str | None, names: tuple[str, ...]) -> Any:
    """The field at a dotted path, or under one of the usual names, at the top or in a wrapper.

    Names count in any capitals and with or without underscores; a path is taken as it is written, or else in
    any capitals.
    """
    if path is not None:
        for key in path.split("."):
            document = _member(document, key)
        return document
    for place in (document, *(_usual(document, wrapper) for wrapper in _WRAPPERS)):
        found = next((value for name in names if (value := _usual(place, name)) is not None), None)
        if found is not None:
            return found
    return None


def life_seconds(value: Any) -> float | None:
    """How long a token lives by its answer: seconds, or milliseconds where those would be more than a month.

    A life that is taken for too short costs a request; one that is taken for too long, the token.
    """
    seconds = number_of(value)
    if seconds is None or not 0.0 < seconds < _LONGEST_LIFE_SECONDS:
        return None
    return seconds if seconds <= _LONGEST_LIKELY_LIFE_SECONDS else seconds / 1000.0


def document_of(body: bytes, largest_bytes: int) -> Any:
    """What an endpoint answered: JSON, or the text of a bare token.

    It may begin with a byte order mark, and be compressed although nobody asked for that.

    Raises:
        ValueError: it is neither.

    """
    text = _text(_unpacked(body, largest_bytes))
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        pass
    if not _looks_like_token(text.strip()):
        raise ValueError("the answer is no JSON")
    return text.strip()


def token_of(document: Any, path: str | None) -> str:
    """The token in an answer: at the path, or under one of the usual names, or all of it.

    Raises:
        ValueError: there is none.

    """
    bare = isinstance(document, str) and path is None and _looks_like_token(document.strip())
    token = document if bare else find(document, path, TOKEN_NAMES)
    return clean_token(_text_of(token, "the answer holds no token"))


def _looks_like_token(text: str) -> bool:
    """Whether a text that nobody calls a token is one, and no word of a server."""
    long_enough = text.count(".") == _JWT_DOTS or len(text) >= _SHORTEST_OPAQUE
    return long_enough and _BEARER.fullmatch(text) is not None


def _text_of(value: Any, otherwise: str) -> str:
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return value
    raise ValueError(otherwise)


def _in_json(text: str) -> str:
    try:
        token = find(msgspec.json.decode(text), None, TOKEN_NAMES)
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("it begins like JSON, but it is none") from None
    return clean_token(_text_of(token, "it is JSON without an access_token or token in it"))


def _assigned(text: str) -> str | None:
    """What the lines of an env file give the token; None where the text is nothing of the sort."""
    lines = [line for each in text.splitlines() if (line := each.strip()) and not line.startswith("#")]
    found = [match for line in lines if (match := _ASSIGNMENT.fullmatch(line))]
    if not found or len(found) < len(lines):
        return None
    if len(found) == 1 and not found[0]["export"] and not found[0]["value"].strip("="):
        # The padding of Base64, unless a name stands there.
        return "" if found[0]["name"].lower().endswith("token") else None
    named = (
        found
        if len(found) == 1 and found[0]["export"]
        else [each for each in found if _names_token(each["name"])]
    )
    if len(named) != 1:
        raise ValueError("it is lines NAME=value, of which not exactly one is named after a token")
    return named[0]["value"].split(" #")[0].rstrip("; ")


def _names_token(name: str) -> bool:
    return "token" in name.lower() or "jwt" in name.lower()


def _member(document: Any, key: str) -> Any:
    if not isinstance(document, Mapping):
        return None
    return document[key] if key in document else _in_any_capitals(document, key)


def _in_any_capitals(document: Mapping[str, Any], key: str) -> Any:
    return next((value for name, value in document.items() if name.lower() == key.lower()), None)


def _usual(document: Any, wanted: str) -> Any:
    if not isinstance(document, Mapping):
        return None
    spelled = (value for name, value in document.items() if re.sub("[_-]", "", name).lower() == wanted)
    return next((value for value in spelled if value is not None), None)


def _unpacked(body: bytes, largest_bytes: int) -> bytes:
    if not body.startswith(_COMPRESSED):
        return body
    unpacking = zlib.decompressobj(_WINDOW_BITS)
    try:
        plain = unpacking.decompress(body, largest_bytes)
    except zlib.error:
        raise ValueError(_BROKEN) from None
    if not unpacking.eof:
        longer = f"the answer is longer than {largest_bytes} bytes when unpacked"
        raise ValueError(longer if unpacking.unconsumed_tail else _BROKEN)
    return plain


def _text(body: bytes) -> str:
    encoding = "utf-16" if body.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError("the answer is no JSON") from None
