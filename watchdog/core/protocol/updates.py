"""The subscription and the update of `SubOnWholeGamesInfo`, as the provider documents them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field, structs

from watchdog.core.errors import ProviderError
from watchdog.core.protocol.records import MessageType, encode_record, fault_of

SUBSCRIPTION = "SubOnWholeGamesInfo"
SUBSCRIBE_TARGET = "Subscribe"
UPDATE_TARGET = "WholeGamesInfoSubscribe"

Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number of 64 bits: wider ones are no identifiers of this feed."""

SequenceId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Timer = Annotated[float, Meta(ge=-1e15, le=1e15)]


class GameState:
    """Values of a game's `s`."""

    AWAITING = 1
    ACTIVE = 2
    FINISHED = 3
    REVIEW = 4
    CANCELLED = 5


class PlayStatus:
    """Values of a game's `ps`."""

    BETTING_TIME = 1
    GAME_ACTION = 2


class ResultStatus:
    """Values of a result's `s`."""

    ACCEPTED = 1
    CANCELED = 2


class Result(Struct, frozen=True, gc=False):
    """One published element: a card on the table, a ball drawn (`wgi[].r[]`)."""

    value: str = field(name="v")
    hand_id: Id = field(name="hi")
    round_id: Id = field(name="ri")
    status: Literal[1, 2] = field(name="s")
    sequential_number: Id = field(name="sn")
    horseshoe: bool = field(name="h")


class HandResult(Struct, frozen=True, gc=False):
    """One element laid to a hand (`wgi[].h[].r[]`)."""

    value: str = field(name="Value")
    game_id: Id = field(name="GameId")
    manual_control: bool = field(name="ManualControl")
    created: datetime = field(name="Created")
    hand_id: Id = field(name="HandId")
    result_action: str = field(name="ResultAction")
    round_id: Id = field(name="RoundId")
    status: Id = field(name="Status")
    sequential_number: Id = field(name="SequentialNumber")
    studio_created: datetime = field(name="StudioCreated")
    horseshoe: bool = field(name="Horseshoe")


class Hand(Struct, frozen=True, gc=False):
    """One hand and its score (`wgi[].h[]`)."""

    id: Id = field(name="i")
    status: Id = field(name="s")
    score: float = field(name="p")
    results: tuple[HandResult, ...] | None = field(name="r", default=None)


class GameEvent(Struct, frozen=True, gc=False):
    """One event that bets are taken on, with its coefficient (`wgi[].e[]`)."""

    type: Id = field(name="t")
    coefficient: float = field(name="c")
    blocked: bool = field(name="b")
    short_number: str = field(name="sn")
    parameters: tuple[Any, ...] | None = field(name="p", default=None)


class Dealer(Struct, frozen=True, gc=False):
    """Who deals (`wgi[].di`)."""

    id: Id
    name: str = field(name="n")
    age: Id = field(name="a")
    country: str = field(name="c")


class Game(Struct, frozen=True, gc=False):
    """One game, which the provider also calls a round (`wgi[]`).

    `edition` is a number in the specification's table and a text in its example: both are accepted.
    `hands`, `results`, `events` and `dealer` may be missing or null.
    """

    id: Id = field(name="i")
    type: Id = field(name="t")
    edition: str | int = field(name="ge")
    last_round_id: Id = field(name="lrId")
    state: Literal[1, 2, 3, 4, 5] = field(name="s")
    play_status: Literal[1, 2] = field(name="ps")
    current_round: Id = field(name="cr")
    starts: datetime = field(name="sdt")
    finishes: datetime = field(name="fdt")
    results: tuple[Result, ...] | None = field(name="r", default=None)
    hands: tuple[Hand, ...] | None = field(name="h", default=None)
    events: tuple[GameEvent, ...] | None = field(name="e", default=None)
    dealer: Dealer | None = field(name="di", default=None)


class Update(Struct, frozen=True, gc=False):
    """One update of the feed.

    `games_unchanged` says that the games are, to the letter, those of the update before on its connection.
    """

    games: tuple[Game, ...]
    sent: datetime
    betting_timer: float
    maintenance: bool
    sequence_id: int
    games_unchanged: bool = False


_Games = TypeVar("_Games")


class _Document(Struct, Generic[_Games], frozen=True, gc=False):
    """The single argument of `WholeGamesInfoSubscribe`, its games decoded or still the text they came as."""

    games: _Games = field(name="wgi")
    sent: datetime = field(name="tst")
    betting_timer: Timer = field(name="bt")
    maintenance: bool = field(name="im")
    sequence_id: SequenceId = field(name="sId")


class _Delivery(Struct, frozen=True, gc=False):
    """The record by which a hub delivers an update; one that differs in any way goes the long way."""

    type: Literal[1]
    target: Literal["WholeGamesInfoSubscribe"]
    arguments: tuple[_Document[msgspec.Raw]]
    invocation_id: None = field(name="invocationId", default=None)


class UpdateError(ProviderError):
    """An update that is no JSON, or not the documented one; `reason` is `json` or `schema`."""

    def __init__(self, reason: Literal["json", "schema"], detail: str) -> None:
        super().__init__(detail)
        self.reason: Literal["json", "schema"] = reason


# .NET's DateTime.MaxValue, its "never": a seventh digit would round up into the year 10000.
_LAST_SECOND = re.compile(rb"(9999-12-31T23:59:59\.[0-9]{6})[0-9]+")

_NO_TEXT = msgspec.Raw()

_decode_delivery = msgspec.json.Decoder(_Delivery).decode
_decode_games = msgspec.json.Decoder(tuple[Game, ...]).decode
_decode_arguments = msgspec.json.Decoder(tuple[_Document[tuple[Game, ...]]]).decode


def decode_update(arguments: bytes | str | msgspec.Raw) -> Update:
    """The update in the arguments of an invocation: a JSON array with the one documented object.

    Raises:
        UpdateError: with the path of the first mistake; never anything else, whatever the input.

    """
    try:
        document = _decode(arguments)
    except (ValueError, RecursionError) as error:
        raise UpdateError(*fault_of(arguments, error)) from None
    return Update(
        document.games, document.sent, document.betting_timer, document.maintenance, document.sequence_id
    )


def _decode(arguments: bytes | str | msgspec.Raw) -> _Document[tuple[Game, ...]]:
    """The document in the arguments, its dates cut to what a datetime can hold where need be."""
    try:
        (document,) = _decode_arguments(arguments)
    except ValueError:
        raw = arguments.encode("utf-8", "surrogatepass") if isinstance(arguments, str) else bytes(arguments)
        shortened, count = _LAST_SECOND.subn(rb"\1", raw)
        if not count:
            raise
        (document,) = _decode_arguments(shortened)
    return document


class UpdateDecoder:
    """Decodes the records by which the hub delivers updates over one connection, one after the other.

    The games are nearly all of an update, and change when something happens at the table: text that is the
    same as in the update before is not decoded again. What no check reads is validated, and not kept.
    """

    __slots__ = ("_games", "_text")

    def __init__(self) -> None:
        self._text = _NO_TEXT
        self._games: tuple[Game, ...] = ()

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
            self._games = without_unread_fields(_decode_games(document.games))
        self._text = document.games
        return Update(
            self._games,
            document.sent,
            document.betting_timer,
            document.maintenance,
            document.sequence_id,
            unchanged,
        )


def without_unread_fields(games: tuple[Game, ...]) -> tuple[Game, ...]:
    """The games without what no check reads."""
    return tuple(structs.replace(game, hands=None, events=None, dealer=None) for game in games)


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
