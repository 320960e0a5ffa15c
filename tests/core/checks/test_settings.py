from watchdog.core.checks.settings import CheckSettings


def test_the_defaults_are_those_of_the_interface():
    assert CheckSettings() == CheckSettings(
        interval_seconds=0.5,
        tolerance_seconds=0.25,
        silence_reconnect_seconds=10.0,
        timer_frozen_seconds=3.0,
        timer_grace_seconds=3.0,
        timer_unit="auto",
        round_overdue_seconds=30.0,
        maintenance_hold_seconds=900.0,
        sequence="contiguous",
        latency_warning_seconds=1.0,
    )
