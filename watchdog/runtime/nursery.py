"""Nurseries as the watchdog uses them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def open_nursery_of_body() -> AsyncIterator[trio.Nursery]:
    """A nursery that exists for its body: its tasks end with it, and what the body raises comes out bare.

    Trio wraps whatever leaves a nursery in a group, because tasks may fail together. Here the tasks only
    serve the body, so its exception is the one that the caller wants to catch by its type. What a task
    raises still comes out in a group.
    """
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield nursery
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
