"""Which names an object may have: every store takes the same ones, so that none is refused in only one place."""

import unicodedata

MAX_NAME_BYTES = 1024  # Cloud Storage's limit for an object's name
MAX_SEGMENT_BYTES = 255  # what ext4, APFS and NTFS take for one file name
PRIVATE = ".store"
"""The one folder that holds no objects: a store of files keeps unfinished ones, references and a lock there."""


def checked_parts(name: str) -> tuple[str, ...]:
    """Return the segments of an object's name. Raises ValueError for a name that is none or that leaves the store."""
    if any(char == "\\" or unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise ValueError(f"an object's name has no backslash and no control character, unlike {name[:80]!r}")
    if not 1 <= len(name.encode()) <= MAX_NAME_BYTES:
        raise ValueError(f"an object's name has 1 to {MAX_NAME_BYTES} bytes, not {name[:80]!r}")
    parts = tuple(name.split("/"))
    for part in parts:
        if part in ("", ".", "..") or len(part.encode()) > MAX_SEGMENT_BYTES:
            raise ValueError(f"{name!r} is no object's name: segment {part[:80]!r}")
    if parts[0].casefold() == PRIVATE:  # case folded, since some file systems see no difference
        raise ValueError(f"{name!r}: {PRIVATE} is the store's own folder")
    return parts


def checked_prefix(prefix: str) -> tuple[str, ...]:
    """Return the folders above everything that begins with the prefix. Raises ValueError if they leave the store."""
    folder, slash, _ = prefix.rpartition("/")
    return checked_parts(folder) if slash else ()
