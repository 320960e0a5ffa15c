"""One TCP connection of the simulator, as tasks write to it."""

from contextlib import suppress

import trio

from watchdog.simulator.link import Link


async def test_two_tasks_that_send_at_once_send_one_after_the_other():
    first, second = b"a" * 4_000_000, b"b" * 1_000
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = listener.socket.getsockname()
    client = await trio.open_tcp_stream(*address)
    link = Link(await listener.accept())
    received = bytearray()
    async with listener, client, link, trio.open_nursery() as nursery:
        nursery.start_soon(link.send_all, first)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(link.send_all, second)
        while len(received) < len(first) + len(second):
            received += await client.receive_some()
    assert bytes(received) == first + second


async def test_what_is_sent_while_the_connection_is_being_ended_is_sent_or_finds_it_over():
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def send(link):
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await link.send_all(b"late")

    async with listener:
        # Trio draws which of them comes first.
        for _ in range(20):
            client = await trio.open_tcp_stream(*listener.socket.getsockname())
            link = Link(await listener.accept())
            async with client, link, trio.open_nursery() as nursery:
                nursery.start_soon(link.send_eof)
                nursery.start_soon(send, link)
