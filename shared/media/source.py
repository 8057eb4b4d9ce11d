"""A caller's seekable binary file as libav sees it; libav's side is closed, the caller's never."""

from __future__ import annotations  # Generator has a default for what it returns from Python 3.13 on

import io
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from struct import Struct
from threading import Lock
from typing import BinaryIO, TypeVar, cast

import av
from av.container import InputContainer
from av.stream import Discard, Stream

from shared.errors import BadVideo

BUFFER_BYTES = 1 << 16  # one read of libav; the object store below caches in larger blocks
WANTED = Struct("qq")  # where the next read begins: offset and whence
NOWHERE = WANTED.pack(0, -1)  # right after the last one

T = TypeVar("T")
Answer = bytes | int | BaseException | None
"""Bytes read, a position, or what went wrong."""


class Turns:
    """Lets containers that are used on several threads read one file in turn; after a failure nobody reads on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failure: BaseException | None = None

    def take(self, read: Callable[[], T]) -> T:
        """Return what `read` does once it is its turn. Raises what it or an earlier one raised: the same object."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            try:
                return read()
            except BaseException as error:
                self._failure = error
                raise


class SourceReader:
    """What PyAV reads from: keeps its own position, so that several containers can share one file.

    Those that are read on several threads are given one `turns`.

    It has no `name` (libav would guess the format from it) and no `close`. What comes out of a read instead of bytes
    is kept in `failure`; libav is told of an error, and of the end of the file ever after.

    `read`, `seek` and `tell` are functions of C on purpose. A signal handler that raises (KeyboardInterrupt) does so
    where Python code is entered. In a `def` that is before its first `try`, and PyAV, whose callbacks catch Exception
    only, would print what comes out and go on: the file ends there, or the seek went to 0. A generator, though, is
    entered inside its `try`, and seeking only notes where to.

    What a handler raises while PyAV makes the traceback of an error of its own (also the end of the file, inside) is
    still lost: about 1 in 100 signals at worst. A program that must not miss one sets a flag, as jobs/task.py does.
    """

    def __init__(self, file: BinaryIO, turns: Turns | None = None) -> None:
        turns = turns or Turns()
        size_bytes = turns.take(lambda: file.seek(0, io.SEEK_END))
        self._state = _State(file, size_bytes=size_bytes, turns=turns)
        answers = _answers(self._state)
        next(answers)
        self.read = answers.send
        self.seek = partial(WANTED.pack_into, self._state.wanted, 0)  # returns None, so PyAV asks `tell` if it must
        self.tell = answers.__next__

    @property
    def failure(self) -> BaseException | None:
        """The first thing the storage or a signal handler raised; the same object."""
        return self._state.failure

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


@dataclass(slots=True, kw_only=True)
class _State:
    file: BinaryIO = field(kw_only=False)
    size_bytes: int
    turns: Turns
    at: int = 0
    wanted: bytearray = field(default_factory=lambda: bytearray(NOWHERE))
    failure: BaseException | None = None

    def move(self) -> int:
        """Return the position after the seek asked for, -1 for one before the file (libav tries that on tiny files)."""
        offset, whence = cast("tuple[int, int]", WANTED.unpack(self.wanted))
        if whence < 0:
            return self.at
        self.wanted[:] = NOWHERE
        to = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size_bytes}[whence] + offset
        if to < 0:
            return -1
        self.at = to
        return to

    def read(self, size: int) -> bytes:
        self.move()
        data = self.turns.take(lambda: self._read(size))
        self.at += len(data)
        return data

    def _read(self, size: int) -> bytes:
        if self.file.tell() != self.at:
            self.file.seek(self.at)
        return self.file.read(size)


def _answers(state: _State) -> Generator[Answer, int | None]:
    """Answer a size with that many bytes and None with the position."""
    answer: Answer = 0
    try:
        while True:
            size = yield answer
            answer = state.move() if size is None else state.read(size)
    except GeneratorExit:
        return
    except BaseException as error:
        state.failure = error
    # PyAV wants bytes, so this makes it raise a TypeError, which it does pass on as soon as control is back. Said
    # twice, it would print the first one.
    size = yield state.failure
    while True:
        size = yield -1 if size is None else b""


@contextmanager
def open_source(file: BinaryIO, *, name: str, turns: Turns | None = None) -> Iterator[InputContainer]:
    """Open the file with libav and close libav's side at the end.

    Containers of one file that are used on several threads are given one `turns`.

    Whatever the caller's storage, or a signal handler meanwhile, raised comes out unchanged. Raises BadVideo
    `empty_file`, `truncated`, `not_a_video` if libav cannot open it, and `corrupt` if an error of libav gets out of
    the block.
    """
    turns = turns or Turns()
    reader = SourceReader(file, turns)
    try:
        with _opened(reader, file, name=name, turns=turns) as container:
            yield container
    except av.FFmpegError as error:
        if reader.failure is None:
            said = describe(error)
            raise BadVideo("corrupt", f"{name}: reading it failed ({said}); export the file again.") from error
    except BaseException:
        if reader.failure is None:
            raise
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


def _opened(reader: SourceReader, file: BinaryIO, *, name: str, turns: Turns) -> InputContainer:
    size_bytes = turns.take(lambda: file.seek(0, io.SEEK_END))
    if size_bytes == 0:
        raise BadVideo("empty_file", f"{name}: the file is empty (0 bytes); copy or export it again.")
    try:
        # "replace": tags in odd encodings are none of our business and must not stop anything.
        return av.open(reader, mode="r", metadata_errors="replace", buffer_size=BUFFER_BYTES)
    except (av.FFmpegError, ValueError) as error:
        if reader.failure is not None:
            raise
        raise _unreadable(file, size_bytes, name=name, error=error) from error


def _unreadable(file: BinaryIO, size_bytes: int, *, name: str, error: Exception) -> BadVideo:
    boxes = _top_level_boxes(file, size_bytes)
    if boxes and boxes[0] == "ftyp" and "moov" not in boxes:
        return BadVideo(
            "truncated",
            f"{name}: cut off: its index is missing (found: {', '.join(boxes)}; no moov); copy the whole file again.",
        )
    said = describe(error)
    return BadVideo("not_a_video", f"{name}: no known video format ({said}); use an MP4, MOV, MKV or WebM.")


def _top_level_boxes(file: BinaryIO, size_bytes: int, *, at_most: int = 64) -> list[str]:
    """Return the names of an MP4's top-level boxes, [] when the file does not look like one."""
    boxes: list[str] = []
    at = 0
    while at + 8 <= size_bytes and len(boxes) < at_most:
        file.seek(at)
        header = file.read(16)
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
