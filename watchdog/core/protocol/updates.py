"""The subscription and the update of `SubOnWholeGamesInfo`, as the provider documents them."""

from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, ValidationError, field

from watchdog.core.errors import ProviderError
from watchdog.core.protocol.games import Game, without_unread_fields
from watchdog.core.protocol.records import MessageType, encode_record, fault_of
from watchdog.core.protocol.tolerant import decode_games, number, whole, with_dates_cut

SUBSCRIPTION = "SubOnWholeGamesInfo"
SUBSCRIBE_TARGET = "Subscribe"
UPDATE_TARGET = "WholeGamesInfoSubscribe"

SequenceId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
LONGEST_TIMER = 1e15
Timer = Annotated[float, Meta(ge=-LONGEST_TIMER, le=LONGEST_TIMER)]


class Update(Struct, frozen=True, gc=False):
    """One update of the feed.

    `games_unchanged` says that the games are, to the letter, those of the update before on its connection.
    `tolerated` names the fields that no check reads and that are not as documented.
    """

    games: tuple[Game, ...]
    sent: datetime
    betting_timer: float
    maintenance: bool
    sequence_id: int
    games_unchanged: bool = False
    tolerated: tuple[str, ...] = ()


_Games = TypeVar("_Games")


class _Document(Struct, Generic[_Games], frozen=True, gc=False):
    """The single argument of `WholeGamesInfoSubscribe`, its games decoded or still the text they came as."""

    games: _Games = field(name="wgi")
    sent: datetime = field(name="tst")
    betting_timer: Timer = field(name="bt")
    maintenance: bool = field(name="im")
    sequence_id: SequenceId = field(name="sId")


class _TolerantDocument(Struct, frozen=True, gc=False):
    """The same, with its games and its numbers as they are written."""

    games: msgspec.Raw = field(name="wgi")
    sent: datetime = field(name="tst")
    betting_timer: msgspec.Raw = field(name="bt")
    maintenance: bool = field(name="im")
    sequence_id: msgspec.Raw = field(name="sId")


class _Delivery(Struct, frozen=True, gc=False):
    """The record by which a hub delivers an update; one that differs in any way goes the long way."""

    type: Literal[1]
    target: Literal["WholeGamesInfoSubscribe"]
    arguments: tuple[_Document[msgspec.Raw]]
    invocation_id: None = field(name="invocationId", default=None)


class UpdateError(ProviderError):
    """An update that is no JSON, or lacks what the checks read; `reason` is `json` or `schema`."""

    def __init__(self, reason: Literal["json", "schema"], detail: str) -> None:
        super().__init__(detail)
        self.reason: Literal["json", "schema"] = reason


_NO_TEXT = msgspec.Raw()

_decode_delivery = msgspec.json.Decoder(_Delivery).decode
_decode_games = msgspec.json.Decoder(tuple[Game, ...]).decode
_decode_arguments = msgspec.json.Decoder(tuple[_Document[tuple[Game, ...]]]).decode
_decode_tolerantly = msgspec.json.Decoder(tuple[_TolerantDocument]).decode


def decode_update(arguments: bytes | str | msgspec.Raw) -> Update:
    """The update in the arguments of an invocation: a JSON array with the one documented object.

    Raises:
        UpdateError: with the path of the first mistake; never anything else, whatever the input.

    """
    try:
        return _decode(arguments)
    except (ValueError, RecursionError) as error:
        raise UpdateError(*fault_of(arguments, error)) from None


def _decode(arguments: bytes | str | msgspec.Raw) -> Update:
    try:
        (document,) = _decode_arguments(arguments)
    except ValidationError:
        pass
    else:
        return Update(
            document.games, document.sent, document.betting_timer, document.maintenance, document.sequence_id
        )
    raw = arguments.encode() if isinstance(arguments, str) else bytes(arguments)
    (tolerant,) = _decode_tolerantly(with_dates_cut(raw))
    games, tolerated = decode_games(bytes(tolerant.games))
    return Update(
        games=games,
        sent=tolerant.sent,
        betting_timer=number(tolerant.betting_timer, "bt", LONGEST_TIMER),
        maintenance=tolerant.maintenance,
        sequence_id=whole(tolerant.sequence_id, "sId", 0),
        tolerated=tolerated,
    )


class UpdateDecoder:
    """Decodes the records by which the hub delivers updates over one connection, one after the other.

    The games are nearly all of an update, and change when something happens at the table: text that is the
    same as in the update before is not decoded again. What no check reads is looked at, and not kept.
    """

    __slots__ = ("_games", "_text", "_tolerated")

    def __init__(self) -> None:
        self._text = _NO_TEXT
        self._games: tuple[Game, ...] = ()
        self._tolerated: tuple[str, ...] = ()

    def decode(self, record: str) -> Update:
        """The update in a record that is the ordinary delivery of one.

        Raises:
            ValueError, RecursionError: it is anything else, or invalid.

        """
        # A record that can't be decoded here may still be an update: the next one's games then follow those.
        before, self._text = self._text, _NO_TEXT
        (document,) = _decode_delivery(record).arguments
        unchanged = document.games == before
        if not unchanged:
            self._take_games(document.games)
        self._text = document.games
        return Update(
            self._games,
            document.sent,
            document.betting_timer,
            document.maintenance,
            document.sequence_id,
            unchanged,
            self._tolerated,
        )

    def _take_games(self, text: msgspec.Raw) -> None:
        try:
            self._games, self._tolerated = without_unread_fields(_decode_games(text)), ()
        except ValidationError:
            self._games, self._tolerated = decode_games(bytes(text))


def is_update(target: str) -> bool:
    """Whether an invocation's target is the update's; SignalR compares names without regard to case."""
    return target == UPDATE_TARGET or target.lower() == UPDATE_TARGET.lower()


def subscribe_record(game_type: int, partner_client_id: int) -> str:
    """The record that subscribes to one game type, as the specification's example has it."""
    document = msgspec.json.encode(
        {"GameType": game_type, "PartnerClientId": partner_client_id, "Count": 1}
    ).decode()
    return encode_record(
        {
            "arguments": [SUBSCRIPTION, document],
            "target": SUBSCRIBE_TARGET,
            "type": int(MessageType.INVOCATION),
        }
    )


def unix_seconds(moment: datetime) -> float:
    """UNIX seconds of a documented date and time; one without an offset is UTC, as .NET may write it."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def foreign_game(update: Update, game_type: int) -> str | None:
    """Says how an update holds a game of another type than the one subscribed to; None if it does not."""
    for game in update.games:
        if game.type != game_type:
            return f"subscribed to game type {game_type}, got {game.type}"
    return None


# Before: .NET's date that was never set (the year 1), those of databases and spreadsheets, and UNIX 0, in any
# time zone. From: .NET's last date, its "never".
_KNOWN_FROM = 86_400.0
_KNOWN_BEFORE = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def known_seconds(moment: datetime) -> float | None:
    """UNIX seconds of a date and time; None for one that was never set, which says nothing."""
    seconds = unix_seconds(moment)
    return seconds if _KNOWN_FROM <= seconds < _KNOWN_BEFORE else None
