"""Where a source's results go on one machine: `DIR/<stem>/`, never over another source's."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

MARKER = ".montage.json"  # says whose results a folder holds
NAME_BYTES = 240  # file systems take 255; room for a suffix such as "-12"


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


def store(objects: Mapping[str, BinaryIO], folder: Path, *, of: str) -> None:
    """Put each file into the folder under its name, one atomic replacement each; files of an earlier run give way.

    The folder then holds the results of the job `of`. Raises OSError, leaving every file whole: the old or the new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = set(_results(folder))
    for name, reader in objects.items():
        _replace(folder / name, reader)
    _write_marker(folder, {**_marker(folder), "job": of, "results": sorted(objects)})
    for stale in before - set(objects):
        (folder / stale).unlink(missing_ok=True)


def holder(folder: Path) -> str | None:
    """Return the id of the job whose results the folder holds, None when it holds none."""
    job_id = _marker(folder).get("job")
    return job_id if isinstance(job_id, str) else None


def _names(source: Path) -> Iterator[str]:
    stem = os.fsencode(source.stem)[:NAME_BYTES].decode(errors="ignore") or "video"
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _is_ours(folder: Path, source: Path) -> bool:
    """Return whether the folder belongs to the source, taking it when it belongs to nobody."""
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            return False
        if _marker(folder).get("source") == str(source):
            return True
        if any(folder.iterdir()):
            return False
    try:
        with open(folder / MARKER, "x", encoding="utf-8") as file:
            json.dump({"source": str(source), "results": []}, file)
    except FileExistsError:
        return _marker(folder).get("source") == str(source)
    return True


def _marker(folder: Path) -> dict[str, object]:
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def _results(folder: Path) -> list[str]:
    names = _marker(folder).get("results")
    return [name for name in names if isinstance(name, str) and "/" not in name] if isinstance(names, list) else []


def _write_marker(folder: Path, marker: Mapping[str, object]) -> None:
    partial = folder / f"{MARKER}.part"
    partial.write_text(json.dumps(marker), encoding="utf-8")
    partial.replace(folder / MARKER)


def _replace(path: Path, reader: BinaryIO) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            shutil.copyfileobj(reader, file, length=1024 * 1024)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
