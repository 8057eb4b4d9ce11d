"""Resumable uploads: what came in so far lies in a file, and the sender may ask how much that is."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from tests.emulators.request_body import RequestBody
from tests.emulators.storage_refusals import Refusal, Style

QUANTUM_BYTES = 256 * 1024
CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An object to be, as the request that began its upload describes it."""

    bucket: str
    name: str
    resource: Mapping[str, Any]
    """Of the object: contentType, metadata and the like, by their names in the JSON API."""
    style: Style
    conditions: Mapping[str, str] = field(default_factory=dict)
    """ifGenerationMatch and its siblings."""
    account: str | None = None
    """Who signed; None for the JSON API, where everybody may do everything."""
    origin: str | None = None
    """The web page that began it: answers in its session are for that page alone."""
    min_bytes: int = 0
    max_bytes: int | None = None

    def refuse_size(self, size_bytes: int, *, is_all: bool) -> None:
        """Raise Refusal if an object of at least this size (exactly, if it is all) may not be."""
        if self.max_bytes is not None and size_bytes > self.max_bytes:
            raise Refusal(400, "EntityTooLarge", f"The object is larger than {self.max_bytes} bytes.")
        if is_all and size_bytes < self.min_bytes:
            raise Refusal(400, "EntityTooSmall", f"The object is smaller than {self.min_bytes} bytes.")


@dataclass(slots=True, kw_only=True)
class Session:
    """One resumable upload. Hold `lock` around everything."""

    id: str
    upload: Upload
    path: Path
    stored_bytes: int = 0
    total_bytes: int | None = None
    result: dict[str, Any] | None = None
    """The finished object."""
    refusal: Refusal | None = None
    """Why it can never be finished."""
    lock: Lock = field(default_factory=Lock)

    def take(self, content_range: str | None, body: RequestBody) -> bool:
        """Store what is new of a request's bytes; return whether the object is complete.

        Of a request that breaks off, whole quanta stay. Raises Refusal, BrokenOff.
        """
        first, end, total = self._parse(content_range, body)
        if total is not None:
            self._fix_total(total)
        if first is not None:
            self._store(first, end, body)
            if content_range is None:
                self._fix_total(self.stored_bytes)
        return self.stored_bytes == self.total_bytes

    def _parse(self, content_range: str | None, body: RequestBody) -> tuple[int | None, int | None, int | None]:
        """Return first byte (None for a question), end (None: wherever the body ends) and total size if known."""
        if content_range is None:
            return 0, None, body.size_bytes
        match = CONTENT_RANGE.fullmatch(content_range.strip())
        if not match:
            raise _invalid(f"Content-Range is not understood: {content_range}")
        total = None if match[3] == "*" else int(match[3])
        if match[1] is None:
            return None, None, total
        first, end = int(match[1]), int(match[2]) + 1
        if body.size_bytes not in (None, end - first):
            raise _invalid(f"Content-Range says {end - first} bytes, Content-Length {body.size_bytes}.")
        if total is not None and end > total:
            raise _invalid("Content-Range ends after the object.")
        return first, end, total

    def _fix_total(self, total_bytes: int) -> None:
        if self.total_bytes not in (None, total_bytes):
            raise _invalid(f"The object's size was {self.total_bytes} bytes before and is {total_bytes} now.")
        if total_bytes < self.stored_bytes:
            raise _invalid(f"{self.stored_bytes} bytes are stored already, more than {total_bytes}.")
        self.upload.refuse_size(total_bytes, is_all=True)
        self.total_bytes = total_bytes

    def _store(self, first: int, end: int | None, body: RequestBody) -> None:
        if first > self.stored_bytes:
            raise Refusal(
                503,
                "ServiceUnavailable",
                f"Invalid request. According to the Content-Range header, the upload offset is {first} byte(s), which "
                f"exceeds already uploaded size of {self.stored_bytes} byte(s).",
            )
        is_last = end is None or end == self.total_bytes
        if not is_last and end is not None and end - first < QUANTUM_BYTES:
            raise _invalid(f"A request must bring {QUANTUM_BYTES} bytes or more, except for the last.")
        is_whole = False
        reached = self.stored_bytes
        try:
            reached = first
            with self.path.open("r+b") as file:
                file.seek(self.stored_bytes)
                for piece in body.pieces():
                    new = piece[max(0, self.stored_bytes - reached) :]
                    reached += len(piece)
                    self.upload.refuse_size(reached, is_all=False)
                    file.write(new)
            is_whole = is_last and end in (None, reached)
        finally:
            kept = reached if is_whole else reached // QUANTUM_BYTES * QUANTUM_BYTES
            self.stored_bytes = max(self.stored_bytes, kept)


class Sessions:
    """The resumable uploads of a store, each with a file of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Session | None] = {}

    def begin(self, upload: Upload) -> Session:
        """Return a new session."""
        number = secrets.token_urlsafe(24)
        session = Session(id=number, upload=upload, path=self._folder / number)
        session.path.touch()
        self._known[number] = session
        return session

    def get(self, number: str) -> Session:
        """Raises Refusal: 410 for one that was cancelled, 404 for one that never was."""
        session = self._known.get(number)
        if session:
            return session
        if number in self._known:
            raise Refusal(410, "Gone", "The upload was cancelled.")
        raise Refusal(404, "NoSuchUpload", "There is no such upload.")

    def cancel(self, session: Session) -> None:
        self._known[session.id] = None
        session.path.unlink(missing_ok=True)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidArgument", message)
