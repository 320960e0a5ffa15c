"""Running until the system says to stop."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import trio


def run_until_signalled(main: Callable[[], Awaitable[None]]) -> None:
    """Run `main` to its end, or cancel it at the first SIGTERM or SIGINT; both are orderly ends."""
    trio.run(_until_signalled, main)


async def _until_signalled(main: Callable[[], Awaitable[None]]) -> None:
    failure: Exception | None = None
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_at_signal, signals, nursery.cancel_scope)
            try:
                await main()
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it
                # Raised below: within the nursery it would come out wrapped in a group.
                failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _cancel_at_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()
        return
