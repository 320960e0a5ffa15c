import pytest

from tests.support.builders import Watch, betting, wall
from watchdog.core.checks.betting_timer import seconds_left


@pytest.mark.parametrize(
    ("unit", "timer", "sent", "left"),
    [
        ("auto", 0, 2e9, 0),
        ("auto", 28.5, 2e9, 28.5),
        ("auto", -2, 2e9, -2),
        ("auto", 1e9, 2e9, 1e9),
        ("auto", 1e9 + 1, 999_999_990, 11),
        ("auto", 1_750_348_650, 1_750_348_638, 12),
        ("auto", 1e12, 1e12 - 5, 5),
        ("auto", 1e12 + 1000, 1e9 - 4, 5),
        ("auto", 1_750_348_650_000, 1_750_348_638, 12),
        ("seconds", 1_750_348_650, 1_750_348_638, 1_750_348_650),
        ("seconds", 12, 1_750_348_638, 12),
        ("unix", 1_750_348_650, 1_750_348_638, 12),
        ("unix", 1_750_348_650_000, 1_750_348_638, 1_750_348_650_000 - 1_750_348_638),
        ("unix", 12, 1_750_348_638, 0),
        ("unix", 0, 1_750_348_638, 0),
        ("unix_ms", 1_750_348_650_500, 1_750_348_638, 12.5),
        ("unix_ms", 1_750_348_650, 1_750_348_638, 0),
        ("unix", 1_750_348_630, 1_750_348_638, 0),
        ("unix_ms", 1_750_348_630_000, 1_750_348_638, 0),
        ("unix", -1, 1_750_348_638, -1),
        ("unix_ms", -1, 1_750_348_638, -1),
    ],
)
def test_the_time_left_is_read_in_its_unit(unit, timer, sent, left):
    assert seconds_left(timer, sent, unit) == left


def test_the_time_left_is_shown_as_long_as_it_is_known():
    watch = Watch().subscribe()
    assert watch.snapshot.betting_timer_seconds is None
    watch.receive(0.5, betting_timer=wall(0.5) + 12, games=(betting(),))
    assert watch.snapshot.betting_timer_seconds == 12
    watch.lose(1.0)
    assert watch.snapshot.betting_timer_seconds is None
