"""The limits of a harness: an input that hangs and memory that grows fail it, chance does not."""

import pytest

from fuzz.limits import FIRST_LOOK, GROWN_BLOCKS, GrowthError, HangError, Limited


class Machine:
    """A clock, and memory, that move only as a harness moves them."""

    def __init__(self):
        self.seconds = 0.0
        self.blocks = 0
        self.told = []

    def limited(self, harness):
        return Limited(harness, 0.05, self.told.append, lambda: self.seconds, lambda: self.blocks)


def taking(machine, *seconds):
    """A harness that takes these seconds, one try after the other, and the last of them for ever."""
    left = list(seconds)

    def harness(data):
        machine.seconds += left.pop(0) if len(left) > 1 else left[0]

    return machine.limited(harness)


def test_an_input_that_takes_too_long_each_time_is_a_hang():
    with pytest.raises(HangError, match="51 ms of CPU time for 3 bytes; at most 50 ms are allowed"):
        taking(Machine(), 0.051)(b"abc")


@pytest.mark.parametrize("tries", [(9.0, 0.01), (9.0, 9.0, 9.0, 0.01)])
def test_an_input_that_takes_long_by_chance_is_none(tries):
    machine = Machine()

    taking(machine, *tries)(b"abc")

    assert machine.told == ["stat::slowest_input_ms: 10.00"]


def test_only_a_new_slowest_input_is_tried_again_and_told():
    machine = Machine()
    limited = taking(machine, 0.01, 0.01, 0.01, 0.01, 0.005, 0.02)

    for _ in range(3):
        limited(b"abc")

    assert machine.told == ["stat::slowest_input_ms: 10.00", "stat::slowest_input_ms: 20.00"]
    assert machine.seconds == pytest.approx(4 * 0.01 + 0.005 + 4 * 0.02)


def test_memory_that_grows_with_the_inputs_fails_at_the_look_after_it_went_too_far():
    machine = Machine()

    def harness(data):
        machine.blocks += 1

    limited = machine.limited(harness)
    for _ in range(4 * FIRST_LOOK - 1):
        limited(b"abc")
    assert machine.told[-2:] == [f"stat::grown_blocks: {FIRST_LOOK}", "stat::longest_input_bytes: 3"]
    with pytest.raises(GrowthError, match=rf"{GROWN_BLOCKS:,} are allowed"):
        limited(b"abc")


def test_memory_that_fills_before_the_first_look_is_no_growth():
    machine = Machine()

    def harness(data):
        machine.blocks = min(machine.blocks + 10 * GROWN_BLOCKS, FIRST_LOOK * GROWN_BLOCKS)

    limited = machine.limited(harness)
    for _ in range(4 * FIRST_LOOK):
        limited(b"abc")

    assert "stat::grown_blocks: 0" in machine.told


def test_what_the_harness_raises_goes_through():
    def harness(data):
        raise AssertionError("an invariant")

    with pytest.raises(AssertionError, match="an invariant"):
        Machine().limited(harness)(b"abc")
