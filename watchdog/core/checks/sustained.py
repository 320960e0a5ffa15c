"""Conditions that make a game frozen, most of them only when they last, as in Prometheus' `for:`."""

import math


class Condition:
    """Makes a game frozen while it is `active`; `kind` says in which way, the threshold when it begins to."""

    __slots__ = ("active", "due_at", "kind", "threshold_seconds")

    def __init__(self, kind: str, threshold_seconds: float) -> None:
        self.kind = kind
        self.threshold_seconds = threshold_seconds
        self.active = False
        # When it becomes active by itself if no update comes before; infinite: not at all.
        self.due_at = math.inf

    def elapse(self, at: float) -> bool:
        """Let the time come to `at`; return whether that begins an occurrence."""
        if at < self.due_at:
            return False
        self.active, self.due_at = True, math.inf
        return True

    def reconnected(self) -> None:
        """Forget since when the condition holds, as no update came in the meantime; an occurrence goes on."""
        self.due_at = math.inf


class SustainedCondition(Condition):
    """A condition that updates show, and that must last longer than a threshold to be an occurrence.

    It is in one of four states:

    - **clear**: the last update did not show it (`_since` is None);
    - **shown once**: one update showed it, at `_since`. One alone is no evidence that anything lasts;
    - **pending**: a second one showed it as well. It becomes an occurrence at the threshold (`due_at`) unless
      the feed is silent by then, as nobody knows whether a silent feed would still show it. So each update
      sets `due_at` again: to infinity while the threshold is more than `alive_seconds` away;
    - **active**: it is an occurrence, counted once, until an update shows that it is over.

    The threshold itself is still allowed: an update that shows the condition exactly then begins nothing, but
    `elapse` does if no other update comes at that instant.
    """

    __slots__ = ("_alive_seconds", "_since")

    def __init__(self, kind: str, threshold_seconds: float, alive_seconds: float) -> None:
        """`alive_seconds` is how long after an update the feed still counts as coming."""
        super().__init__(kind, threshold_seconds)
        self._alive_seconds = alive_seconds
        self._since: float | None = None

    def show(self, at: float) -> bool:
        """An update shows the condition; return whether that begins an occurrence."""
        since = self._since
        if since is None:
            self._since = at
        elif not self.active:
            if at - since > self.threshold_seconds:
                self.active, self.due_at = True, math.inf
                return True
            due = since + self.threshold_seconds
            # Two updates at the same instant are no evidence either.
            self.due_at = due if since < at and due <= at + self._alive_seconds else math.inf
        return False

    def clear(self) -> None:
        """An update does not show the condition."""
        self._since = None
        self.active = False
        self.due_at = math.inf

    def begin(self, at: float) -> None:
        """An update shows the condition from now on, and not since before."""
        self._since = at
        self.active = False
        self.due_at = math.inf

    def reconnected(self) -> None:
        """Forget since when the condition holds, as no update came in the meantime; an occurrence goes on."""
        super().reconnected()
        self._since = None
