"""Subtitle files: cues as SubRip and WebVTT, UTF-8, in milliseconds."""

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pysubs2 import SSAEvent, SSAFile

from shared.domain.cues import Cue

SubtitleFormat = Literal["srt", "vtt"]
FORMATS: tuple[SubtitleFormat, ...] = ("srt", "vtt")
_LOOKS_LIKE_A_TAG = re.compile(r"\\(?=[Nnh])")  # pysubs2 would make white space of a spoken "C:\new"
WORD_JOINER = "\u2060"


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
    return r"\N".join(_line(line, kind=kind) for line in cue.lines)


def _line(line: str, *, kind: SubtitleFormat) -> str:
    plain = _LOOKS_LIKE_A_TAG.sub("\\\\" + WORD_JOINER, line)
    return html.escape(plain, quote=False) if kind == "vtt" else plain
