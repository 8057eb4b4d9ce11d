"""Subtitle files: cues as SubRip and WebVTT, UTF-8, in milliseconds.

Where letters run from right to left, each line says so itself, by RLE before and PDF behind it (LRE where most of the
cue runs from left to right). Players guess a line's direction by its first letter (WebVTT's rule, and wrong for
"Montage برنامج رائع!"), or take every line for left to right (what libass does unless told otherwise), which puts the
full stop on the wrong side and Latin words in the wrong place. Inside an embedding the order is right whatever they
guess. A mark (RLM) helps the first kind only; isolates (RLI, FSI) are younger than many players, which draw boxes for
them. The words themselves stay clean: cues in memory and the transcript hold none of this.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pysubs2 import SSAEvent, SSAFile

from shared.domain.cues import Cue

SubtitleFormat = Literal["srt", "vtt"]
FORMATS: tuple[SubtitleFormat, ...] = ("srt", "vtt")
_LOOKS_LIKE_A_TAG = re.compile(r"\\(?=[Nnh])")  # pysubs2 would make white space of a spoken "C:\new"
WORD_JOINER = "\u2060"
LEFT_TO_RIGHT, RIGHT_TO_LEFT, END = "\u202a", "\u202b", "\u202c"


def write_subtitles(path: Path, cues: Sequence[Cue], *, kind: SubtitleFormat) -> None:
    """Write the cues, in order, as a file of that kind, whatever its name; without cues the file says nothing."""
    subtitles = SSAFile()
    subtitles.events = [
        SSAEvent(start=to_ms(cue.start_s), end=to_ms(cue.end_s), text=_text(cue, kind=kind)) for cue in cues
    ]
    path.write_text(subtitles.to_string(kind, keep_ssa_tags=True), encoding="utf-8", newline="\n")


def to_ms(seconds: float) -> int:
    """Return whole milliseconds; equal seconds become equal milliseconds, so that rounding makes no overlap."""
    return round(1000 * seconds)


def _text(cue: Cue, *, kind: SubtitleFormat) -> str:
    lines = [_line(line, kind=kind) for line in cue.lines]
    rightward, leftward = _letters(cue.text)
    if leftward:
        begin = RIGHT_TO_LEFT if leftward > rightward else LEFT_TO_RIGHT
        lines = [f"{begin}{line}{END}" for line in lines]
    return r"\N".join(lines)


def _letters(text: str) -> tuple[int, int]:
    """Return how many letters run from left to right and from right to left."""
    kinds = [unicodedata.bidirectional(char) for char in text]
    return kinds.count("L"), kinds.count("R") + kinds.count("AL")


def _line(line: str, *, kind: SubtitleFormat) -> str:
    plain = _LOOKS_LIKE_A_TAG.sub("\\\\" + WORD_JOINER, line)
    return html.escape(plain, quote=False) if kind == "vtt" else plain
