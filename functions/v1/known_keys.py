"""Keys that were found a moment ago, so that a burst of requests costs one look into the store."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.api_key import ApiKey

FRESH_S = 5.0  # as long as a revoked key may go on working here
MOST_KEYS = 1000


@dataclass(frozen=True, slots=True)
class _Found:
    key: ApiKey
    at: float


class KnownKeys:
    """The latest keys of this process that counted when they were looked up; safe for threads.

    Wrong and revoked ones are never kept: whoever sends many of them costs no memory.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = MOST_KEYS) -> None:
        self._clock = clock
        self._most = most
        self._found: OrderedDict[str, _Found] = OrderedDict()
        self._lock = threading.Lock()

    def fresh(self, sha256: str) -> ApiKey | None:
        """Return the key if it was found within the last seconds."""
        with self._lock:
            found = self._found.get(sha256)
        return found.key if found is not None and self._clock() - found.at < FRESH_S else None

    def has_met(self, sha256: str) -> bool:
        """Return whether the key counted when it was looked up last, however long ago."""
        with self._lock:
            return sha256 in self._found

    def look_up(self, sha256: str, find: Callable[[str], ApiKey | None]) -> ApiKey | None:
        """Return the key as the store has it, and remember it while it counts."""
        asked_at = self._clock()  # before the answer: it may have been revoked while that was on its way
        key = find(sha256)
        with self._lock:
            self._found.pop(sha256, None)
            if key is not None and key.revoked_at is None:
                self._found[sha256] = _Found(key, asked_at)
                if len(self._found) > self._most:
                    self._found.popitem(last=False)
        return key
