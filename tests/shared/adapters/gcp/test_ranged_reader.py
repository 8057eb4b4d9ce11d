import io
import random
from collections.abc import Callable

import pytest

from shared.adapters.gcp.ranged_reader import BLOCK_BYTES, BUFFER_BYTES, CACHED_BLOCKS, RangedReader
from shared.errors import TryAgain

MB = 1024 * 1024
BLOCK = BLOCK_BYTES
Range = tuple[int, int]


class Bytes:
    """An object whose byte at offset n is n // 997 % 256, and the ranges that were asked of it."""

    def __init__(self, size_bytes: int) -> None:
        self.data = b"".join(bytes([number % 256]) * 997 for number in range(size_bytes // 997 + 1))[:size_bytes]
        self.asked: list[Range] = []

    def fetch(self, start: int, end: int) -> bytes:
        self.asked.append((start, end))
        assert 0 <= start < end <= len(self.data)
        return self.data[start:end]

    def open(self, retry: Callable[..., Callable[[int, int], bytes]] = lambda fetch: fetch) -> RangedReader:
        return RangedReader(self.fetch, name="film", size_bytes=len(self.data), retry=retry)


def test_reading_to_and_fro_gives_what_a_file_would_give() -> None:
    there = Bytes(3 * MB + 12_345)
    reader, file = there.open(), io.BytesIO(there.data)
    dice = random.Random(5)
    for _ in range(300):
        place = dice.choice([(dice.randrange(4 * MB), 0), (-dice.randrange(2 * MB), 2), (dice.randrange(5000), 1)])
        assert reader.seek(*place) == file.seek(*place)
        count = dice.choice([1, 16, 4096, BUFFER_BYTES, dice.randrange(2 * MB)])
        assert reader.read(count) == file.read(count)
        assert reader.tell() == file.tell()
    reader.close()
    assert reader.closed


@pytest.mark.parametrize("size_bytes", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * MB])
def test_the_end_is_where_it_is_and_nothing_past_it_is_asked_for(size_bytes: int) -> None:
    there = Bytes(size_bytes)
    with there.open() as reader:
        assert reader.read() == there.data
        assert reader.read(1) == b""
        assert reader.seek(10, io.SEEK_END) == size_bytes + 10
        assert reader.read(1) == b""
        assert reader.requested_bytes == size_bytes


def test_nothing_is_before_the_beginning() -> None:
    with Bytes(10).open() as reader, pytest.raises(OSError, match="beginning"):
        reader.seek(-11, io.SEEK_END)


def test_nothing_is_asked_for_before_something_is_read() -> None:
    with Bytes(10 * MB).open() as reader:
        reader.seek(5 * MB)
        assert (reader.requests, reader.requested_bytes, reader.tell()) == (0, 0, 5 * MB)


def test_reading_ahead_grows_with_what_was_read_up_to_8_mib() -> None:
    there = Bytes(100 * MB)
    with there.open() as reader:
        while reader.read(BUFFER_BYTES):
            pass
    lengths = [(end - start) // BLOCK for start, end in there.asked]
    assert lengths[:9] == [1, 1, 1, 1, 1, 1, 1, 1, 2]
    assert lengths == [*sorted(lengths[:-1]), lengths[-1]] and max(lengths) * BLOCK == 8 * MB
    assert there.asked == sorted(there.asked) and sum(lengths) * BLOCK == 100 * MB
    assert len(lengths) < 35


@pytest.mark.parametrize("wanted_mb", [1, 5, 8, 15, 40, 80])
def test_what_is_read_ahead_in_vain_is_at_most_a_quarter(wanted_mb: int) -> None:
    there = Bytes(100 * MB)
    with there.open() as reader:
        reader.seek(3 * MB)
        for _ in range(wanted_mb * MB // BUFFER_BYTES):
            reader.read(BUFFER_BYTES)
        assert wanted_mb * MB <= reader.requested_bytes <= wanted_mb * MB * 5 / 4


def test_a_jump_falls_back_to_one_block() -> None:
    there = Bytes(100 * MB)
    with there.open() as reader:
        reader.read(30 * MB)
        reader.seek(70 * MB)
        reader.read(1)
    assert there.asked[-1] == (70 * MB, 70 * MB + BLOCK)


def test_two_places_read_in_turns_are_both_read_ahead() -> None:
    there = Bytes(100 * MB)
    with there.open() as reader:
        for step in range(20 * MB // BUFFER_BYTES):
            for start in (0, 50 * MB):
                reader.seek(start + step * BUFFER_BYTES)
                reader.read(BUFFER_BYTES)
        assert reader.requested_bytes <= 2 * 25 * MB
    assert len(there.asked) < 50


def test_what_is_cached_is_not_asked_for_again() -> None:
    there = Bytes(CACHED_BLOCKS * BLOCK)
    with there.open() as reader:
        reader.seek(9 * MB)
        reader.read(2 * MB)
        for _ in range(3):
            reader.seek(0)
            assert reader.read() == there.data
        assert reader.requested_bytes == len(there.data)


def test_the_cache_keeps_32_mib_and_drops_what_was_used_longest_ago() -> None:
    there = Bytes(70 * MB)
    others = range(2, 2 * CACHED_BLOCKS, 2)  # every other one, so that none is a run; with 0 the cache is full
    with there.open() as reader:
        for block in [0, *others, 0, 2 * CACHED_BLOCKS, 0, 4, 2]:
            reader.seek(block * BLOCK)
            reader.read(1)
    assert CACHED_BLOCKS * BLOCK == 32 * MB
    assert [there.asked.count((block * BLOCK, block * BLOCK + BLOCK)) for block in (0, 4, 2)] == [1, 1, 2]


def test_failed_requests_count_too() -> None:
    there = Bytes(BLOCK)

    def twice(fetch: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
        def run(start: int, end: int) -> bytes:
            fetch(start, end)
            return fetch(start, end)

        return run

    with there.open(twice) as reader:
        reader.read(1)
        assert (reader.requests, reader.requested_bytes) == (2, 2 * BLOCK)


@pytest.mark.parametrize("length", [0, 10, BLOCK - 1, BLOCK + 1])
def test_a_part_of_another_length_than_asked_for_is_our_trouble(length: int) -> None:
    with RangedReader(lambda start, end: bytes(length), name="film", size_bytes=3 * MB, retry=lambda fetch: fetch) as (
        reader
    ):
        with pytest.raises(TryAgain) as caught:
            reader.read(1)
        assert caught.value.code == "short_read"


def test_a_reader_goes_on_after_an_error() -> None:
    there = Bytes(3 * MB)
    failing = [True]

    def fetch(start: int, end: int) -> bytes:
        if start == MB and failing.pop():
            raise TryAgain("busy")
        return there.fetch(start, end)

    with RangedReader(fetch, name="film", size_bytes=3 * MB, retry=lambda fetch: fetch) as reader:
        assert reader.read(MB) == there.data[:MB]
        with pytest.raises(TryAgain):
            reader.read(1)
        reader.seek(MB)
        failing.append(False)
        assert reader.read() == there.data[MB:]
