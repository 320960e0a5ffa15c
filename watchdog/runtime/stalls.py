"""Stalls of our own loop: a wake-up that comes late, and the task that held it up."""

import math
from collections.abc import Callable

import trio

from watchdog.runtime.clock import Clock

STALL_SECONDS = 0.1
"""The loop counts as stalled when a wake-up is late by more than this."""

StallListener = Callable[[float, float], None]


class Stalls:
    """Notices that the loop stood still, from when it was to wake up and when it did.

    Whoever judges anything by the time asks `catch_up` first. The first to ask after a stall has it booked
    by that, so nobody is judged by a time during which nobody was looking.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds = 0.0
        """The total by which wake-ups were late."""
        self.until = -math.inf
        """When the last stall ended."""
        self.expected_at = math.inf
        """By when the loop is to be awake again; infinite while nobody watches it."""
        self._seen_at = -math.inf
        self._listeners: list[StallListener] = []

    def on_stall(self, listener: StallListener) -> None:
        """Call `listener` with the begin and the end of every stall."""
        self._listeners.append(listener)

    def catch_up(self) -> float:
        """Book the stall that has just ended, if there was one; returns the time now."""
        now = self._clock.now()
        if now - self.expected_at > STALL_SECONDS:
            since, self.expected_at = max(self.expected_at, self._seen_at), now
            self.seconds += now - since
            self.until = now
            for listener in self._listeners:
                listener(since, now)
        self._seen_at = now
        return now


class Blame(trio.abc.Instrument):
    """Remembers the last task whose step held the loop for longer than a stall lasts.

    The loop takes some dozen steps a second, so looking at the time around each costs nothing measurable.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stepping: trio.lowlevel.Task | None = None
        self._began_at = 0.0
        self._held_until = -math.inf
        self._held_by = ""

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A task is given the loop."""
        self._stepping, self._began_at = task, self._clock.now()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """A task gives the loop back."""
        self._note(task)
        self._stepping = None

    def task_since(self, at: float) -> str | None:
        """The name of the task that held the loop since then; None if no single one did.

        Then the process itself stood still, or many short steps added up.
        """
        if self._stepping is not None:
            self._note(self._stepping)
        return self._held_by if self._held_until > at else None

    def _note(self, task: trio.lowlevel.Task) -> None:
        now = self._clock.now()
        if now - self._began_at > STALL_SECONDS:
            self._held_until, self._held_by = now, task.name
