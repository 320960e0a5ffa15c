"""Timestamps: `tst` advances with every update, and tells how late the updates arrive."""

from watchdog.checks.finding import Anomaly
from watchdog.checks.standing import Standing
from watchdog.histogram import Histogram

FROZEN_SECONDS = 2.0
"""How long `tst` may stay the same while updates come."""

LATENCY_BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class Timestamps:
    """Whether `tst` advances.

    Source: "Time when the message was sent" in the specification.
    """

    __slots__ = ("_still", "_stuck", "last")

    def __init__(self) -> None:
        self.last: float | None = None
        self._still = Standing(FROZEN_SECONDS)
        self._stuck = Standing(FROZEN_SECONDS)

    @property
    def stale(self) -> bool:
        """Whether `tst` has not advanced for longer than it may: it is frozen, or keeps falling."""
        return self._stuck.active

    def received(self, sent: float, at: float) -> list[Anomaly]:
        """Judge the next `tst`, in UNIX seconds."""
        last, self.last = self.last, sent
        if last is None or sent > last:
            self._still.clear()
            self._stuck.clear()
        elif sent < last:
            self._still.clear()
        self._stuck.show(at)
        frozen = self._still.show(at)
        anomalies = []
        if last is not None and sent < last:
            anomalies.append(Anomaly("timestamp", "regressed", {"by_seconds": round(last - sent, 7)}))
        if frozen:
            anomalies.append(_frozen())
        return anomalies

    def reconnected(self) -> None:
        """A new connection: the time without one is no evidence."""
        self._still.reconnected()
        self._stuck.reconnected()

    def deadline(self, alive_seconds: float) -> float | None:
        """When the timestamp turns frozen by itself (see `Standing.deadline`)."""
        # They differ once `tst` has fallen: it has not advanced for longer than it has been the same.
        dues = (self._still.deadline(alive_seconds), self._stuck.deadline(alive_seconds))
        return min((due for due in dues if due is not None), default=None)

    def elapse(self, at: float, alive_seconds: float) -> list[Anomaly]:
        """Time has come to `at`."""
        self._stuck.elapse(at, alive_seconds)
        return [_frozen()] if self._still.elapse(at, alive_seconds) else []


def _frozen() -> Anomaly:
    return Anomaly("timestamp", "frozen", {"longer_than_seconds": FROZEN_SECONDS})


class Latency:
    """Arrival minus `tst`, on wall clocks: how late updates arrive, and how far the clocks are apart.

    The offset is the smallest difference of the last minute: the path can only add to it.
    """

    __slots__ = ("_minima", "latencies")

    _SLOTS = 60

    def __init__(self) -> None:
        self.latencies = Histogram(LATENCY_BOUNDS_SECONDS)
        # One minimum for each second of the last minute: bounded however many updates come.
        self._minima: dict[int, tuple[int, float]] = {}

    def received(self, sent: float, arrived: float, at: float) -> float:
        """Take in one update by the wall clocks `sent` and `arrived`; answer its latency in seconds."""
        difference = arrived - sent
        second = int(at)
        known = self._minima.get(second % self._SLOTS)
        if known is None or known[0] != second or difference < known[1]:
            self._minima[second % self._SLOTS] = (second, difference)
        latency = max(difference, 0.0)
        self.latencies.observe(latency)
        return latency

    def offset_seconds(self, at: float) -> float | None:
        """The clock offset of the last minute; negative: our clock is behind. None without updates."""
        oldest = int(at) - self._SLOTS
        return min((low for second, low in self._minima.values() if second > oldest), default=None)
