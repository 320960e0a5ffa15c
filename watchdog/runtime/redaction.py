"""Keeps secrets out of every text that people or other programs can see."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

_SHORTEST_SECRET = 6
_MOST_SECRETS = 512
_SHORTEST_PART = 16
_DOTS = 2
_REDACTED = "[redacted]"

# In this order: a query goes whole, before the parameters in it are looked at one by one.
_PATTERNS = (
    (re.compile(r"(://)[^\s/?#@\"'<>]{1,500}@"), r"\1…@"),
    # Its address is searched up to the next "://" only: a text full of them takes no longer than another.
    (re.compile(r"(://(?:(?!://)[^\s?\"'<>])*)\?[^\s\"'<>]+"), r"\1?…"),
    (re.compile(r"(?i)\b(access_?token|client_?secret|secret|password)=[^\s&\"',;]+"), rf"\1={_REDACTED}"),
    (
        re.compile(
            r"(?i)([\"'](?:access_?token|client_?secret|secret|password)[\"']\s*:\s*)([\"'])(?:\\.|(?!\2).)+"
        ),
        rf"\1\2{_REDACTED}",
    ),
    (re.compile(r"(?i)\b(bearer)\s+[^\s\"',;)]+"), rf"\1 {_REDACTED}"),
    (
        re.compile(r"(?i)(\bauthorization[\"']?\s*[:=,]\s*(?:b?[\"'])?)(?:[a-z]+\s+)?[^\s\"',;)]+"),
        rf"\1{_REDACTED}",
    ),
    # Also one whose end was cut off.
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}"), _REDACTED),
)

TEXT_CHARACTERS = 200
"""How much is shown of a text that came from outside."""

_DEPTH = 4
_ITEMS = 50
_INT64 = 2**63

_secrets: dict[str, None] = {}


def register_secret(value: str) -> None:
    """Have `redact` remove this text wherever it stands, also percent-encoded, as JSON and line by line.

    Each part of a JWT is removed by itself as well. Only the last few hundred secrets are kept, so that
    years of refreshed tokens don't fill the memory. A text shorter than 6 characters is not registered:
    removing "1" or "test" would shred ordinary text and reveal more than it hides.
    """
    secret = value.strip()
    parts = [part for part in secret.split(".") if secret.count(".") == _DOTS and len(part) >= _SHORTEST_PART]
    for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *secret.splitlines(), *parts):
        if len(form) >= _SHORTEST_SECRET <= len(secret):
            _secrets.pop(form, None)
            _secrets[form] = None
    while len(_secrets) > _MOST_SECRETS:
        del _secrets[next(iter(_secrets))]


def register_query(query: str) -> None:
    """Have `redact` remove the fields of a URL's query, which a provider may repeat in its own words.

    A value is removed by itself only from 16 characters on: a shorter one may name a feed or a game.
    """
    for field in query.split("&"):
        value = field.partition("=")[2]
        for text in (field, value) if len(value) >= _SHORTEST_PART else (field,):
            register_secret(text)
            register_secret(unquote(text))


def redact(text: str) -> str:
    """The text without URL queries and user infos, credentials, JWTs and registered secrets."""
    # A copy, as pages are made in threads; and the longest first: one secret may be a part of another.
    for secret in sorted((each for each in tuple(_secrets) if each in text), key=len, reverse=True):
        text = text.replace(secret, _REDACTED)
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text


def present(text: str, limit: int) -> str:
    """The text redacted, with control characters escaped, and cut to `limit` characters.

    A text of any size is looked at only as far as needed, so that a hub can't stall the loop with one.
    """
    longest = max(map(len, tuple(_secrets)), default=0)
    head = 10 * limit + longest
    shown = redact(text[:head])
    if len(text) > head:
        # A secret that this first cut leaves half can't be recognized: drop its possible length as well.
        shown = shown[: max(0, len(shown) - longest)] + "…"
    return _cut(_escape(_cut(shown, limit)), limit)


def presentable(value: Any, limit: int = TEXT_CHARACTERS, depth: int = _DEPTH) -> Any:
    """The value safe to show and to write as JSON: each text presented, sizes and depth bounded."""
    match value:
        case None | bool():
            return value
        case int() if abs(value) < _INT64:
            return value
        case float() if math.isfinite(value):
            return value
        case str():
            return present(value, limit)
        case int():
            return f"{value:#x}"[:TEXT_CHARACTERS]
    return _presentable_container(value, limit, depth)


def _presentable_container(value: Any, limit: int, depth: int) -> Any:
    if depth > 0 and isinstance(value, Mapping):
        items = list(value.items())[:_ITEMS]
        return {present(str(key), limit): presentable(item, limit, depth - 1) for key, item in items}
    if depth > 0 and isinstance(value, list | tuple):
        return [presentable(item, limit, depth - 1) for item in value[:_ITEMS]]
    return present(str(value), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escape(text: str) -> str:
    """Escape what could break the line, drive a terminal or turn the direction of writing."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
