"""Running until the system says to stop."""

import os
import signal

import pytest
import trio

from watchdog.runtime.signals import run_until_signalled


class OursError(Exception):
    pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_stop_cancels_the_work_and_lets_it_clean_up(number):
    steps = []

    async def main():
        try:
            os.kill(os.getpid(), number)
            with trio.fail_after(5):
                await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.lowlevel.checkpoint()
                steps.append("cleaned up")

    run_until_signalled(main)
    assert steps == ["cleaned up"]


def test_work_that_ends_by_itself_is_an_end_too():
    steps = []

    async def main():
        await trio.lowlevel.checkpoint()
        steps.append("done")

    run_until_signalled(main)
    assert steps == ["done"]


def test_an_error_comes_out_as_it_is_and_not_in_a_group():
    async def main():
        await trio.lowlevel.checkpoint()
        raise OursError

    with pytest.raises(OursError):
        run_until_signalled(main)


def test_an_error_while_stopping_is_not_lost():
    async def main():
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            with trio.fail_after(5):
                await trio.sleep_forever()
        finally:
            raise OursError

    with pytest.raises(OursError):
        run_until_signalled(main)


def test_afterwards_the_signals_are_as_they_were():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    run_until_signalled(trio.lowlevel.checkpoint)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
