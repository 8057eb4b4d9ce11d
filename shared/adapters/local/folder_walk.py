"""Walking a folder without ever following a symbolic link out of it."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from shared.domain.object_path import PRIVATE
from shared.errors import TryAgain

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # non-blocking: a planted FIFO must not hang us
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY


@contextlib.contextmanager
def opened_folder(top: Path, parts: tuple[str, ...], *, is_made: bool = False) -> Iterator[int]:
    """Open a folder step by step, following no symbolic link below the top.

    Raises FileNotFoundError or NotADirectoryError; the latter for symbolic links, too.
    """
    fd = os.open(top, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for part in parts:
            if is_made:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=fd)
            below = os.open(part, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd
    except OSError as error:
        if error.errno == errno.ELOOP:  # what some systems say instead of ENOTDIR
            raise NotADirectoryError(*error.args) from error
        raise
    finally:
        os.close(fd)


def open_if_there(top: Path, parts: tuple[str, ...]) -> int | None:
    """Return a descriptor of a regular file, None for everything else, links included."""
    try:
        with opened_folder(top, parts[:-1]) as folder:
            fd = os.open(parts[-1], _READ, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            return None
        raise TryAgain(f"{'/'.join(parts)} cannot be opened: {error.strerror}.") from error
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return None


def is_there(top: Path, parts: tuple[str, ...]) -> bool:
    fd = open_if_there(top, parts)
    if fd is not None:
        os.close(fd)
    return fd is not None


def remove(top: Path, parts: tuple[str, ...]) -> None:
    """Unlink a file or a link; what is not there, or is a folder, stays as it is."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), opened_folder(top, parts[:-1]) as folder:
        if not stat.S_ISDIR(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(parts[-1], dir_fd=folder)


def names_below(top: Path, parts: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of the regular files below a folder of the store, in any order."""
    try:
        with opened_folder(top, parts) as start:
            for where, folders, files, fd in os.fwalk(".", dir_fd=start):
                here = (*parts, *Path(where).parts)
                if not here:
                    folders[:] = [folder for folder in folders if folder.casefold() != PRIVATE]
                yield from ("/".join((*here, file)) for file in files if _is_regular_at(file, fd))
    except (FileNotFoundError, NotADirectoryError):
        return


def _is_regular_at(file: str, folder: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(file, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
