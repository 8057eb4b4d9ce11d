"""Tells, at least once, that an object was created or overwritten, as Cloud Storage does through Eventarc."""

import heapq
import itertools
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import Any
from urllib.parse import quote

import httpx

Listener = Callable[[dict[str, Any]], None]

TYPE = "google.cloud.storage.object.v1.finalized"
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0  # Eventarc waits 10 s and up to 600 s; a test has no time for that
TIMEOUT_S = 60.0  # for one delivery: a handler may look into a video before it answers
FIELDS = (
    "kind", "id", "selfLink", "name", "bucket", "generation", "metageneration", "contentType", "timeCreated", "updated",
    "storageClass", "size", "md5Hash", "crc32c", "etag", "mediaLink", "metadata", "contentDisposition", "cacheControl",
    "componentCount",
)  # fmt: skip


class FinalizedEvents:
    """Delivers each event to a listener and to a URL; whoever raises or answers no 2xx gets it again, later."""

    def __init__(
        self, listener: Listener | None, url: str | None, *, times: int, buckets: Collection[str] | None = None
    ) -> None:
        self._receivers: list[Callable[[str, dict[str, Any]], None]] = []
        if listener:
            self._receivers.append(lambda _, data: listener(data))
        if url:
            self._receivers.append(lambda number, data: _post(url, number, data))
        self._times = times
        self._buckets = buckets
        self._numbers = itertools.count(1)
        self._new: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._changed = Condition()
        self._outstanding = 0
        self._last_error: Exception | None = None

    def tell(self, resource: Mapping[str, Any]) -> None:
        """Have an event delivered, as often as was asked for, about an object as the JSON API describes it."""
        if self._buckets is not None and resource["bucket"] not in self._buckets:
            return
        data = {name: resource[name] for name in FIELDS if name in resource}
        number = str(next(self._numbers))
        for receiver in self._receivers * self._times:
            with self._changed:
                self._outstanding += 1
            self._new.put(lambda receiver=receiver: receiver(number, data))  # type: ignore[misc]

    def wait(self, timeout_s: float) -> None:
        """Return when everything told so far was received. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._outstanding == 0, timeout_s):
                raise TimeoutError(f"{self._outstanding} events were not taken; the last error: {self._last_error}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Deliver until the block ends; what was not received by then is dropped."""
        thread = Thread(target=self._deliver, name="finalized-events")
        thread.start()
        try:
            yield
        finally:
            self._new.put(None)
            thread.join()

    def _deliver(self) -> None:
        order = itertools.count()  # deliveries due at the same moment cannot be compared themselves
        waiting: list[tuple[float, int, float, Callable[[], None]]] = []
        while True:
            try:
                new = self._new.get(timeout=max(0.0, waiting[0][0] - time.monotonic()) if waiting else None)
            except Empty:
                _, _, pause_s, deliver = heapq.heappop(waiting)
                if not self._delivered(deliver):
                    due = time.monotonic() + pause_s
                    heapq.heappush(waiting, (due, next(order), min(2 * pause_s, LONGEST_PAUSE_S), deliver))
            else:
                if new is None:
                    return
                heapq.heappush(waiting, (time.monotonic(), next(order), FIRST_PAUSE_S, new))

    def _delivered(self, deliver: Callable[[], None]) -> bool:
        try:
            deliver()
        except Exception as error:  # whatever a listener raises, a platform would answer 500 for it
            self._last_error = error
            return False
        with self._changed:
            self._outstanding -= 1
            self._changed.notify_all()
        return True


def _post(url: str, number: str, data: dict[str, Any]) -> None:
    """Send a CloudEvent in binary mode."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": number,  # the same whenever it is delivered again
        "ce-type": TYPE,
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{data['bucket']}",
        "ce-subject": quote(f"objects/{data['name']}", safe="/"),
        "ce-time": data["updated"],
        "Content-Type": "application/json",
    }
    httpx.post(url, content=json.dumps(data), headers=headers, timeout=TIMEOUT_S).raise_for_status()
