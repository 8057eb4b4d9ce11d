"""The file a reel is written to: it is there whole, or not at all."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import av
from av.container import OutputContainer

from shared.errors import BadVideo, TryAgain
from shared.media.source import describe

FASTSTART = {"movflags": "+faststart"}  # the index first, so that a browser can start before the end is there
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
NO_DISK = (errno.EIO, errno.EROFS)
Kind = Literal["mp4", "ipod"]
"""libav's names: "ipod" is MP4 with the brand of .m4a."""


@contextmanager
def reel_file(path: Path, *, kind: Kind, name: str, doing: str | Callable[[], str]) -> Iterator[OutputContainer]:
    """Open `path` to be written, whatever its name; it is there when the block and the closing have gone well.

    Until then what is written has a temporary name in the same folder, and nothing is left of it on failure. Only a
    kill leaves it, and the next one to write to `path` takes its place. `doing` is what the block does, or gives it
    afterwards, for messages. Errors of libav come out as BadVideo `render_failed`, and as TryAgain when there is no
    room, which may show only when the file is closed.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        # "file:" keeps libav from reading a protocol into the path.
        output = av.open(f"file:{partial.absolute()}", "w", format=kind, container_options=FASTSTART)
        try:
            yield output
        except BaseException:
            with suppress(av.FFmpegError):  # what went wrong first is told
                output.close()
            raise
        output.close()
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, av.FFmpegError):
            raise _failure(error, name=name, doing=doing if isinstance(doing, str) else doing()) from error
        raise


def _failure(error: av.FFmpegError, *, name: str, doing: str) -> BadVideo | TryAgain:
    said = describe(error)
    if getattr(error, "errno", None) in NO_ROOM:
        return TryAgain(f"{name}: the reel could not be written to the disk ({said}); free some room.")
    if getattr(error, "errno", None) in NO_DISK:
        return TryAgain(f"{name}: the reel could not be written to the disk ({said}); look at the disk.")
    return BadVideo("render_failed", f"{name}: {doing} failed ({said}); report it.")
