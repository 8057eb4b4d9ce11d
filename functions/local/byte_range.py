"""Which bytes of an object a request wants (RFC 9110, section 14)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A stretch of an object, and how an answer says it."""

    status: int
    first: int
    count: int
    headers: Mapping[str, str] = field(default_factory=dict)


def wanted(said: str | None, *, if_range: str | None, etag: str, size_bytes: int) -> Wanted:
    """Return the part that is wanted: the whole object where nothing else is asked for in a way that is understood.

    Several ranges at once are not: the whole object is a right answer to them, too. `if_range` lets a range count
    only as long as the object is the same.
    """
    match = RANGE.fullmatch(said.strip()) if said is not None and if_range in (None, etag) else None
    if match is None or (match[2] and int(match[2]) < int(match[1])):
        return Wanted(status=200, first=0, count=size_bytes)
    if match[3] is not None:
        first, end = max(0, size_bytes - int(match[3])), size_bytes
    else:
        first, end = int(match[1]), min(int(match[2]) + 1 if match[2] else size_bytes, size_bytes)
    if first >= end:
        return Wanted(status=416, first=0, count=0, headers={"content-range": f"bytes */{size_bytes}"})
    content_range = {"content-range": f"bytes {first}-{end - 1}/{size_bytes}"}
    return Wanted(status=206, first=first, count=end - first, headers=content_range)
