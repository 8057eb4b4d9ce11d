"""A bucket as a folder: an object's name is its path below the root, so people can look at what is there."""

import contextlib
import fcntl
import hashlib
import io
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from shared.adapters.local.file_reference import UnchangedFile, opened_target, reference_to, target_generation
from shared.adapters.local.folder_walk import is_there, names_below, open_if_there, opened_folder, remove
from shared.adapters.local.upload_sessions import FULL, UploadSessions
from shared.domain.content_types import content_type_of
from shared.domain.messages import ObjectFinalized
from shared.domain.object_path import PRIVATE, checked_parts, checked_prefix
from shared.domain.source_address import SourceAddress
from shared.errors import AlreadyThere, NotFound, TryAgain
from shared.ports import GENERATION_GONE, Clock, ObjectStat

BUFFER_BYTES = 1024 * 1024  # containers are read in runs of packets; 8 KiB would make a system call for each
STALE_NEW_FILE_S = 24 * 3600.0  # nobody takes a day to write one object; what is older was left by a killed process


class FolderStore:
    """An ObjectStore on a folder, safe for many threads and processes.

    With `keeps_references`, `upload` stores where the file lies instead of a copy; its owner may change it meanwhile,
    which shows as a new generation and makes open readers raise NotFound. `announce` is told of every completed write,
    as a bucket's notification would be. Uploads in parts leave `reserve_bytes` of the disk free. `elsewhere` are other
    buckets: folders whose files can be copied from. On a file system a name cannot be an object and a folder of others
    at once: writing "a/b" beside an object "a" raises ValueError.
    """

    def __init__(
        self,
        root: Path,
        *,
        bucket: str,
        keeps_references: bool = False,
        announce: Callable[[ObjectFinalized], None] | None = None,
        elsewhere: Mapping[str, Path] | None = None,
        reserve_bytes: int = 0,
        clock: Clock = time.time,
    ) -> None:
        self._root = root
        self._bucket = bucket
        self._keeps_references = keeps_references
        self._announce = announce
        self._elsewhere = dict(elsewhere or {})
        self._references = root / PRIVATE / "references"
        self._types = root / PRIVATE / "types"
        self._is_swept = False
        self.sessions = UploadSessions(
            root / PRIVATE / "uploads", adopt=self.adopt, reserve_bytes=reserve_bytes, clock=clock
        )
        """Uploads in parts, which end in `adopt`."""

    def open(self, name: str, generation: str | None = None) -> BinaryIO:
        """Return a seekable reader, pinned to the generation. Raises NotFound when that generation is gone."""
        fd, info, is_reference = self._found(name)
        now_there = _generation(info, is_reference=is_reference)
        if generation is not None and generation != now_there:
            os.close(fd)
            what = "the source changed" if is_reference else "the object was replaced"
            raise NotFound(f"{name}: {what} (wanted {generation}, found {now_there}).", code=GENERATION_GONE)
        raw = UnchangedFile(fd, name=name, generation=now_there) if is_reference else io.FileIO(fd, "rb")
        return io.BufferedReader(raw, BUFFER_BYTES)

    def read(self, name: str) -> bytes:
        """Return the whole object. Raises NotFound."""
        with self.open(name) as reader:
            return reader.read()

    def write(self, name: str, data: bytes, *, only_if_absent: bool = False) -> ObjectStat:
        """Store the bytes. Raises AlreadyThere when `only_if_absent` and the name is taken; one of many racers wins."""
        info = self._place(name, lambda new: _write(new, data), top=self._root, only_if_absent=only_if_absent)
        return self._told(self._stat_of(name, info, is_reference=False))

    def upload(self, path: Path, name: str, *, only_if_absent: bool = False) -> ObjectStat:
        """Store a file, or where it lies. Raises AlreadyThere like `write`, NotFound if there is no such file."""
        reference, info = reference_to(path)
        if self._keeps_references:
            self._place(name, lambda new: _write(new, reference), top=self._references, only_if_absent=only_if_absent)
        else:
            info = self._place(name, lambda new: _copy(path, new), top=self._root, only_if_absent=only_if_absent)
        return self._told(self._stat_of(name, info, is_reference=self._keeps_references))

    def adopt(self, path: Path, name: str, *, content_type: str) -> ObjectStat:
        """Make an object of a file on the store's own file system, without a copy: the file gets a second name.

        Raises AlreadyThere, unless what is there is this very file, and NotFound `unknown_upload` if there is no file.
        """
        parts = checked_parts(name)
        with _disk_trouble_as_try_again(name):
            try:
                info = path.stat()
                if not self._is_at(parts, info):  # else somebody was killed between this and telling it
                    info = self._linked(path, parts, name, content_type)
            except FileNotFoundError as error:
                raise NotFound(f"{name}: its upload was removed.", code="unknown_upload") from error
        return self._told(self._stat_of(name, info, is_reference=False))

    def stat(self, name: str) -> ObjectStat:
        """Raises NotFound."""
        fd, info, is_reference = self._found(name)
        os.close(fd)
        return self._stat_of(name, info, is_reference=is_reference)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with the prefix, in order."""
        folder = checked_prefix(prefix)
        names = set(names_below(self._root, folder))
        if self._keeps_references:
            names.update(names_below(self._references, folder))
        yield from sorted(name for name in names if name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove the object and its open uploads; one that is not there is no error. Folders stay."""
        parts = checked_parts(name)
        self.forget_uploads(name)  # before, so that none of them is completed after
        with _disk_trouble_as_try_again(name), self._placing():
            for top in self._tops():
                remove(top, parts)
            shutil.rmtree(self._types_of(name), ignore_errors=True)

    def forget_uploads(self, name: str) -> None:
        """Remove what has arrived in uploads in parts of this object; they cannot go on."""
        self.sessions.forget(name)

    def stat_elsewhere(self, source: SourceAddress) -> ObjectStat:
        """Return what is known of a file in another bucket's folder. Raises NotFound."""
        _, info = reference_to(self._path_elsewhere(source))
        return ObjectStat(
            name=source.name,
            size_bytes=info.st_size,
            generation=_generation(info, is_reference=True),
            content_type=content_type_of(source.name),
        )

    def copy_from(self, source: SourceAddress, name: str) -> ObjectStat:
        """Store another bucket's file, or where it lies. Raises AlreadyThere, NotFound."""
        return self.upload(self._path_elsewhere(source), name, only_if_absent=True)

    def _path_elsewhere(self, source: SourceAddress) -> Path:
        """Return the file, which lies in the bucket's folder even when every link is followed. Raises NotFound."""
        missing = NotFound(f"There is no object {source}.")
        if source.bucket not in self._elsewhere:
            raise missing
        try:
            top = self._elsewhere[source.bucket].resolve()
            path = top.joinpath(*checked_parts(source.name)).resolve()
            if path.is_relative_to(top) and path.is_file():
                return path
        except (OSError, RuntimeError) as error:  # a folder nobody may read; links that lead to themselves
            raise missing from error
        raise missing

    def _tops(self) -> tuple[Path, ...]:
        return (self._references, self._root) if self._keeps_references else (self._root,)

    def _found(self, name: str) -> tuple[int, os.stat_result, bool]:
        """Return an open descriptor, what it is, and whether it was found through a reference. Raises NotFound."""
        parts = checked_parts(name)
        found = self._look(name, parts)
        if found is None and self._keeps_references:
            with _disk_trouble_as_try_again(name), self._placing():  # one kind may just have taken the other's place
                found = self._look(name, parts)
        if found is None:
            raise NotFound(f"{self._bucket}: there is no object {name}.")
        return found

    def _look(self, name: str, parts: tuple[str, ...]) -> tuple[int, os.stat_result, bool] | None:
        if self._keeps_references and (reference := _read_if_there(self._references, parts)) is not None:
            return (*opened_target(name, reference), True)
        fd = open_if_there(self._root, parts)
        return None if fd is None else (fd, os.fstat(fd), False)

    def _place(self, name: str, fill: Callable[[Path], None], *, top: Path, only_if_absent: bool) -> os.stat_result:
        """Put a completely written file at its name. Its bytes reach the disk before its name does."""
        parts = checked_parts(name)
        with _disk_trouble_as_try_again(name):
            new_path = self._new_path()
            try:
                fill(new_path)
                info = _stamped_and_synced(new_path)
                top.mkdir(parents=True, exist_ok=True)
                with self._placing(), _folder_for_writing(top, parts[:-1], name) as folder:
                    if only_if_absent:
                        self._refuse_taken(name, parts)
                        _link(new_path, parts[-1], folder, name)
                    else:
                        _rename(new_path, parts[-1], folder, name)
                    for other in self._tops():
                        if other != top:  # what was here of the other kind is replaced, too
                            remove(other, parts)
                    os.fsync(folder)
            finally:
                new_path.unlink(missing_ok=True)
        return info

    def _linked(self, path: Path, parts: tuple[str, ...], name: str, content_type: str) -> os.stat_result:
        """Give a file, once it has reached the disk, the object's name as well."""
        info = _stamped_and_synced(path)
        kept_type = self._types_of(name) / _generation(info, is_reference=False)
        with self._placing(), _folder_for_writing(self._root, parts[:-1], name) as folder:
            self._refuse_taken(name, parts)
            # Before the object, and for this generation alone: a reader never sees the one without the other.
            kept_type.parent.mkdir(parents=True, exist_ok=True)
            kept_type.write_text(content_type)
            try:
                _link(path, parts[-1], folder, name)
            except BaseException:
                kept_type.unlink(missing_ok=True)
                raise
            os.fsync(folder)
        return info

    def _is_at(self, parts: tuple[str, ...], info: os.stat_result) -> bool:
        """Return whether the object of this name is the very file."""
        fd = open_if_there(self._root, parts)
        if fd is None:
            return False
        try:
            return os.path.samestat(os.fstat(fd), info)
        finally:
            os.close(fd)

    def _types_of(self, name: str) -> Path:
        """Return the folder of the media types that this object's generations were uploaded with."""
        return self._types / hashlib.sha256(name.encode()).hexdigest()[:40]

    def _stat_of(self, name: str, info: os.stat_result, *, is_reference: bool) -> ObjectStat:
        generation = _generation(info, is_reference=is_reference)
        content_type = content_type_of(name)
        if not is_reference:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                content_type = (self._types_of(name) / generation).read_text()
        return ObjectStat(name=name, size_bytes=info.st_size, generation=generation, content_type=content_type)

    def _new_path(self) -> Path:
        """Return a fresh path on the store's own file system, outside every listing."""
        folder = self._root / PRIVATE / "new"
        folder.mkdir(parents=True, exist_ok=True)
        if not self._is_swept:
            self._is_swept = True
            _remove_stale(folder)
        return folder / secrets.token_hex(16)

    @contextlib.contextmanager
    def _placing(self) -> Iterator[None]:
        """Hold the store's lock where an object can be of two kinds; elsewhere link and rename are enough."""
        if not self._keeps_references:
            yield
            return
        lock_path = self._root / PRIVATE / "lock"
        lock_path.parent.mkdir(parents=True, exist_ok=True)
        with lock_path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _refuse_taken(self, name: str, parts: tuple[str, ...]) -> None:
        if any(is_there(top, parts) for top in self._tops()):
            raise AlreadyThere(f"{self._bucket}: {name} is already there.")

    def _told(self, stored: ObjectStat) -> ObjectStat:
        if self._announce is not None:
            event = ObjectFinalized(
                bucket=self._bucket, name=stored.name, generation=stored.generation, size_bytes=stored.size_bytes
            )
            self._announce(event)
        return stored


def _generation(info: os.stat_result, *, is_reference: bool) -> str:
    """Return what changes whenever the bytes are replaced; the inode tells two writes of one nanosecond apart."""
    if is_reference:
        return target_generation(info)
    return f"{info.st_size}-{info.st_mtime_ns}-{info.st_ino}"


def _write(new_path: Path, data: bytes) -> None:
    new_path.write_bytes(data)


def _copy(path: Path, new_path: Path) -> None:
    shutil.copyfile(path, new_path)


@contextlib.contextmanager
def _folder_for_writing(top: Path, parts: tuple[str, ...], name: str) -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(opened_folder(top, parts, is_made=True))
        except NotADirectoryError as error:
            raise ValueError(f"{name!r}: something on its way is no folder, but an object or a link") from error
        yield folder


def _read_if_there(top: Path, parts: tuple[str, ...]) -> bytes | None:
    fd = open_if_there(top, parts)
    if fd is None:
        return None
    with os.fdopen(fd, "rb") as reader:
        return reader.read()


def _stamped_and_synced(path: Path) -> os.stat_result:
    """Write the file through to the disk, stamped to the nanosecond.

    The kernel's own stamps are milliseconds apart; with a reused inode two generations could look alike.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        now_ns = time.time_ns()
        os.utime(fd, ns=(now_ns, now_ns))
        os.fsync(fd)
        return os.fstat(fd)
    finally:
        os.close(fd)


def _link(new_path: Path, last: str, folder: int, name: str) -> None:
    try:
        os.link(new_path, last, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError as error:
        if stat.S_ISDIR(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
            raise ValueError(f"{name!r} is the folder of other objects") from error
        raise AlreadyThere(f"{name} is already there.") from error


def _rename(new_path: Path, last: str, folder: int, name: str) -> None:
    try:
        os.replace(new_path, last, dst_dir_fd=folder)
    except IsADirectoryError as error:
        raise ValueError(f"{name!r} is the folder of other objects") from error


def _remove_stale(folder: Path) -> None:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > STALE_NEW_FILE_S:
                path.unlink()


@contextlib.contextmanager
def _disk_trouble_as_try_again(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = "disk_full" if error.errno in FULL else "disk_trouble"
        raise TryAgain(f"{name}: the store's disk is in trouble: {error.strerror}.", code=code) from error
