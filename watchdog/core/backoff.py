"""How long to wait before the next attempt: exponential, with full jitter, as a pure function."""


def delay_seconds(failures: int, random: float, *, initial_seconds: float, max_seconds: float) -> float:
    """The wait after `failures` attempts in a row (1 or more), given a random `random` from [0, 1).

    It is between `initial_seconds` and twice that after the first failure. The upper bound doubles with each
    further one, up to `max_seconds`. Full jitter keeps many games that lost one hub from coming back in step.
    """
    # 2.0**64 exceeds every ratio of the bounds; an unbounded power would overflow after a night of failures.
    ceiling = min(max_seconds, initial_seconds * 2.0 ** min(failures, 64))
    return initial_seconds + random * (ceiling - initial_seconds)
