"""What an exporter written as usual does: `json.loads`, and every metric set at each update."""

import json
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_GAME = ("feed", "game_type", "game")
_LABELS = ("betcore", "3", "Poker")


class Yardstick:
    """Fifteen series of one game, updated through `.labels()` with no judgement at all."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {
            name: Gauge(f"yardstick_{name}", name, _GAME, registry=registry)
            for name in (
                "last_message",
                "sequence_id",
                "timer",
                "maintenance",
                "offset",
                "connected",
                "stale",
            )
        }
        self._messages = Counter("yardstick_messages", "messages", _GAME, registry=registry)
        self._bytes = Counter("yardstick_bytes", "bytes", _GAME, registry=registry)
        self._seconds = Counter("yardstick_seconds", "seconds", (*_GAME, "state"), registry=registry)
        self._state = Gauge("yardstick_state", "state", (*_GAME, "state"), registry=registry)
        self._intervals = Histogram("yardstick_interval", "interval", _GAME, registry=registry)
        self._latencies = Histogram("yardstick_latency", "latency", _GAME, registry=registry)
        self._rounds = Gauge("yardstick_round", "round", (*_GAME, "state"), registry=registry)

    def take(self, record: str) -> None:
        """Decode one record and set its fifteen series."""
        document: dict[str, Any] = json.loads(record[:-1])
        update = document["arguments"][0]
        game = update["wgi"][0]
        sent = datetime.fromisoformat(update["tst"]).timestamp()
        values = (sent, update["sId"], update["bt"], update["im"], 0.0, 1.0, 0.0)
        for gauge, value in zip(self._gauges.values(), values, strict=True):
            gauge.labels(*_LABELS).set(value)
        self._messages.labels(*_LABELS).inc()
        self._bytes.labels(*_LABELS).inc(len(record))
        self._seconds.labels(*_LABELS, "fresh").inc(0.5)
        self._state.labels(*_LABELS, "fresh").set(1)
        self._state.labels(*_LABELS, "silent").set(0)
        self._intervals.labels(*_LABELS).observe(0.5)
        self._latencies.labels(*_LABELS).observe(0.01)
        self._rounds.labels(*_LABELS, "active").set(game["s"])
