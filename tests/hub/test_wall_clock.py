"""A wall clock that is set while we watch: only what is about wall time takes notice."""

from datetime import UTC, datetime

import pytest
import trio

import tests.support.fake_hub
from tests.support.fake_hub import BASE, Hub, counted, game, spent, watching
from tests.support.wire import HANDSHAKE

JUMP = 4_000.0
"""No whole quarter hours, which would be a time zone."""


def told(seconds: float) -> str:
    """The provider's time, which nobody sets."""
    return datetime.fromtimestamp(BASE + seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


async def healthy(peer):
    await peer.send(HANDSHAKE)
    await peer.subscribed()
    while True:
        await trio.sleep(0.5)
        table = game(sdt=told(-10.0), fdt=told(10_000.0))
        await peer.update(tst=told(trio.current_time()), wgi=[table])


@pytest.mark.parametrize("jump", [JUMP, -JUMP])
async def test_a_wall_clock_that_jumps_moves_no_state_and_no_anomaly(jump, autojump_clock, monkeypatch):
    async with watching(Hub(healthy)) as watch:
        await trio.sleep_until(30.1)
        before = watch.game()
        monkeypatch.setattr(tests.support.fake_hub, "BASE", BASE + jump)
        await trio.sleep_until(200.1)
        seen = watch.game()
    assert spent(seen) == {"fresh": 200.1}
    assert (counted(seen.anomalies), counted(seen.disconnects), counted(seen.invalid_messages)) == (
        {},
        {},
        {},
    )
    assert tuple(seen.intervals.counts) == tuple(
        count if index != seen.intervals.bounds.index(0.5) else seen.messages - 1
        for index, count in enumerate(before.intervals.counts)
    )
    assert seen.clock_offset_seconds == pytest.approx(jump)
    assert seen.last_message_at == pytest.approx(BASE + jump + 200.0)
