"""An object as a seekable file that fetches what is read, in blocks, and a little more while reading goes forward."""

import io
from collections import OrderedDict
from collections.abc import Callable

from shared.adapters.gcp.failures import translated
from shared.errors import TryAgain

BLOCK_BYTES = 128 * 1024
"""What is fetched after a jump. A minute of a source may be 4 MB, and each task jumps to its chunk and reads the index.

With blocks of 1 MiB the tasks of a session of 14 MB fetched 1.45 times its size, with these 1.20 times, for 16 requests
each instead of 6; since a run grows by a quarter with each request, long ones hardly make more of them.
"""
CACHED_BLOCKS = 256  # 32 MiB: libav goes to and fro between a file's index, its picture and its sound
BUFFER_BYTES = 1 << 16  # what libav reads at once; larger reads go past the buffer, smaller ones stay in C
MOST_BLOCKS_AT_ONCE = 64  # 8 MiB: at 100 MB/s the 30 ms until a first byte then cost a quarter of a request's time
READ_AHEAD_SHARE = 4
"""A run of n blocks fetches n/4 at once: what it fetches in vain is at most a quarter of what was wanted.

Doubling would fetch up to as much again.
"""
REMEMBERED_RUNS = 4  # picture and sound that lie apart in a file are read in turns

Fetch = Callable[[int, int], bytes]
"""Returns the bytes from a start to an end (not included), in one request. What it raises may pass."""
Retry = Callable[[Fetch], Fetch]
"""Makes a Fetch try again while what it raises may pass."""


class RangedReader(io.BufferedReader):
    """A reader of an object that is `size_bytes` long; never asks for a byte twice while it is cached.

    It is read by one thread at a time. Raises what `fetch` raises, but TryAgain where that may pass, and when a part
    comes back short.
    """

    def __init__(self, fetch: Fetch, *, name: str, size_bytes: int, retry: Retry, requests: int = 0) -> None:
        """`requests` is how many it took to get here."""
        self._blocks = _Blocks(fetch, name=name, size_bytes=size_bytes, retry=retry, requests=requests)
        super().__init__(self._blocks, BUFFER_BYTES)

    @property
    def requested_bytes(self) -> int:
        """How many bytes were asked for so far, those of failed requests included."""
        return self._blocks.requested_bytes

    @property
    def requests(self) -> int:
        """How many requests were made so far, failed ones included."""
        return self._blocks.requests


class _Blocks(io.RawIOBase):
    """The object's blocks, on a grid that begins at 0; the last may be short."""

    def __init__(self, fetch: Fetch, *, name: str, size_bytes: int, retry: Retry, requests: int) -> None:
        super().__init__()
        self.requested_bytes = 0
        self.requests = requests
        self._fetch = fetch
        self._fetch_retried = retry(self._fetch_once)
        self._name = name
        self._size_bytes = size_bytes
        self._at = 0
        self._cached: OrderedDict[int, bytes] = OrderedDict()  # the one used last is last
        self._runs: OrderedDict[int, int] = OrderedDict()  # the block each ends before -> how many blocks it is long

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        to = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence] + offset
        if to < 0:
            raise OSError(22, f"{self._name}: there is nothing before the beginning")
        self._at = to
        return to

    def readinto(self, buffer: object) -> int:
        """Read up to the end of a block, which is what BufferedReader needs to go on."""
        if self._at >= self._size_bytes:
            return 0
        index, offset = divmod(self._at, BLOCK_BYTES)
        with memoryview(buffer).cast("B") as target:  # type: ignore[arg-type]  # typeshed names the protocol privately
            part = memoryview(self._block(index))[offset : offset + len(target)]
            target[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _block(self, index: int) -> bytes:
        if index in self._cached:
            self._cached.move_to_end(index)
        else:
            self._load(index)
        return self._cached[index]

    def _load(self, first: int) -> None:
        """Fetch the missing block, and more of them where a run goes on."""
        run = self._runs.pop(first, 0)
        wanted = max(1, min(run // READ_AHEAD_SHARE, MOST_BLOCKS_AT_ONCE))
        count = next((ahead for ahead in range(1, wanted) if first + ahead in self._cached), wanted)
        start = first * BLOCK_BYTES
        end = min(start + count * BLOCK_BYTES, self._size_bytes)
        with translated(f"Reading {self._name}"):
            data = self._fetch_retried(start, end)
        for offset in range(0, len(data), BLOCK_BYTES):  # copies, since a slice would keep its neighbours in memory
            self._cached[first + offset // BLOCK_BYTES] = data[offset : offset + BLOCK_BYTES]
        # What is needed now is used last: it stays, while the oldest go.
        self._cached.move_to_end(first)
        _drop_oldest(self._cached, CACHED_BLOCKS)
        self._runs[first + count] = run + count
        _drop_oldest(self._runs, REMEMBERED_RUNS)

    def _fetch_once(self, start: int, end: int) -> bytes:
        self.requests += 1
        self.requested_bytes += end - start
        data = self._fetch(start, end)
        if len(data) != end - start:
            raise TryAgain(
                f"{self._name}: the store sent {len(data)} bytes instead of those from {start} to {end}.",
                code="short_read",
            )
        return data


def _drop_oldest(entries: "OrderedDict[int, bytes] | OrderedDict[int, int]", at_most: int) -> None:
    while len(entries) > at_most:
        entries.popitem(last=False)
