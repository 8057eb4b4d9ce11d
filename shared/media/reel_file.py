"""The file a reel is written to: it is there whole, or not at all."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import av
from av.container import OutputContainer

from shared.errors import BadVideo, TryAgain
from shared.media.source import describe

FASTSTART = {"movflags": "+faststart"}  # the index first, so that a browser can start before the end is there
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
Kind = Literal["mp4", "ipod"]
"""libav's names: "ipod" is MP4 with the brand of .m4a."""


@contextmanager
def reel_file(path: Path, *, kind: Kind, name: str, doing: str) -> Iterator[OutputContainer]:
    """Open `path` to be written, whatever its name; when the block fails nothing is left there.

    `doing` is what the block does, for messages. Errors of libav come out as BadVideo `render_failed`, and as TryAgain
    when there is no room.
    """
    try:
        # "file:" keeps libav from reading a protocol into the path.
        with av.open(f"file:{path.absolute()}", "w", format=kind, container_options=FASTSTART) as output:
            yield output
    except BaseException as error:
        with suppress(FileNotFoundError):
            path.unlink()
        if isinstance(error, av.FFmpegError):
            raise _failure(error, name=name, doing=doing) from error
        raise


def _failure(error: av.FFmpegError, *, name: str, doing: str) -> BadVideo | TryAgain:
    said = describe(error)
    if getattr(error, "errno", None) in NO_ROOM:
        return TryAgain(f"{name}: the reel could not be written ({said}); free some room.")
    return BadVideo("render_failed", f"{name}: {doing} failed ({said}); report it.")
