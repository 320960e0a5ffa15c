"""Games that are not written as documented: what the checks read is taken, the rest is forgiven and named.

This is the long way, taken only by what the documented structs refuse.
"""

import math
import re
from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Raw, Struct, ValidationError, field

from watchdog.core.protocol.games import Dealer, Game, GameEvent, Hand, Result

LARGEST_ID = 2**63 - 1
MAX_TOLERATED_BYTES = 1024 * 1024
"""Reading numbers one by one takes long: no more of that, so that no hub delays another game by it."""

_LONGEST_NUMBER = 1_000
_EXACT_BELOW = 2.0**53

_WHOLE = re.compile(r"(-?[0-9]{1,19})(?:\.0*)?")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")

# .NET's DateTime.MaxValue, its "never": a seventh digit would round up into the year 10000.
_LAST_SECOND = re.compile(rb"(9999-12-31T23:59:59\.[0-9]{6})[0-9]+")

_PLACE = re.compile(r" - at `\$([^`]*)`")
_MISSING = re.compile(r"missing required field `([^`]*)`")
_INDEX = re.compile(r"\[[0-9]+\]")


class _ReadResult(Struct, frozen=True, gc=False):
    """What the checks read of a result; the numbers as they are written."""

    value: str | int | float = field(name="v")
    hand_id: Raw = field(name="hi")
    round_id: Raw = field(name="ri")
    status: Raw = field(name="s")
    sequential_number: Raw = field(name="sn")


class _ReadGame(Struct, frozen=True, gc=False):
    """What the checks read of a game."""

    id: Raw = field(name="i")
    type: Raw = field(name="t")
    last_round_id: Raw = field(name="lrId")
    state: Raw = field(name="s")
    play_status: Raw = field(name="ps")
    current_round: Raw = field(name="cr")
    starts: datetime = field(name="sdt")
    finishes: datetime = field(name="fdt")
    results: tuple[_ReadResult, ...] | None = field(name="r", default=None)


# What no check reads, each by itself: a mistake in one hides none in another.
class _Editions(Struct, frozen=True, gc=False):
    edition: str | int = field(name="ge")


class _Hands(Struct, frozen=True, gc=False):
    hands: tuple[Hand, ...] | None = field(name="h", default=None)


class _Events(Struct, frozen=True, gc=False):
    events: tuple[GameEvent, ...] | None = field(name="e", default=None)


class _Dealers(Struct, frozen=True, gc=False):
    dealer: Dealer | None = field(name="di", default=None)


class _Horseshoe(Struct, frozen=True, gc=False):
    horseshoe: bool = field(name="h")


class _Horseshoes(Struct, frozen=True, gc=False):
    results: tuple[_Horseshoe, ...] | None = field(name="r", default=None)


_decode_games = msgspec.json.Decoder(tuple[_ReadGame, ...]).decode
_decode_text = msgspec.json.Decoder(str).decode
_UNREAD: tuple[Callable[[bytes], object], ...] = (
    msgspec.json.Decoder(tuple[_Editions, ...]).decode,
    msgspec.json.Decoder(tuple[_Hands, ...]).decode,
    msgspec.json.Decoder(tuple[_Events, ...]).decode,
    msgspec.json.Decoder(tuple[_Dealers, ...]).decode,
    msgspec.json.Decoder(tuple[_Horseshoes, ...]).decode,
)


def with_dates_cut(text: bytes) -> bytes:
    """JSON with the dates of never cut to what a datetime can hold."""
    return _LAST_SECOND.sub(rb"\1", text)


def decode_games(text: bytes) -> tuple[tuple[Game, ...], tuple[str, ...]]:
    """The games in a JSON array as the checks read them, and the unread fields that are not as documented.

    Raises:
        ValidationError, RecursionError: what a check reads is missing or no value of its kind.

    """
    if len(text) > MAX_TOLERATED_BYTES:
        raise ValidationError(f"not as documented, and more than {MAX_TOLERATED_BYTES:,} bytes - at `wgi`")
    text = with_dates_cut(text)
    try:
        games = _decode_games(text)
    except ValidationError as error:
        raise ValidationError(f"{error} - in `wgi`") from None
    return tuple(_game(each) for each in games), _undocumented(text)


def whole(raw: Raw, name: str, least: int = -LARGEST_ID - 1, most: int = LARGEST_ID) -> int:
    """A whole number, also one written with a point, as a power or as digits in a text."""
    text = _text(raw)
    if (written := _WHOLE.fullmatch(text)) is not None:
        value = int(written[1])
    else:
        power = number(raw, name)
        # Beyond that, nobody knows which whole number was meant.
        if abs(power) >= _EXACT_BELOW or not power.is_integer():
            raise _expected("int", name)
        value = int(power)
    if not least <= value <= most:
        raise _expected(f"int` from {least} to `{most}", name)
    return value


def number(raw: Raw, name: str, most: float = math.inf) -> float:
    """A number, also one in a text."""
    text = _text(raw)
    if len(text) > _LONGEST_NUMBER or _NUMBER.fullmatch(text) is None or abs(value := float(text)) > most:
        raise _expected("float", name)
    return value


def _text(raw: Raw) -> str:
    data = bytes(raw)
    return _decode_text(data) if data.startswith(b'"') else data.decode()


def _expected(kind: str, name: str) -> ValidationError:
    return ValidationError(f"Expected `{kind}` - at `{name}`")


def _game(read: _ReadGame) -> Game:
    results = read.results
    return Game(
        id=whole(read.id, "wgi[].i"),
        type=whole(read.type, "wgi[].t"),
        edition="",
        last_round_id=whole(read.last_round_id, "wgi[].lrId"),
        state=whole(read.state, "wgi[].s", 1, 5),  # type: ignore[arg-type]
        play_status=whole(read.play_status, "wgi[].ps", 1, 2),  # type: ignore[arg-type]
        current_round=whole(read.current_round, "wgi[].cr"),
        starts=read.starts,
        finishes=read.finishes,
        results=None if results is None else tuple(_result(each) for each in results),
    )


def _result(read: _ReadResult) -> Result:
    return Result(
        value=_as_text(read.value),
        hand_id=whole(read.hand_id, "wgi[].r[].hi"),
        round_id=whole(read.round_id, "wgi[].r[].ri"),
        status=whole(read.status, "wgi[].r[].s", 1, 2),  # type: ignore[arg-type]
        sequential_number=whole(read.sequential_number, "wgi[].r[].sn"),
        horseshoe=False,
    )


def _as_text(value: str | float) -> str:
    """A result's value; a ball's number is the same as a number and as a text."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value)


def _undocumented(games: bytes) -> tuple[str, ...]:
    """The documented fields that no check reads and that are not as documented: of each kind the first."""
    found: list[str] = []
    for decode in _UNREAD:
        try:
            decode(games)
        except ValidationError as error:
            found.append(_place(str(error)))
    return tuple(found)


def _place(error: str) -> str:
    """The field that an error is about, without the number of the game: `wgi[].e[].c`."""
    at, missing = _PLACE.search(error), _MISSING.search(error)
    path = _INDEX.sub("[]", at[1] if at is not None else "")
    return f"wgi{path}.{missing[1]}" if missing is not None else f"wgi{path}"
