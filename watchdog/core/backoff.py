"""How long to wait before the next attempt: exponential, with full jitter, as a pure function."""


def delay_seconds(failures: int, random: float, *, initial_seconds: float, max_seconds: float) -> float:
    """The wait after `failures` attempts in a row (1 or more), given a random `random` from [0, 1).

    Between `initial_seconds` and twice that after the first failure, the upper bound doubling with each
    further one up to `max_seconds`: many games that lost one hub don't come back in step.
    """
    # 2.0**64 already exceeds every ratio of the bounds; unbounded, the power would overflow one night.
    ceiling = min(max_seconds, initial_seconds * 2.0 ** min(failures, 64))
    return initial_seconds + random * (ceiling - initial_seconds)
