"""What a check found: a record that becomes a counter's step and a log line."""

from typing import Literal

from msgspec import Struct

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
    detail: dict[str, object] = {}

    @property
    def event(self) -> str:
        """The dotted name of the log event."""
        return f"{self.check}.{self.kind}"
