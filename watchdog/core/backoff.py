"""How long to wait before the next attempt: exponential, with full jitter."""

from msgspec import Struct


class Backoff(Struct, frozen=True):
    """The bounds of the wait between two attempts."""

    initial_seconds: float
    max_seconds: float

    def delay_seconds(self, failures: int, random: float, asked_for_seconds: float = 0.0) -> float:
        """The wait after `failures` attempts in a row, given a random `random` from [0, 1); none after none.

        Between `initial_seconds` and twice that after the first failure, the upper bound doubling with each
        further one up to `max_seconds`: many games that lost one hub don't come back in step. That they don't
        either after the time that a hub asked for: the wait after a first failure is added to it.
        """
        if asked_for_seconds > 0.0:
            return max(
                asked_for_seconds + self.delay_seconds(1, random), self.delay_seconds(failures, random)
            )
        if failures == 0:
            return 0.0
        # 2.0**64 already exceeds every ratio of the bounds; unbounded, the power would overflow one night.
        ceiling = min(self.max_seconds, self.initial_seconds * 2.0 ** min(failures, 64))
        return self.initial_seconds + random * (ceiling - self.initial_seconds)
