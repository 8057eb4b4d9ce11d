"""Media types: which ones there can be, and those of what Montage makes."""

import re
from pathlib import PurePosixPath

MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,99}/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}", re.IGNORECASE | re.ASCII)
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".webp": "image/webp",
}
"""Of what Montage makes; a table, since Python's own guesses differ from one machine to the next."""


def content_type_of(name: str) -> str | None:
    """Return the media type that an object of ours has by its name's ending, None for other endings."""
    return CONTENT_TYPES.get(PurePosixPath(name).suffix)


def upload_headers(content_type: str, max_bytes: int) -> dict[str, str]:
    """Return the headers that an upload must carry and is held to, in Cloud Storage's words on either cloud.

    Raises ValueError for what is no media type and for a bound below one byte.
    """
    if not MEDIA_TYPE.fullmatch(content_type):
        raise ValueError(f"{content_type[:80]!r} is no media type")
    if max_bytes < 1:
        raise ValueError(f"an upload of at most {max_bytes} bytes makes no sense")
    return {
        "content-type": content_type,
        "x-goog-content-length-range": f"0,{max_bytes}",
        "x-goog-if-generation-match": "0",
    }
