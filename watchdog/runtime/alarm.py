"""Waking up in a steady beat, and sooner where something falls due before the next one."""

import ctypes
import math
import os
from typing import Protocol

import trio

_CLOCK_MONOTONIC = 1
_NONBLOCKING_CLOSE_ON_EXEC = os.O_NONBLOCK | os.O_CLOEXEC
_SHORTEST_SECONDS = 1e-9
_NANOSECONDS = 1e9
_COUNT_BYTES = 8


class Alarm(Protocol):
    """Rings at the time it is set to, and from then on in a steady beat until it is set again."""

    def set(self, at: float, then_every: float) -> None:
        """Ring at this time of Trio's clock, and then every so many seconds; infinite for never."""

    async def wait(self) -> None:
        """Wait until it rings; at once if it has rung since the last wait."""

    def close(self) -> None:
        """Give back what it holds."""


class TrioAlarm:
    """An alarm by Trio's own deadlines: on any clock, also a virtual one."""

    def __init__(self) -> None:
        self._at = self._then_every = math.inf
        self._scope: trio.CancelScope | None = None

    def set(self, at: float, then_every: float) -> None:
        """Ring at this time, and then every so many seconds."""
        self._at, self._then_every = at, then_every
        if self._scope is not None:
            self._scope.deadline = at

    async def wait(self) -> None:
        """Wait until it rings."""
        with trio.CancelScope(deadline=self._at) as self._scope:
            await trio.sleep_forever()
        self._scope = None
        # A beat that was missed is not caught up with, and the next one comes when it would have come anyway.
        missed = (trio.current_time() - self._at) // self._then_every
        self._at += (missed + 1.0) * self._then_every

    def close(self) -> None:
        """Give back nothing."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class KernelAlarm:
    """An alarm by a timer of the Linux kernel (timerfd), which costs half of a deadline of Trio's.

    A deadline ends a wait by an exception, and that is a lot of code to run ten times a second. Python offers
    these timers from 3.13 on (`os.timerfd_create`), hence the C library here.
    """

    def __init__(self) -> None:
        """Make the timer.

        Raises:
            OSError: there are none on this system.

        """
        try:
            self._library = ctypes.CDLL(None, use_errno=True)
            self._timer: int = self._library.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCKING_CLOSE_ON_EXEC)
        except AttributeError as error:
            raise OSError("no timerfd") from error
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")

    def set(self, at: float, then_every: float) -> None:
        """Ring at this time, and then every so many seconds."""
        # A timer that is set to 0 never rings.
        seconds = max(at - trio.current_time(), _SHORTEST_SECONDS)
        timer = _Timer(_timespec(then_every), _timespec(seconds))
        self._library.timerfd_settime(self._timer, 0, ctypes.byref(timer), None)

    async def wait(self) -> None:
        """Wait until it rings."""
        while True:
            await trio.lowlevel.wait_readable(self._timer)
            try:
                os.read(self._timer, _COUNT_BYTES)
            except BlockingIOError:
                # It was set again in the meantime.
                continue
            return

    def close(self) -> None:
        """Close the timer."""
        os.close(self._timer)


def _timespec(seconds: float) -> _Timespec:
    if seconds == math.inf:
        return _Timespec()
    whole = int(seconds)
    return _Timespec(whole, int((seconds - whole) * _NANOSECONDS))


def best_alarm() -> Alarm:
    """The cheapest alarm on this system, for Trio's real clock."""
    try:
        return KernelAlarm()
    except OSError:
        return TrioAlarm()
