"""The bricks that the rows' plays are made of."""

import json
from collections.abc import Mapping
from typing import Any

import trio

from tests.acceptance.matrix.hub import Talk
from tests.acceptance.matrix.row import Play
from tests.support.wire import answer, close_frame, frame, invocation

TRICKLE_SECONDS = 1.0


async def reach(talk: Talk, step: str) -> None:
    """Go on to a step: tcp, tls, request, upgrade, greeting, subscription or updates."""
    steps = {
        "tls": talk.secured,
        "request": talk.requested,
        "upgrade": talk.upgraded,
        "greeting": talk.greeted,
        "subscription": talk.subscribed,
        "updates": talk.opened,
    }
    if step != "tcp":
        await steps[step]()


def hole(after: str) -> Play:
    """Silence from a step on."""

    async def play(talk: Talk) -> None:
        await reach(talk, after)
        await talk.until_gone()

    return play


def reset(after: str) -> Play:
    async def play(talk: Talk) -> None:
        await reach(talk, after)
        await talk.reset()

    return play


def hang_up(after: str) -> Play:
    async def play(talk: Talk) -> None:
        await reach(talk, after)
        await talk.hang_up()

    return play


def says(after: str, *chunks: str | bytes, then: str = "wait") -> Play:
    """Raw bytes from a step on; then `wait` for the client to go, `hang up`, `reset` or `go on`."""

    async def play(talk: Talk) -> None:
        await reach(talk, after)
        if after == "updates":
            await talk.beat()
        await talk.send(*chunks)
        if then == "hang up":
            await talk.hang_up()
        if then == "reset":
            await talk.reset()
        if then == "wait":
            await talk.until_gone()

    return play


def trickles(after: str, data: bytes) -> Play:
    """A byte a second, again and again."""

    async def play(talk: Talk) -> None:
        await reach(talk, after)
        talk.mind()
        while True:
            for byte in data:
                await talk.send(bytes([byte]))
                await trio.sleep(TRICKLE_SECONDS)

    return play


def floods(after: str, chunk: bytes, *, first: bytes = b"") -> Play:
    """The chunk again and again, as fast as the client reads."""

    async def play(talk: Talk) -> None:
        await reach(talk, after)
        talk.mind()
        await talk.send(first)
        while True:
            await talk.send(chunk)

    return play


def answers(status: int, *headers: str, body: bytes = b"words") -> Play:
    """This HTTP answer to the request."""
    return says("request", answer(status, body, *headers))


def negotiates(document: Any) -> Play:
    """This JSON as the answer to the negotiation."""
    return says("request", answer(200, json.dumps(document).encode()))


def closes(code: int | None, text: str = "") -> Play:
    """A WebSocket close in the midst of updates."""
    return says("updates", frame(8) if code is None else close_frame(code, text))


def greets(*answered: str) -> Play:
    """These records, a frame each, as the answer to the handshake."""
    return says("greeting", *answered)


def text(data: str) -> Play:
    """A text message in the place of an update; the connection goes on."""
    return says("updates", data, then="go on")


def sends(count: int = 1, *, game: Mapping[str, Any] | None = None, **changes: Any) -> Play:
    """So many updates with these changes, counted as the game's."""

    async def play(talk: Talk) -> None:
        await talk.opened()
        await talk.updates(count, game=game, **changes)

    return play


def spoils(
    *, game: Mapping[str, Any] | None = None, without: str = "", null: str = "", **changes: Any
) -> Play:
    """An update that is none: the count of the good ones does not notice."""

    async def play(talk: Talk) -> None:
        await talk.opened()
        await talk.beat()
        argument = talk.argument(game=game, **changes)
        if without:
            (argument if without in argument else argument["wgi"][0]).pop(without)
        if null:
            argument[null] = None
        await talk.send(invocation(argument))

    return play


def raw_update(**texts: str) -> Play:
    """An update some of whose values are these very characters."""

    async def play(talk: Talk) -> None:
        await talk.opened()
        await talk.beat()
        marks: dict[str, Any] = {name: f"@{name}@" for name in texts}
        argument = talk.argument(**marks)
        document = invocation(argument)
        for name, characters in texts.items():
            document = document.replace(f'"@{name}@"', characters)
        await talk.send(document)

    return play
