"""Timestamps: `tst` advances with every update, and tells how late the updates arrive."""

from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.sustained import Standing
from watchdog.core.findings import Anomaly
from watchdog.core.instruments import Histogram

FROZEN_SECONDS = 2.0
"""How long `tst` may stay the same while updates come."""

OFFSET_SECONDS = 60
"""How long the smallest difference between the clocks is remembered."""

LATENCY_BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class Timestamps:
    """Whether `tst` advances.

    Source: "Time when the message was sent" in the specification.
    """

    __slots__ = ("_still", "_stuck", "last")

    def __init__(self, settings: CheckSettings) -> None:
        self.last: float | None = None
        self._still = Standing(FROZEN_SECONDS, settings.late_after_seconds)
        self._stuck = Standing(FROZEN_SECONDS, settings.late_after_seconds)

    @property
    def stale(self) -> bool:
        """Whether `tst` has not advanced for longer than it may: it is frozen, or keeps falling."""
        return self._stuck.active

    def received(self, sent: float, at: float) -> list[Anomaly]:
        """Judge the next `tst`, in UNIX seconds."""
        last, self.last = self.last, sent
        if last is None or sent > last:
            self._still.begin(at)
            self._stuck.begin(at)
            return []
        self._stuck.show(at)
        if sent < last:
            self._still.begin(at)
            return [Anomaly("timestamp", "regressed", {"by_seconds": round(last - sent, 7)})]
        return [_frozen()] if self._still.show(at) else []

    def reconnected(self) -> None:
        """A new connection: the time without one is no evidence."""
        self._still.reconnected()
        self._stuck.reconnected()

    @property
    def due_at(self) -> float:
        """When the timestamp turns frozen by itself (see `Standing.due_at`)."""
        # They differ once `tst` has fallen: it has not advanced for longer than it has been the same.
        return min(self._still.due_at, self._stuck.due_at)

    def elapse(self, at: float) -> list[Anomaly]:
        """Time has come to `at`."""
        self._stuck.elapse(at)
        return [_frozen()] if self._still.elapse(at) else []


def _frozen() -> Anomaly:
    return Anomaly("timestamp", "frozen", {"longer_than_seconds": FROZEN_SECONDS})


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
