"""How often somebody may call one process: a bucket of tokens for each key and for each address without one."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

from shared.errors import TryAgain

MOST_BUCKETS = 10_000  # about 2 MB; beyond it those who called longest ago begin anew


class TooManyRequests(TryAgain):
    """The caller has to wait."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many requests at once; try again in {retry_after_s} s.", code="too_many_requests")
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type["TooManyRequests"], tuple[int]]:  # type: ignore[override]
        return type(self), (self.retry_after_s,)


class RateLimit:
    """Buckets that hold a minute's requests and fill evenly; safe for threads.

    All that is kept of a bucket is when it will be full again: an absent one is full.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = MOST_BUCKETS) -> None:
        self._clock = clock
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str, *, per_minute: int) -> None:
        """Count a request; 0 per minute is no limit. Raises TooManyRequests, and then counts nothing."""
        if per_minute == 0:
            return
        with self._lock:
            full_at = self._after_one_more(who, per_minute)
            self._full_at[who] = full_at
            self._full_at.move_to_end(who)
            if len(self._full_at) > self._most:
                self._full_at.popitem(last=False)

    def check(self, who: str, *, per_minute: int) -> None:
        """Raise TooManyRequests where `take` would; count nothing."""
        if per_minute > 0:
            with self._lock:
                self._after_one_more(who, per_minute)

    def _after_one_more(self, who: str, per_minute: int) -> float:
        now = self._clock()
        full_at = max(now, self._full_at.get(who, now)) + 60.0 / per_minute
        excess_s = full_at - now - 60.0
        if excess_s > 1e-6:  # sums of sixtieths are not exact
            raise TooManyRequests(max(1, ceil(excess_s - 1e-6)))
        return full_at
