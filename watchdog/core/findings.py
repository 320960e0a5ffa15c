"""What was found: an anomaly becomes a counter's step, and every finding a log line."""

from typing import Literal, TypeAlias

from msgspec import Struct

Level = Literal["info", "warning"]

Detail: TypeAlias = dict[str, object]
"""The particulars of a finding, for people."""

Check = Literal["sequence", "betting_timer", "timestamp", "round"]

ANOMALY_KINDS: dict[Check, tuple[str, ...]] = {
    "sequence": ("gap", "duplicate", "regression", "reset"),
    "betting_timer": ("frozen", "expired", "lingering", "rewound", "jumped", "negative"),
    "timestamp": ("frozen", "regressed"),
    "round": ("overdue", "regressed", "skipped", "result_changed"),
}
"""Every kind of anomaly that a check can find."""


class Anomaly(Struct, frozen=True):
    """One occurrence of one broken promise; `detail` holds the particulars for people."""

    check: Check
    kind: str
    detail: Detail = {}

    @property
    def event(self) -> str:
        """The dotted name of the log event."""
        return f"{self.check}.{self.kind}"


class Finding(Struct, frozen=True):
    """Something worth a log line: a transition or an anomaly, with its dotted event name."""

    event: str
    level: Level
    detail: Detail
