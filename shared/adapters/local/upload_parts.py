"""What a request brings of an upload in parts, and which of its bytes count: rules without a disk."""

import re
from dataclasses import dataclass, replace

from shared.domain.upload_session import UploadSession
from shared.errors import BadRequest

QUANTUM_BYTES = 256 * 1024
"""Parts have a multiple of this, but for the last: Cloud Storage keeps no smaller pieces."""
CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a request says that it brings."""

    first: int | None
    """None: nothing, it only asks how far the upload is."""
    end: int | None = None
    """One beyond its last byte; None: wherever its body ends, which is the object's end as well."""
    total_bytes: int | None = None


def part_of(content_range: str | None, body_bytes: int | None) -> Part:
    """Return what a request's Content-Range says; without one it brings the whole object.

    `body_bytes` is its Content-Length, None if it has none. Raises BadRequest `bad_content_range`.
    """
    if content_range is None:
        return Part(first=0, total_bytes=body_bytes)
    match = CONTENT_RANGE.fullmatch(content_range.strip())
    if match is None:
        raise bad_range(f"Content-Range is not understood: {content_range[:120]!r}.")
    total_bytes = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        return Part(first=None, total_bytes=total_bytes)
    first, end = int(match[1]), int(match[2]) + 1
    if end <= first or body_bytes not in (None, end - first):
        raise bad_range(f"Content-Range says bytes {first} to {end - 1}, Content-Length {body_bytes}.")
    if total_bytes is not None and end > total_bytes:
        raise bad_range(f"Content-Range ends at byte {end - 1} of an object of {total_bytes} bytes.")
    return Part(first=first, end=end, total_bytes=total_bytes)


def with_total(session: UploadSession, total_bytes: int, *, stored_bytes: int) -> UploadSession:
    """Raises BadRequest: a size is said once, within the bound, and not below what has arrived."""
    if session.total_bytes not in (None, total_bytes):
        raise bad_range(f"The object's size was {session.total_bytes} bytes before and is {total_bytes} now.")
    if total_bytes < stored_bytes:
        raise bad_range(f"{stored_bytes} bytes are stored already, more than {total_bytes}.")
    if total_bytes > session.max_bytes:
        raise too_large(total_bytes, session.max_bytes)
    return replace(session, total_bytes=total_bytes)


def counting_bytes(session: UploadSession, size_bytes: int) -> int:
    """Return how many of the bytes there count: all when nothing is missing, else whole quanta."""
    return size_bytes if size_bytes == session.total_bytes else size_bytes // QUANTUM_BYTES * QUANTUM_BYTES


def bad_range(sentence: str) -> BadRequest:
    return BadRequest("bad_content_range", sentence)


def too_large(size_bytes: int, max_bytes: int) -> BadRequest:
    return BadRequest("too_large", f"{size_bytes} bytes are too many: at most {max_bytes} were allowed.")
