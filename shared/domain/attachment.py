"""The Content-Disposition of a download: a user's file name, safe in a header and on the disk it is saved to."""

import unicodedata
from urllib.parse import quote

MAX_CHARS = 150  # at most 12 characters of the address each, and file systems take 255 bytes
NAMELESS = "download"
TOKEN_CHARS = "!#$&+-.^_`|~"
"""What RFC 5987 leaves as it is, beside letters and digits."""
NOT_IN_FALLBACK = '"\\%'
"""Quotes and backslashes end or escape the quoted form; some browsers decode %41 in it."""
BIDI = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u200e", "\u200f", "\u061c"}
"""Turn the reading direction, so that "gpj.exe" can look like "exe.jpg"."""


def attachment(file_name: str) -> str:
    """Return the header's value (RFC 6266): the name in ASCII for old programs, and in UTF-8 for all others."""
    name = _safe(file_name)
    fallback = "".join(char if " " <= char <= "~" and char not in NOT_IN_FALLBACK else "_" for char in name)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe=TOKEN_CHARS)}"


def _safe(file_name: str) -> str:
    """Return the name without what could leave a folder, begin a header or mislead an eye; never an empty one."""
    name = "".join(map(_safe_char, file_name)).strip(" .")
    if len(name) > MAX_CHARS:
        stem, dot, ending = name.rpartition(".")
        kept = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        name = name[: MAX_CHARS - len(kept)].rstrip(" .") + kept
    return name or NAMELESS


def _safe_char(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Zs":  # wide, narrow and unbreakable spaces
        return " "
    return "_" if char in "/\\:" or char in BIDI or category in ("Cc", "Cs", "Zl", "Zp") else char
