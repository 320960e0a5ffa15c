"""What was found: every anomaly is counted, and every finding becomes a log line."""

from typing import Literal

from msgspec import Struct

Level = Literal["info", "warning"]

Detail = dict[str, object]
"""The particulars of a finding, for people."""


def particulars(reason: str, error: str) -> Detail:
    """A named reason, with the words for people where there are any."""
    return {"reason": reason, "error": error} if error else {"reason": reason}


class Anomaly(Struct, frozen=True):
    """One occurrence of one broken promise: the check's name, one of its kinds, particulars for people.

    `missed` is how many updates were lost with it.
    """

    check: str
    kind: str
    detail: Detail = {}
    missed: int = 0

    @property
    def event(self) -> str:
        """The dotted name of the log event."""
        return f"{self.check}.{self.kind}"


class Finding(Struct, frozen=True):
    """Something worth a log line: a transition or an anomaly, with its dotted event name.

    `at` is the instant it happened, in monotonic seconds; None for what is not found about a game.
    """

    event: str
    level: Level
    detail: Detail
    at: float | None = None
