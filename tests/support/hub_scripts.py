"""Conversations for the scripted hub: what the tests of a subscription have it say."""

import trio

from tests.support.fake_hub import PING
from tests.support.wire import HANDSHAKE


async def pings(peer, every=1.0):
    while True:
        await trio.sleep(every)
        await peer.send(PING)


async def fall_silent(peer):
    """Updates for five seconds, then nothing but pings."""
    await peer.send(HANDSHAKE)
    await peer.updates(5.0)
    await pings(peer)


def saying(*messages):
    """A hub that says this instead of what it should, and then nothing."""

    async def script(peer):
        for message in messages:
            await peer.send(message)

    return script


def then_saying(*messages):
    """A hub that subscribes properly, sends one update, and then says this after 0.1 s."""

    async def script(peer):
        await peer.send(HANDSHAKE)
        await peer.update()
        await trio.sleep(0.1)
        for message in messages:
            await peer.send(message)

    return script


def good_for(seconds, end):
    async def script(peer):
        await peer.send(HANDSHAKE)
        await peer.updates(seconds)
        await end(peer)

    return script


async def rest(peer):
    """Nothing more, not even pings."""


async def drop(peer):
    await peer.drop()
