"""A caller's seekable binary file as libav sees it; libav's side is closed, the caller's never."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import av
from av.container import InputContainer
from av.stream import Discard, Stream

from shared.errors import BadVideo

BUFFER_BYTES = 1 << 16  # one read of libav; the object store below caches in blocks of 1 MiB


class SourceReader:
    """What PyAV reads from: keeps its own position, so that several containers can share one file in one thread.

    It has no `name` (libav would guess the format from it) and no `close`. What the caller's storage raises is kept
    in `failure`, because libav may take a failed read for the end of the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        self.size_bytes = file.seek(0, io.SEEK_END)
        self.failure: Exception | None = None

    def read(self, size: int) -> bytes:
        try:
            if self._file.tell() != self._at:
                self._file.seek(self._at)
            data = self._file.read(size)
        except Exception as error:
            self.failure = error
            raise
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Return the new position, -1 for one before the file (libav tries that on tiny files)."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            return -1
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


@contextmanager
def open_source(file: BinaryIO, *, name: str) -> Iterator[InputContainer]:
    """Open the file with libav and close libav's side at the end.

    Whatever the caller's storage raised comes out unchanged. Raises BadVideo `empty_file`, `truncated`, `not_a_video`
    if libav cannot open it, and `corrupt` if an error of libav gets out of the block.
    """
    reader = SourceReader(file)
    try:
        with _opened(reader, name=name) as container:
            yield container
    except (av.FFmpegError, EOFError) as error:
        if reader.failure is not None:
            raise reader.failure from None
        raise BadVideo("corrupt", f"{name}: reading it failed ({describe(error)}); export the file again") from error
    if reader.failure is not None:
        raise reader.failure


def describe(error: Exception) -> str:
    """Return what libav says, with the last line it logged when there is one."""
    said = getattr(error, "strerror", None) or str(error)
    logged = getattr(error, "log", None)
    return f"{said}: {logged[2].strip()}" if logged else str(said)


def read_only(container: InputContainer, stream: Stream) -> None:
    """Tell the demuxer to leave out all other streams, so that their bytes are not read where the format allows it."""
    for each in container.streams:
        each.discard = Discard.default if each.index == stream.index else Discard.all


def _opened(reader: SourceReader, *, name: str) -> InputContainer:
    if reader.size_bytes == 0:
        raise BadVideo("empty_file", f"{name}: the file is empty (0 bytes); upload it again")
    try:
        # "replace": tags in odd encodings are none of our business and must not stop anything.
        return av.open(reader, mode="r", metadata_errors="replace", buffer_size=BUFFER_BYTES)
    except (av.FFmpegError, EOFError, ValueError) as error:
        if reader.failure is not None:
            raise reader.failure from None
        raise _unreadable(reader, name=name, error=error) from error


def _unreadable(reader: SourceReader, *, name: str, error: Exception) -> BadVideo:
    boxes = _top_level_boxes(reader)
    if boxes and boxes[0] == "ftyp" and "moov" not in boxes:
        return BadVideo(
            "truncated",
            f"{name}: cut off: its index is missing (found: {', '.join(boxes)}; no moov); upload the whole file",
        )
    said = describe(error)
    return BadVideo("not_a_video", f"{name}: no known video format ({said}); upload an MP4, MOV, MKV or WebM")


def _top_level_boxes(reader: SourceReader, *, at_most: int = 64) -> list[str]:
    """Return the names of an MP4's top-level boxes, [] when the file does not look like one."""
    boxes: list[str] = []
    at = 0
    while at + 8 <= reader.size_bytes and len(boxes) < at_most:
        reader.seek(at)
        header = reader.read(16)
        kind = header[4:8]
        if not all(32 <= byte < 127 for byte in kind):
            break
        boxes.append(kind.decode("ascii"))
        size = int.from_bytes(header[:4], "big")
        if size == 1 and len(header) == 16:
            size = int.from_bytes(header[8:16], "big")
        if size < 8:
            break
        at += size
    return boxes
