import pytest

from tests.support.builders import Watch
from watchdog.core.snapshot import Snapshot


def whole_watch(*watches):
    return Snapshot(
        taken_at=0.0,
        version="1",
        games=tuple(watch.snapshot for watch in watches),
        tokens=(),
        loop_stall_seconds=0.0,
        log_lines_dropped=0,
        reload_successful=True,
        reload_success_at=0.0,
    )


@pytest.mark.parametrize(("tried", "ready"), [((), True), ((True, True), True), ((True, False), False)])
def test_a_watch_is_ready_once_each_subscription_was_tried(tried, ready):
    watches = [Watch().subscribe() if was_tried else Watch() for was_tried in tried]

    assert whole_watch(*watches).ready is ready
