"""One TCP connection of the simulator, as Hypercorn writes to it."""

import trio

from watchdog.simulator.server import Link


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
