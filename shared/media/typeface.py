"""A typeface for the pictures we draw: what the machine has, else what Pillow carries."""

import re
import unicodedata
from functools import cache

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

FACES = {
    False: ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf"),
    True: ("DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf", "LiberationSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf"),
}
OTHER_SCRIPTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansDevanagari-Regular.ttf", "NotoSansTamil-Regular.ttf",
    "NotoSansBengali-Regular.ttf", "NotoSansTelugu-Regular.ttf", "NotoNaskhArabic-Regular.ttf",
    "NotoSansThai-Regular.ttf", "unifont.otf",
)  # fmt: skip
NOT_A_CHARACTER = "\uffff"  # what a typeface draws for what it lacks
MISSING = "\0"
_MISSING_WORDS = re.compile(r"\0(?:[\0\s]*\0)?")


@cache
def typeface(size_px: int, *, is_bold: bool = False) -> FreeTypeFont:
    """Return a sans-serif face of that size."""
    for name in FACES[is_bold]:
        try:
            return ImageFont.truetype(name, size_px)
        except OSError:
            continue
    carried = ImageFont.load_default(size_px)
    assert isinstance(carried, FreeTypeFont)
    return carried


def typeface_for(text: str, size_px: int, *, is_bold: bool = False) -> FreeTypeFont | None:
    """Return a face that has every character of the text, None when this machine has none."""
    for face in (typeface(size_px, is_bold=is_bold), *_others(size_px)):
        if all(_has(face, char) for char in set(text) if not char.isspace() and not _is_mark(char)):
            return face
    return None


def drawable(text: str, face: FreeTypeFont) -> str:
    """Return the text, the stretches that the face cannot draw replaced by "…"."""
    kept = ""
    is_missing = False
    for char in text:
        if not _is_mark(char):  # marks go with their letter
            is_missing = not char.isspace() and not _has(face, char)
        kept += MISSING if is_missing else char
    return _MISSING_WORDS.sub("…", kept)


@cache
def _others(size_px: int) -> tuple[FreeTypeFont, ...]:
    faces: list[FreeTypeFont] = []
    for name in OTHER_SCRIPTS:
        try:
            faces.append(ImageFont.truetype(name, size_px))
        except OSError:
            continue
    return tuple(faces)


@cache
def _has(face: FreeTypeFont, char: str) -> bool:
    return bytes(face.getmask(char)) != bytes(face.getmask(NOT_A_CHARACTER))


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith(("M", "Cf"))
