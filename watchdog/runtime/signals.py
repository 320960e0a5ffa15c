"""Running until the system says to stop."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import trio

from watchdog.runtime.nursery import open_nursery_of_body
from watchdog.runtime.waker import LoopWaker


def run_until_signalled(main: Callable[[], Awaitable[None]]) -> None:
    """Run `main` to its end, or cancel it at the first SIGTERM or SIGINT; both are orderly ends."""
    trio.run(_until_signalled, main, clock=LoopWaker())


async def _until_signalled(main: Callable[[], Awaitable[None]]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_nursery_of_body() as nursery:
            nursery.start_soon(_cancel_at_signal, signals, nursery.cancel_scope)
            await main()


async def _cancel_at_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()
        return
