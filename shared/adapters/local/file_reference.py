"""A file of the user's that a store only points at: its owner may change it, so every read is checked."""

import io
import json
import os
import stat
from pathlib import Path

from shared.errors import NotFound
from shared.ports import GENERATION_GONE


def reference_to(path: Path) -> tuple[bytes, os.stat_result]:
    """Return what to store for a file, and the file's own stat.

    Raises NotFound if there is no such file, ValueError for a folder or a device.
    """
    try:
        target = path.resolve(strict=True)
        info = target.stat()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(info.st_mode):
        raise ValueError(f"{path} is not a regular file")
    return json.dumps({"path": str(target)}).encode("ascii"), info  # ASCII, so that undecodable file names survive


def opened_target(name: str, reference: bytes) -> tuple[int, os.stat_result]:
    """Return a descriptor of the file a reference names, and its stat. Raises NotFound when it vanished."""
    path = Path(json.loads(reference)["path"])
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise NotFound(f"{name}: its file {path} cannot be opened: {error.strerror}.") from error
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode):
        return fd, info
    os.close(fd)
    raise NotFound(f"{name}: {path} is no longer a regular file.")


def target_generation(info: os.stat_result) -> str:
    """Return what changes whenever the file's owner writes to it."""
    return f"{info.st_size}-{info.st_mtime_ns}"


class UnchangedFile(io.FileIO):
    """A file that raises NotFound, rather than give a mixture, once its bytes are changed in place."""

    def __init__(self, fd: int, *, name: str, generation: str) -> None:
        super().__init__(fd, "rb")
        self._object_name = name
        self._generation = generation

    def readinto(self, buffer: object) -> int:
        count = super().readinto(buffer)  # type: ignore[arg-type]  # typeshed names the buffer protocol privately
        self._check()
        return count

    def readall(self) -> bytes:
        data = super().readall()
        self._check()
        return data

    def _check(self) -> None:
        if target_generation(os.fstat(self.fileno())) != self._generation:
            raise NotFound(f"{self._object_name}: the source changed while it was read.", code=GENERATION_GONE)
