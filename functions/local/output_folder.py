"""Where a source's results go on one machine: `DIR/<stem>/`, never over another source's."""

import contextlib
import fcntl
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

MARKER = ".montage.json"  # says whose results a folder holds
NAME_BYTES = 240  # file systems take 255; room for a suffix such as "-12"
_PART = re.compile(r"\.montage-[0-9a-f]{16}\.part")  # a file being written, named so that it can be no user's
_ANOTHERS = ""  # no source's path

log = logging.getLogger(__name__)


def reserve(out: Path, source: Path) -> Path:
    """Return this source's folder under `out`, made if need be: `<stem>`, or `<stem>-2` where that is another's.

    Raises OSError when the folder cannot be made.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in _names(source):
        folder = out / name
        if _is_ours(folder, source):
            return folder
    raise AssertionError("the names never end")


def store(objects: Mapping[str, BinaryIO], folder: Path, *, of: str, created_at: float) -> bool:
    """Put the results of the job `of` into the folder; those of an earlier job give way. Return whether it was done.

    It is not when the folder holds the results of a job created later: then nothing changes. All files are written
    before the first gets its name, and one storing at a time has the folder, so that what it holds is of one job.
    Raises OSError, leaving every file whole; killed between two names it leaves files of two jobs, held by no job.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder) as is_alone:
        if _held_since(folder) > created_at:
            return False
        if is_alone:
            _sweep(folder)
        _replace_results(objects, folder, {"job": of, "created_at": created_at, "results": sorted(objects)})
    return True


def holder(folder: Path) -> str | None:
    """Return the id of the job whose results the folder holds, None when it holds none."""
    job_id = _marker(folder).get("job")
    return job_id if isinstance(job_id, str) else None


def _names(source: Path) -> Iterator[str]:
    stem = os.fsencode(source.stem)[:NAME_BYTES].decode(errors="ignore")
    if stem in ("", ".", ".."):  # the latter two name folders that are there already
        stem = "video"
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _is_ours(folder: Path, source: Path) -> bool:
    """Return whether the folder belongs to the source, taking it when it belongs to nobody."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    if not folder.is_dir():
        return False
    if _owner(folder) is None:
        _claim(folder, source)
    return _owner(folder) == str(source)


def _owner(folder: Path) -> str | None:
    """Return the source whose folder it is, None when it is nobody's: an empty or damaged marker says nothing."""
    try:
        source = _parsed((folder / MARKER).read_bytes()).get("source")
    except FileNotFoundError:
        return None
    except OSError:  # a marker that we may not look into, or no file
        return _ANOTHERS
    return source if isinstance(source, str) else None


def _claim(folder: Path, source: Path) -> None:
    """Make the folder the source's, unless another took it meanwhile or there are files in it."""
    with _locked(folder):
        if _owner(folder) is not None or any(_is_foreign(path) for path in folder.iterdir()):
            return
        with _written(folder, _as_file({"source": str(source), "results": []})) as part:
            if (folder / MARKER).exists():  # of one that was killed before it had written whose
                os.replace(part, folder / MARKER)
            else:
                _name_once(part, folder / MARKER)


def _is_foreign(path: Path) -> bool:
    return path.name != MARKER and not _PART.fullmatch(path.name)


def _name_once(part: Path, path: Path) -> None:
    """Give the written file its name, unless another file has it. Where there are links, nobody sees it empty."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # no links here, as on exFAT
            open(path, "xb").close()
            os.replace(part, path)


def _replace_results(objects: Mapping[str, BinaryIO], folder: Path, new: Mapping[str, object]) -> None:
    """Give the new files their names, remove what is no longer made, and say last whose they are.

    Meanwhile the marker names no job, so that a folder left half-way is no job's, and all files, so that none is
    forgotten.
    """
    before = _results(folder)
    source = {name: value for name, value in _marker(folder).items() if name == "source"}
    with contextlib.ExitStack() as stack:
        parts = {name: stack.enter_context(_written(folder, reader)) for name, reader in objects.items()}
        between = stack.enter_context(_written(folder, _as_file({**source, "results": sorted({*before, *objects})})))
        last = stack.enter_context(_written(folder, _as_file({**source, **new})))
        os.replace(between, folder / MARKER)
        for name, part in parts.items():
            os.replace(part, folder / name)
        for name in set(before) - set(objects):
            with contextlib.suppress(IsADirectoryError, PermissionError):  # a folder of that name is the user's
                (folder / name).unlink(missing_ok=True)
        os.replace(last, folder / MARKER)


def _marker(folder: Path) -> dict[str, object]:
    try:
        return _parsed((folder / MARKER).read_bytes())
    except OSError:
        return {}


def _parsed(marker: bytes) -> dict[str, object]:
    try:
        fields = json.loads(marker)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _as_file(marker: Mapping[str, object]) -> BinaryIO:
    return BytesIO(json.dumps(marker).encode())


def _held_since(folder: Path) -> float:
    """Return when the job was created whose results the folder holds, in seconds since the epoch; -inf for none."""
    marker = _marker(folder)
    created_at = marker.get("created_at")
    return created_at if "job" in marker and isinstance(created_at, int | float) else float("-inf")


def _results(folder: Path) -> list[str]:
    names = _marker(folder).get("results")
    return [name for name in names if isinstance(name, str) and _is_plain(name)] if isinstance(names, list) else []


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..", MARKER) and not {"/", "\0"} & set(name)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Keep other threads and processes from changing the folder; yield whether the file system could do that.

    What is given a name meanwhile has reached the disk afterwards.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _is_locked(fd)
        with contextlib.suppress(OSError):  # not every file system can
            os.fsync(fd)
    finally:
        os.close(fd)


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError as error:
        log.warning("the output folder cannot be locked: %s", error.strerror)
        return False
    return True


def _sweep(folder: Path) -> None:
    """Remove what killed writers left. Who holds the lock is the only living one."""
    for path in folder.iterdir():
        if _PART.fullmatch(path.name):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _written(folder: Path, reader: BinaryIO) -> Iterator[Path]:
    """Yield a new file with what the reader gives, on the disk; it is gone afterwards unless it was given a name."""
    part = folder / f".montage-{secrets.token_hex(8)}.part"
    try:
        with open(part, "xb") as file:
            shutil.copyfileobj(reader, file, length=1024 * 1024)
            file.flush()
            os.fsync(file.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)
