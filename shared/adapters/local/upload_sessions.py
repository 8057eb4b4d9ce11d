"""Uploads in parts, kept on disk between their requests, as Cloud Storage's resumable uploads are.

A session is a folder with what was granted (`session.json`) and what has arrived (`data`). Whoever writes holds a lock
on the second; what a sender that broke off brought stays there, in whole quanta.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

from shared.adapters.local.disk_room import demand_room
from shared.adapters.local.upload_parts import (
    QUANTUM_BYTES,
    Part,
    bad_range,
    counting_bytes,
    part_of,
    too_large,
    with_total,
)
from shared.domain.upload_session import UploadSession
from shared.errors import AlreadyThere, BadRequest, MontageError, NotFound, TryAgain
from shared.ports import Clock, ObjectStat

LIFE_S = 7 * 24 * 3600.0  # as on Cloud Storage
SWEEP_EVERY_S = 3600.0
MOST_OF_ONE = 8
"""Open uploads of one object: who loses one begins anew, but nobody is to fill a disk from one address."""
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What a disk says, or a user's share of it, that takes no more."""


class Adopt(Protocol):
    """Makes an object of a finished file, by a link. Raises AlreadyThere, NotFound when the file is gone."""

    def __call__(self, path: Path, name: str, *, content_type: str) -> ObjectStat: ...


class UploadSessions:
    """The uploads in parts of one bucket, below `folder`, safe for many threads and processes.

    Uploads that would leave less than `reserve_bytes` free on the disk raise TryAgain `disk_full`; what has arrived
    stays. A week after its beginning an upload is forgotten.
    """

    def __init__(self, folder: Path, *, adopt: Adopt, reserve_bytes: int = 0, clock: Clock = time.time) -> None:
        self._folder = folder
        self._adopt = adopt
        self._reserve_bytes = reserve_bytes
        self._clock = clock
        self._swept_at = 0.0

    def begin(self, name: str, *, content_type: str, max_bytes: int, total_bytes: int | None = None) -> str:
        """Return the token of a new session; of very many of one object those that began first make room for it.

        Raises BadRequest `too_large`, TryAgain `disk_full`.
        """
        session = UploadSession(name=name, content_type=content_type, max_bytes=max_bytes, began_at=self._clock())
        if total_bytes is not None:
            session = with_total(session, total_bytes, stored_bytes=0)
        self._sweep_now_and_then()
        token = secrets.token_urlsafe(32)
        with _full_disk_said():
            self.demand_room(total_bytes or 0)
            self._make_way(name)
            path = self._path(name, token)
            path.mkdir(parents=True)
            (path / "data").touch()
            _keep(path, session)
        return token

    def find(self, name: str, token: str) -> tuple[UploadSession, int]:
        """Return a session, and how many of its bytes count as stored.

        Raises NotFound: `unknown_upload`, or `upload_cancelled` for one that was ended by its sender.
        """
        path = self._known(name, token)
        session = _kept(path)
        with contextlib.suppress(FileNotFoundError):
            return session, counting_bytes(session, (path / "data").stat().st_size)
        if session.etag is None and session.refusal is None:
            raise NotFound("This upload was cancelled.", code="upload_cancelled")
        return session, 0

    @contextlib.contextmanager
    def writing(self, name: str, token: str) -> Iterator["Writer"]:
        """Hold the session alone. Raises what `find` does, and TryAgain `upload_busy` while another process holds it.

        What a finished or refused session says of itself is in the writer's `session`.
        """
        session, _ = self.find(name, token)
        path = self._known(name, token)
        if session.etag is not None or session.refusal is not None:
            yield Writer(self, path, session, fd=-1)
            return
        try:
            fd = os.open(path / "data", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError as error:
            raise _unknown() from error
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TryAgain("Another request is bringing bytes of this upload.", code="upload_busy") from error
            yield Writer(self, path, _kept(path), fd=fd)
        finally:
            os.close(fd)

    def cancel(self, name: str, token: str) -> None:
        """End the session; what arrived is removed. Raises what `find` does."""
        self.find(name, token)
        (self._known(name, token) / "data").unlink(missing_ok=True)

    def drop(self, name: str, token: str) -> None:
        """Remove every trace of the session."""
        shutil.rmtree(self._path(name, token), ignore_errors=True)

    def forget(self, name: str) -> None:
        """Remove every session of the object; whoever is sending bytes finds its upload unknown."""
        shutil.rmtree(self._of_name(name), ignore_errors=True)

    def sweep(self) -> None:
        """Remove sessions that began more than a week ago, finished ones as well."""
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if self._was_never_begun(path) or self._is_over(path):
                    shutil.rmtree(path, ignore_errors=True)
        for folder in self._folder.glob("*"):
            with contextlib.suppress(OSError):  # others' sessions are in it
                folder.rmdir()

    def demand_room(self, more_bytes: int) -> None:
        """Raise TryAgain `disk_full` if so many bytes more would leave less than the reserve."""
        demand_room(self._folder, more_bytes, reserve_bytes=self._reserve_bytes)

    def complete(self, path: Path, session: UploadSession) -> UploadSession:
        """Make the object of a session whose bytes are all there; return the session as it now is."""
        try:
            stat = self._adopt(path / "data", session.name, content_type=session.content_type)
        except AlreadyThere as error:
            self.refuse(path, session, error)
            raise
        done = replace(session, etag=stat.generation)
        _keep(path, done)
        (path / "data").unlink(missing_ok=True)
        return done

    def refuse(self, path: Path, session: UploadSession, error: MontageError) -> None:
        """Remember why the session can never be completed; what has arrived is removed."""
        with contextlib.suppress(FileNotFoundError):
            _keep(path, replace(session, refusal=(error.code, error.message)))
        (path / "data").unlink(missing_ok=True)

    def _known(self, name: str, token: str) -> Path:
        """Return the session's folder. Raises NotFound `unknown_upload`."""
        if not TOKEN.fullmatch(token):
            raise _unknown()
        path = self._path(name, token)
        try:
            if self._is_over(path):
                raise _unknown()
        except OSError as error:
            raise _unknown() from error
        return path

    def _make_way(self, name: str) -> None:
        began_at: dict[Path, float] = {}
        for path in self._of_name(name).glob("*"):
            with contextlib.suppress(FileNotFoundError):
                began_at[path] = (path / "session.json").stat().st_mtime
        too_many = len(began_at) - (MOST_OF_ONE - 1)
        for path in sorted(began_at, key=began_at.__getitem__)[: max(0, too_many)]:
            shutil.rmtree(path, ignore_errors=True)

    def _is_over(self, path: Path) -> bool:
        return self._clock() - (path / "session.json").stat().st_mtime > LIFE_S

    def _was_never_begun(self, path: Path) -> bool:
        """Return whether a server was killed, a while ago, between making the folder and saying what for."""
        return not (path / "session.json").exists() and self._clock() - path.stat().st_mtime > LIFE_S

    def _path(self, name: str, token: str) -> Path:
        # By their digests: names are longer than folders' can be, and a listing of the disk lets nobody go on.
        return self._of_name(name) / _digest(token)

    def _of_name(self, name: str) -> Path:
        return self._folder / _digest(name)

    def _sweep_now_and_then(self) -> None:
        if self._clock() - self._swept_at > SWEEP_EVERY_S:
            self._swept_at = self._clock()
            self.sweep()


class Writer:
    """Whoever holds a session: says what comes, brings it piece by piece, and ends or breaks off.

    A session that is done takes nothing more.
    """

    def __init__(self, sessions: UploadSessions, path: Path, session: UploadSession, *, fd: int) -> None:
        self._sessions = sessions
        self.path = path
        self._fd = fd
        self.session = session
        if session.refusal is not None:
            code, sentence = session.refusal
            raise AlreadyThere(sentence) if code == "already_there" else BadRequest(code, sentence)
        size_bytes = 0 if self.is_done else os.fstat(fd).st_size
        self.stored_bytes = 0 if self.is_done else counting_bytes(session, size_bytes)
        self._began_bytes = self.stored_bytes
        self._reached = 0
        self._part = Part(first=None)
        if size_bytes > self.stored_bytes:  # a killed server left half a quantum
            os.ftruncate(fd, self.stored_bytes)

    @property
    def is_done(self) -> bool:
        """Whether the object is there."""
        return self.session.etag is not None

    def expect(self, content_range: str | None, body_bytes: int | None) -> None:
        """Take note of what a request brings, by its Content-Range and its Content-Length.

        Raises BadRequest `too_large` and `bad_content_range`, TryAgain `upload_gap` for bytes beyond those that should
        come next, and `disk_full`.
        """
        part = part_of(content_range, body_bytes)
        if part.total_bytes is not None and part.total_bytes != self.session.total_bytes:
            self._fix_total(part.total_bytes)
        if part.first is None:
            return
        if part.first > self.stored_bytes:
            raise TryAgain(
                f"Invalid request. According to the Content-Range header, the upload offset is {part.first} byte(s), "
                f"which exceeds already uploaded size of {self.stored_bytes} byte(s).",
                code="upload_gap",
            )
        is_last = part.end is None or part.end == self.session.total_bytes
        if not is_last and part.end is not None and part.end - part.first < QUANTUM_BYTES:
            raise bad_range(f"A request must bring {QUANTUM_BYTES} bytes or more, except for the last.")
        end = part.end if part.end is not None else self.session.total_bytes
        if end is not None and end > self.session.max_bytes:
            self._refuse_size(end)
        with _full_disk_said():
            self._sessions.demand_room(max(0, (self.session.total_bytes or end or 0) - self.stored_bytes))
        self._part, self._reached = part, part.first

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append what is new in a piece of the body.

        Raises BadRequest `too_large` and `bad_content_range`, TryAgain `disk_full`; what came before stays.
        """
        new = memoryview(piece)[max(0, self.stored_bytes - self._reached) :]
        reached = self._reached + len(piece)
        if reached > self.session.max_bytes:
            self._refuse_size(reached)
        if self._part.end is not None and reached > self._part.end:
            raise self._all_dropped(bad_range("The body is longer than Content-Range says."))
        if self.session.total_bytes is not None and reached > self.session.total_bytes:
            raise self._all_dropped(bad_range("The body is longer than the object was said to be."))
        with _full_disk_said():
            if new:
                self._sessions.demand_room(len(new))
                _write_all(self._fd, new, at=self.stored_bytes)
        self._reached = reached
        self.stored_bytes = max(self.stored_bytes, reached)

    def end(self) -> None:
        """The body has ended: complete the object if all of it is there, else keep what arrived.

        Raises AlreadyThere when the object's name was taken meanwhile, NotFound when the session was forgotten.
        """
        if self.session.total_bytes is None and self._part.first is not None and self._part.end is None:
            self._fix_total(self.stored_bytes)
        if self.stored_bytes == self.session.total_bytes:
            self.session = self._sessions.complete(self.path, self.session)
        else:
            self.break_off()

    def break_off(self) -> None:
        """Keep whole quanta of what arrived."""
        self.stored_bytes = counting_bytes(self.session, self.stored_bytes)
        os.ftruncate(self._fd, self.stored_bytes)

    def _fix_total(self, total_bytes: int) -> None:
        try:
            self.session = with_total(self.session, total_bytes, stored_bytes=self.stored_bytes)
        except BadRequest as error:
            if error.code == "too_large":
                self._sessions.refuse(self.path, self.session, error)
            raise
        with _full_disk_said():
            _keep(self.path, self.session)

    def _refuse_size(self, size_bytes: int) -> None:
        error = too_large(size_bytes, self.session.max_bytes)
        self._sessions.refuse(self.path, self.session, error)
        raise error

    def _all_dropped(self, error: BadRequest) -> BadRequest:
        """A request that contradicts itself leaves nothing."""
        self.stored_bytes = self._began_bytes
        os.ftruncate(self._fd, self.stored_bytes)
        return error


def _keep(path: Path, session: UploadSession) -> None:
    """Write the session down, whole or not at all, also when the power fails; its file's time is when it began.

    The bytes themselves reach the disk when the object is made. What a power failure takes of them before that is
    missing from their file as well, and it is by that file that a sender is told how far the upload is.
    """
    new_path = path / f"session.{secrets.token_hex(8)}"
    with new_path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(session)))
        file.flush()
        os.utime(file.fileno(), (session.began_at, session.began_at))
        os.fsync(file.fileno())
    new_path.replace(path / "session.json")


def _kept(path: Path) -> UploadSession:
    """Raises NotFound `unknown_upload`."""
    try:
        said = json.loads((path / "session.json").read_bytes())
        refusal = said.pop("refusal")
        return UploadSession(**said, refusal=None if refusal is None else (refusal[0], refusal[1]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:  # gone, or damaged with its disk
        raise _unknown() from error


def _write_all(fd: int, data: memoryview, *, at: int) -> None:
    while data:
        written = os.pwrite(fd, data, at)
        at += written
        data = data[written:]


@contextlib.contextmanager
def _full_disk_said() -> Iterator[None]:
    """Raises TryAgain: `disk_full` where the disk says so, `disk_trouble` for whatever else is wrong with it."""
    try:
        yield
    except FileNotFoundError as error:  # the session was forgotten in between
        raise _unknown() from error
    except OSError as error:
        if error.errno in FULL:
            raise TryAgain("The disk is full; what has arrived is kept.", code="disk_full") from error
        raise TryAgain(f"The disk is in trouble: {error.strerror}.", code="disk_trouble") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _unknown() -> NotFound:
    return NotFound("There is no such upload; it may have ended long ago.", code="unknown_upload")
