"""Latency: how late updates arrive by `tst`, and how far the two clocks are apart."""

from watchdog.core.instruments import Histogram

OFFSET_SECONDS = 60
"""How long the smallest difference between the clocks is remembered."""

LATENCY_BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class Latency:
    """Arrival minus `tst`, on wall clocks: how late updates arrive, and how far the clocks are apart.

    The offset is the smallest difference of the last minute: the path can only add to it.
    """

    __slots__ = ("_minima", "latencies")

    def __init__(self) -> None:
        self.latencies = Histogram(LATENCY_BOUNDS_SECONDS)
        # What may yet be the smallest of a minute, by the second: later ones are larger, or they would have
        # ousted those before. So there is at most one for each second, however many updates come.
        self._minima: list[tuple[int, float]] = []

    def received(self, sent: float, arrived: float, at: float) -> float:
        """Take in one update by the wall clocks `sent` and `arrived`; answer its latency in seconds."""
        difference = arrived - sent
        second, minima = int(at), self._minima
        while minima and minima[-1][1] >= difference:
            minima.pop()
        if not minima or minima[-1][0] < second:
            minima.append((second, difference))
            self._forget(second)
        latency = max(difference, 0.0)
        self.latencies.observe(latency)
        return latency

    def offset_seconds(self, at: float) -> float | None:
        """The clock offset of the last minute; negative: our clock is behind. None without updates."""
        self._forget(int(at))
        return self._minima[0][1] if self._minima else None

    def _forget(self, second: int) -> None:
        while self._minima and self._minima[0][0] <= second - OFFSET_SECONDS:
            del self._minima[0]
