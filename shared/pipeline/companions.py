"""What comes along with a reel besides its picture: captions and the transcript."""

from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.cues import reel_cues, source_cues
from shared.domain.edit_list import EditList
from shared.domain.reel_time import CameOn
from shared.domain.running_text import has_space, joined
from shared.domain.transcript import Sentence, Transcript, Word, sentences
from shared.media.subtitles import FORMATS, write_subtitles

TRANSCRIPT_FILE = {"transcript": "transcript.json"}
CAPTION_FILES = {f"captions_{kind}": f"captions.{kind}" for kind in FORMATS}
SOURCE_CAPTION_FILES = {f"source_captions_{kind}": f"source_captions.{kind}" for kind in FORMATS}
SPEECH_FILES = {**TRANSCRIPT_FILE, **CAPTION_FILES, **SOURCE_CAPTION_FILES}
"""Artifact name → file name."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TranscriptWord(_Part):
    """One spoken word with its punctuation."""

    text: str
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    confidence: float = Field(ge=0, le=1)
    space_before: bool = Field(True, description="Whether running text has a space before it; Japanese, say, has none.")


class TranscriptSegment(_Part):
    """A sentence, or what was said between two long pauses."""

    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    text: str


class TranscriptFile(_Part):
    """`transcript.json`. All times are seconds of source time, counted from the first shown frame."""

    schema_version: Literal[1] = 1
    language: str | None = Field(description="ISO 639-1; null when nobody speaks.")
    words: list[TranscriptWord]
    segments: list[TranscriptSegment] = Field(description="The same words as sentences.")


def write_speech_companions(
    folder: Path,
    transcript: Transcript,
    edit_list: EditList,
    *,
    fps: Fraction,
    duration_s: float,
    came_on_s: CameOn,
) -> dict[str, str]:
    """Write `SPEECH_FILES` to the folder and return them: the transcript, the reel's and the source's captions.

    `fps` is the reel's frame rate, `duration_s` the source's length, `came_on_s` what the renderer did.
    """
    (folder / TRANSCRIPT_FILE["transcript"]).write_text(
        transcript_file(transcript).model_dump_json(indent=2) + "\n", encoding="utf-8"
    )
    in_reel = reel_cues(transcript.words, edit_list, fps, came_on_s, language=transcript.language)
    in_source = source_cues(transcript.words, duration_s=duration_s, language=transcript.language)
    for kind in FORMATS:
        write_subtitles(folder / CAPTION_FILES[f"captions_{kind}"], in_reel, kind=kind)
        write_subtitles(folder / SOURCE_CAPTION_FILES[f"source_captions_{kind}"], in_source, kind=kind)
    return SPEECH_FILES


def transcript_file(transcript: Transcript) -> TranscriptFile:
    """Return the transcript as it is published, times in whole milliseconds."""
    words = transcript.words
    return TranscriptFile(
        language=transcript.language,
        words=[_word(each, before) for before, each in zip((None, *words), words, strict=False)],
        segments=[_segment(each) for each in sentences(transcript.words)],
    )


def _word(word: Word, before: Word | None) -> TranscriptWord:
    return TranscriptWord(
        text=word.text,
        start_s=_rounded(word.start_s),
        end_s=_rounded(word.end_s),
        confidence=round(word.confidence, 3),
        space_before=before is not None and has_space(before, word),
    )


def _segment(sentence: Sentence) -> TranscriptSegment:
    return TranscriptSegment(
        start_s=_rounded(sentence.span.start_s),
        end_s=_rounded(sentence.span.end_s),
        text=joined(sentence.words),
    )


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
