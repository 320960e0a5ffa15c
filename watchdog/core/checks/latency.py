"""Latency: how late updates arrive by `tst`, and how far the two clocks are apart."""

import math

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.instruments import Histogram

OFFSET_SECONDS = 60
"""How long the smallest difference between the clocks is remembered."""

QUARTER_HOUR_SECONDS = 900.0

ZONE_TOLERANCE_SECONDS = 30.0
"""How far from whole quarter hours a time zone may be, for the skew and the path that come on top of it."""

_JUMP_SECONDS = QUARTER_HOUR_SECONDS - 2.0 * ZONE_TOLERANCE_SECONDS

TIME_ZONE_EVENT = "clock.time_zone"

LATENCY_BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class Latency:
    """Arrival minus `tst` by the wall clocks.

    The offset of the clocks is the smallest difference of the last minute, as the path can only add to it.
    A difference beyond 15 minutes in whole quarter hours is no skew: one side writes local time. It is said
    once, and taken off.
    """

    __slots__ = ("_difference", "_high", "_minima", "_said_zone", "_warning_seconds", "_zone", "latencies")

    def __init__(self, settings: CheckSettings) -> None:
        self._warning_seconds = settings.latency_warning_seconds
        self._high = False
        self.latencies = Histogram(LATENCY_BOUNDS_SECONDS)
        # The last difference; the time zone that is taken off, and the one that was said. All are seconds.
        self._difference = math.nan
        self._zone = self._said_zone = 0.0
        # The candidates for the smallest difference of a minute, by the second. Each is larger than the one
        # before, which it would otherwise have ousted. However many updates come, a second has one at most.
        self._minima: list[tuple[int, float]] = []

    def received(self, sent: float, arrived: float, at: float) -> list[Finding]:
        """Take in one update by the wall clocks `sent` and `arrived`; warn when latency begins to be high."""
        difference = arrived - sent
        # A path that is ever later passes whole quarter hours too, but not at one stroke.
        jumped = not abs(difference - self._difference) < _JUMP_SECONDS
        self._difference = difference
        findings = self._find_zone(difference, at) if jumped else []
        difference -= self._zone
        second, minima = int(at), self._minima
        while minima and minima[-1][1] >= difference:
            minima.pop()
        if not minima or minima[-1][0] < second:
            minima.append((second, difference))
            while minima[0][0] <= second - OFFSET_SECONDS:
                del minima[0]
        latency = max(difference, 0.0)
        self.latencies.observe(latency)
        was_high, self._high = self._high, latency > self._warning_seconds
        if self._high and not was_high:
            findings.append(Finding("latency.high", "warning", {"latency_seconds": round(latency, 3)}, at))
        return findings

    def offset_seconds(self, at: float) -> float | None:
        """The clock offset of the last minute; negative: our clock is behind. None without updates."""
        oldest = int(at) - OFFSET_SECONDS
        return next((difference for second, difference in self._minima if second > oldest), None)

    def _find_zone(self, difference: float, at: float) -> list[Finding]:
        zone = round(difference / QUARTER_HOUR_SECONDS) * QUARTER_HOUR_SECONDS
        whole = abs(difference - zone) <= ZONE_TOLERANCE_SECONDS
        self._zone = zone if whole and abs(zone) > QUARTER_HOUR_SECONDS else 0.0
        if self._zone in (0.0, self._said_zone):
            return []
        self._said_zone = self._zone
        # As zones are written: ahead of UTC is positive.
        return [Finding(TIME_ZONE_EVENT, "warning", {"tst_ahead_seconds": round(-self._zone)}, at)]
