"""Conversations for the scripted hub: what the tests of a subscription have it say."""

from collections.abc import Awaitable, Callable

import trio

from tests.support.fake_hub import PING, Peer
from tests.support.wire import HANDSHAKE

Conversation = Callable[[Peer], Awaitable[None]]


async def pings(peer: Peer, every: float = 1.0) -> None:
    while True:
        await trio.sleep(every)
        await peer.send(PING)


async def fall_silent(peer: Peer) -> None:
    """Updates for five seconds, then nothing but pings."""
    await peer.send(HANDSHAKE)
    await peer.updates(5.0)
    await pings(peer)


def saying(*messages: str) -> Conversation:
    """A hub that says this instead of what it should, and then nothing."""

    async def script(peer: Peer) -> None:
        for message in messages:
            await peer.send(message)

    return script


def then_saying(*messages: str) -> Conversation:
    """A hub that subscribes properly, sends one update, and then says this after 0.1 s."""

    async def script(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.update()
        await trio.sleep(0.1)
        await saying(*messages)(peer)

    return script


def good_for(seconds: float, end: Conversation) -> Conversation:
    """A hub that keeps its promises for so long."""

    async def script(peer: Peer) -> None:
        await peer.send(HANDSHAKE)
        await peer.updates(seconds)
        await end(peer)

    return script


async def rest(_: Peer) -> None:
    """Nothing more, not even pings."""


async def drop(peer: Peer) -> None:
    await peer.drop()
