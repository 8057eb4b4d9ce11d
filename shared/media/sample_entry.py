"""What an MP4 or MOV calls the codecs of its tracks; libav does not tell for a track it has no decoder for."""

import io
from collections.abc import Iterator
from typing import BinaryIO

HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
MOST_BOXES = 10_000  # of one level; real files have a few dozen


def sample_entries(file: BinaryIO) -> tuple[str, ...]:
    """Return the four letters of each track's first sample entry, e.g. "avc1", in the file's order; () for no MP4."""
    return tuple(_found(file, 0, file.seek(0, io.SEEK_END)))


def _found(file: BinaryIO, start: int, end: int) -> Iterator[str]:
    for kind, body, beyond in _boxes(file, start, end):
        if kind in HOLDERS:
            yield from _found(file, body, beyond)
        elif kind == b"stsd":
            file.seek(body)
            yield file.read(16)[12:16].decode("latin-1")  # behind version, count and the entry's size


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, where its body begins, where it ends) of the boxes in a stretch of the file."""
    at = start
    for _ in range(MOST_BOXES):
        file.seek(at)
        header = file.read(16)
        if at + 8 > end or len(header) < 8:
            return
        size, body = int.from_bytes(header[:4], "big"), at + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), at + 16
        beyond = end if size == 0 else at + size
        if beyond < body or beyond > end:
            beyond = end
        yield header[4:8], body, beyond
        at = beyond
