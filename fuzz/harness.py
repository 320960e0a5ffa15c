"""What the fuzzer calls: one function for each reader of foreign bytes.

A harness takes any bytes and returns nothing. It fails with an exception that the reader does not document,
or with an `AssertionError` where an invariant does not hold. The test suite replays the corpus through the
same functions, without atheris.
"""

from collections.abc import Callable, Coroutine, Mapping
from http.cookiejar import CookieJar
from typing import Any

from msgspec import Raw, json
from msgspec.structs import replace

from fuzz.library import alone, shared
from watchdog.config.schema import Token
from watchdog.core.arrival import Arrival
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.claims import read_claims
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import Event, Invocation, TooManyRecords, UpdateReceived
from watchdog.core.protocol.games import without_unread_fields
from watchdog.core.protocol.signalr import Session
from watchdog.core.protocol.updates import (
    Update,
    UpdateDecoder,
    UpdateError,
    decode_update,
    is_update,
    known_seconds,
)
from watchdog.core.protocol.websocket import FrameReader, Passthrough
from watchdog.hub.negotiation import negotiate
from watchdog.hub.transport import ConnectionLostError
from watchdog.hub.websocket import MAX_MESSAGE_BYTES
from watchdog.runtime.http_client import Answer
from watchdog.tokens.endpoint import TokenEndpointError, read_answer

_SUBSCRIBE = '{"type":1}\x1e'
_NOW = 1_750_348_638.0
_SEPARATOR = b"\0\0"
_MOST_PIECES = 1_000
_COMPARED_BYTES = 512


def session(data: bytes) -> None:
    """Records to a session, whole and split: the same events and answers, each update decoded or refused."""
    # A thousand pieces show the same as ten thousand, in a tenth of the time.
    step = max(data[0] % 64 + 1, len(data) // _MOST_PIECES) if data else 1
    text = data[1:].decode("utf-8", "surrogateescape")
    whole, pieces = Session(_SUBSCRIBE, 0.0), Session(_SUBSCRIBE, 0.0)
    events = whole.receive(text, 1.0)
    if events == [TooManyRecords()]:
        return  # too many records for one message, not for several
    split: list[Event] = []
    for start in range(0, len(text), step):
        split += pieces.receive(text[start : start + step], 1.0)
    assert _comparable(events) == _comparable(split)
    answer = whole.data_to_send()
    assert answer == pieces.data_to_send()
    answer.encode()
    shortened = Session(_SUBSCRIBE, 0.0, expected=UpdateDecoder().decode).receive(text, 1.0)
    before: Update | None = None
    for event, short in zip(events, shortened, strict=True):
        decoded = None
        if isinstance(event, Invocation) and is_update(event.target):
            decoded = _update(event.arguments)
        if isinstance(short, UpdateReceived):
            assert decoded is not None
            update, games = short.update, without_unread_fields(decoded.games)
            assert update == replace(decoded, games=games, games_unchanged=update.games_unchanged)
            assert not update.games_unchanged or (before is not None and games == before.games)
        before = decoded and replace(decoded, games=without_unread_fields(decoded.games))


def frames(data: bytes) -> None:
    """FrameReader of a WebSocket, whole and split: the same messages as the library alone finds in them."""
    step, data = (data[0] % 16 + 1 if data else 1), data[1:]
    reader = FrameReader(MAX_MESSAGE_BYTES)
    reader.feed(data)
    while (piece := reader.next()) is not None:
        if isinstance(piece, Passthrough) and piece.then == "oversize":
            break
    # The library takes a hundred times as long.
    data = data[:_COMPARED_BYTES]
    found = alone(data)
    assert shared([data]) == found
    assert shared(data[start : start + step] for start in range(0, len(data), step)) == found


def update(data: bytes) -> None:
    """Give the arguments of an update to the decoder, and what comes out of it to a monitor."""
    _update(data)


def negotiation(data: bytes) -> None:
    """Answers to negotiate, one after the other: a hub to connect to, or a named reason why not."""
    client = _Client(data.split(_SEPARATOR))
    try:
        found = _outcome(negotiate(client, "wss://hub.example/hubs?partner=1", "a-token"))  # type: ignore[arg-type]
    except ConnectionLostError as lost:
        assert len(lost.detail) <= len(data) + 200
        return
    assert found.url.startswith("wss://")
    assert found.connection_id


def token(data: bytes) -> None:
    """An answer of the token endpoint, and the token in it as a JWT."""
    try:
        found, seconds = read_answer(Answer(200, data), Token())
    except TokenEndpointError:
        return
    assert found.isprintable()
    assert seconds is None or seconds > 0
    read_claims(found)


def claims(data: bytes) -> None:
    """The claims of a token that may be a JWT."""
    found = read_claims(data.decode("utf-8", "surrogateescape"))
    assert all(moment is None or abs(moment) <= 1e12 for moment in (found.exp, found.nbf))
    found.other_partner(42)


HARNESSES: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (frames, session, update, negotiation, token, claims)
}


def _update(arguments: bytes | Raw) -> Update | None:
    try:
        decoded = decode_update(arguments)
    except UpdateError as error:
        assert error.reason in ("json", "schema")
        assert str(error)
        str(error).encode()
        return None
    _judge(decoded)
    return decoded


def _judge(decoded: Update) -> None:
    """Let a monitor judge what the decoder let through: it must not raise, and its clock goes on."""
    game_type = decoded.games[0].type if decoded.games else 1
    monitor = Monitor("feed", game_type, "game", CheckSettings(), 0.0)
    monitor.connecting(0.0)
    monitor.subscribed(0.0)
    for number in range(1, 4):
        at = number / 2
        findings = monitor.received(decoded, Arrival(at, _NOW + at), 100)
        json.encode([(finding.event, finding.detail) for finding in findings])
    monitor.advance(10.0)
    shown = monitor.snapshot(10.0, _NOW + 10)
    assert sum(shown.state_seconds.values()) == 10.0
    # A date that was never set is not judged.
    assert sum(shown.latencies.counts) == (0 if known_seconds(decoded.sent) is None else shown.messages)


def _comparable(events: list[Event]) -> list[object]:
    """Raw JSON compares by identity: its bytes stand for it."""
    return [
        (event.target, bytes(event.arguments), event.size_bytes, event.invocation_id)
        if isinstance(event, Invocation)
        else event
        for event in events
    ]


class _Client:
    """Answers with 200 and the bodies it is given, the last one forever."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies

    async def post(
        self, url: str, *, headers: Mapping[str, str] | None = None, cookies: CookieJar | None = None
    ) -> Answer:
        del cookies
        assert url.startswith("https://"), "the token would go over a plain connection"
        assert headers is not None
        return Answer(200, self._bodies.pop(0) if len(self._bodies) > 1 else self._bodies[0])


def _outcome(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("it waited")
