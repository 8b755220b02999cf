"""A token bucket over bytes: the stream's ingest rate."""

import math
import time
from collections.abc import Callable


class TokenBucket:
    """Lets through so many bytes per second, and one second's worth at once.

    A body goes through as soon as the bucket is not in debt, however large it is,
    so that a body above one second's worth is late but never refused for good.
    """

    def __init__(self, bytes_per_second: int, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._now = bytes_per_second, now
        self._level, self._filled_at = float(bytes_per_second), now()

    def seconds_to_wait(self, size: int) -> int:
        """Takes `size` bytes and returns 0, or takes nothing and returns whole seconds until it would."""
        if not self._rate:
            return 0
        now = self._now()
        self._level = min(self._rate, self._level + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._level <= 0:
            return max(1, math.ceil(-self._level / self._rate))
        self._level -= size
        return 0
