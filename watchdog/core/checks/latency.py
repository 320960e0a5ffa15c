"""Latency: how late updates arrive by `tst`, and how far the two clocks are apart."""

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.instruments import Histogram

OFFSET_SECONDS = 60
"""How long the smallest difference between the clocks is remembered."""

LATENCY_BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class Latency:
    """Arrival minus `tst` by the wall clocks.

    The offset of the clocks is the smallest difference of the last minute, as the path can only add to it.
    """

    __slots__ = ("_high", "_minima", "_warning_seconds", "latencies")

    def __init__(self, settings: CheckSettings) -> None:
        self._warning_seconds = settings.latency_warning_seconds
        self._high = False
        self.latencies = Histogram(LATENCY_BOUNDS_SECONDS)
        # The candidates for the smallest difference of a minute, by the second. Each is larger than the one
        # before, which it would otherwise have ousted. However many updates come, a second has one at most.
        self._minima: list[tuple[int, float]] = []

    def received(self, sent: float, arrived: float, at: float) -> list[Finding]:
        """Take in one update by the wall clocks `sent` and `arrived`; warn when latency begins to be high."""
        difference = arrived - sent
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
        if was_high or not self._high:
            return []
        return [Finding("latency.high", "warning", {"latency_seconds": round(latency, 3)}, at)]

    def offset_seconds(self, at: float) -> float | None:
        """The clock offset of the last minute; negative: our clock is behind. None without updates."""
        oldest = int(at) - OFFSET_SECONDS
        return next((difference for second, difference in self._minima if second > oldest), None)
