"""What a user may ask of a job; every field has a default that suits most footage."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.domain.edit_list import Join, JoinKind, RenderMode
from shared.domain.keywords import folded
from shared.domain.speech_languages import SPEECH_LANGUAGES

Mode = Literal["auto", "motion", "speech"]
OnNothingFound = Literal["fallback", "fail"]
Quality = Literal["draft", "standard", "high"]
Loudness = Literal["normalise", "keep"]
Order = Literal["source", "score"]
LANGUAGE = re.compile(r"[a-zA-Z]{2,3}")
MOST_TERMS, LONGEST_TERM = 50, 60
MOST_HINTED = 600  # characters: about the 220 tokens that a recognizer takes; the rest it drops without a word
CONTROL_WORDS = ("<|", "|>")
SHORTEST_CLIP_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionOptions:
    """When a body counts as moving. Speeds are in body heights per second, so distance to the camera cancels."""

    movement_threshold: float = 0.03
    """Body speed at and above which a moment counts as moving; see docs/decisions/0018."""
    min_moving_s: float = 1.0
    """Shorter movements are passed over."""
    max_stationary_s: float = 3.0
    """A pause this long or shorter does not end a movement."""
    pad_before_s: float = 2.0
    """Lead-in kept before a movement."""
    pad_after_s: float = 3.0
    """Run-out kept after a movement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A job's options. Raises ValueError with one sentence when a value makes no sense."""

    mode: Mode = "auto"
    render: RenderMode = "auto"
    quality: Quality = "standard"
    """Of an encoded picture: quick to look at, as a rule, or nearest to the source."""
    join: JoinKind = "cut"
    join_s: float = Join().duration_s
    """How long a cross-fade or a dip to black takes."""
    loudness: Loudness = "normalise"
    """To -14 LUFS, as video platforms play it, or as the source is."""
    audio_language: str | None = None
    """Which sound track is listened to and heard, as ISO 639 ("en", "eng"); None takes the file's default one."""
    target_s: float | None = None
    """Wanted length of the reel; None keeps everything that was found."""
    shortest_clip_s: float = SHORTEST_CLIP_S
    """A shorter clip cannot be followed: candidates grow to this where they can, or are left out."""
    longest_clip_s: float | None = None
    """No clip of the reel lasts longer than this, with a target or without; None sets no bound.

    Of speech that goes on and on this leaves out what its clips would run into. A copied clip, which begins and ends at
    keyframes, may be up to 2 s longer at each end.
    """
    order: Order = "source"
    """In which order the clips are shown: the source's, or the best first."""
    speech_language: str | None = None
    """What is spoken, one of `SPEECH_LANGUAGES`; None finds it by listening."""
    vocabulary: tuple[str, ...] = ()
    """Names and terms that may be said: hints for the recognizer. Trimmed; empty and doubled ones are dropped."""
    keywords: tuple[str, ...] = ()
    """What the user wants to see talked about; no hints, so that trying others changes no word. Trimmed like
    `vocabulary`."""
    chunk_s: float = 60.0
    """About how much source one task analyses; rounded to whole units, never changes the result."""
    on_nothing_found: OnNothingFound = "fallback"
    motion: MotionOptions = MotionOptions()

    def __post_init__(self) -> None:
        for name, value in (("pad_before_s", self.motion.pad_before_s), ("pad_after_s", self.motion.pad_after_s)):
            if not 0 <= value <= 60:
                raise ValueError(f"{name} must lie between 0 and 60 seconds, not {value:g}.")
        if self.target_s is not None and not 1 <= self.target_s <= 24 * 3600:
            raise ValueError(f"target_s must lie between 1 second and 24 hours, not {self.target_s:g}.")
        if not 1 <= self.chunk_s <= 24 * 3600:
            raise ValueError(f"chunk_s must lie between 1 second and 24 hours, not {self.chunk_s:g}.")
        if not 0.1 <= self.join_s <= 5:
            raise ValueError(f"join_s must lie between 0.1 and 5 seconds, not {self.join_s:g}.")
        if self.audio_language is not None and not LANGUAGE.fullmatch(self.audio_language):
            raise ValueError(f"audio_language must be a code such as en or eng, not {self.audio_language[:20]}.")
        if not 0.5 <= self.shortest_clip_s <= 60:
            raise ValueError(f"shortest_clip_s must lie between 0.5 and 60 seconds, not {self.shortest_clip_s:g}.")
        if self.longest_clip_s is not None and not self.shortest_clip_s <= self.longest_clip_s <= 3600:
            shortest = f"the shortest clip's {self.shortest_clip_s:g}"
            raise ValueError(
                f"longest_clip_s must lie between {shortest} and 3600 seconds, not {self.longest_clip_s:g}."
            )
        if self.target_s is not None and self.shortest_clip_s > max(self.target_s, SHORTEST_CLIP_S):
            reel = f"the whole reel's {self.target_s:g} seconds"
            raise ValueError(f"shortest_clip_s must be no more than {reel}, not {self.shortest_clip_s:g}.")
        if self.speech_language is not None:
            object.__setattr__(self, "speech_language", _speech_language(self.speech_language))
        for name in ("vocabulary", "keywords"):
            object.__setattr__(self, name, _terms(name, getattr(self, name)))
        hinted = sum(map(len, self.vocabulary))
        if hinted > MOST_HINTED:
            most = f"at most {MOST_HINTED} characters together, not {hinted}"
            raise ValueError(f"vocabulary must have {most}: a recognizer would pass over the rest.")
        signs = next((each for each in self.keywords if not folded(each)), None)
        if signs is not None:
            raise ValueError(f"keywords must have a letter or a digit, or nobody can say them, unlike {signs[:20]}")

    @property
    def joins(self) -> Join:
        """How the clips of the reel are joined."""
        return Join(kind=self.join, duration_s=self.join_s)


def _speech_language(code: str) -> str:
    lower = code.strip().lower()
    if lower not in SPEECH_LANGUAGES:
        raise ValueError(
            f"speech_language must be one of Whisper's {len(SPEECH_LANGUAGES)} codes of two letters, such as en, de or "
            f"ja (haw for Hawaiian), not {code[:20]}."
        )
    return lower


def _terms(name: str, given: Iterable[str]) -> tuple[str, ...]:
    """Return the terms trimmed, the first of those that differ in case only; their order stays."""
    kept: dict[str, str] = {}
    for each in given:
        term = " ".join(unicodedata.normalize("NFC", each).split())
        if len(term) > LONGEST_TERM:
            raise ValueError(f"{name} must have entries of at most {LONGEST_TERM} characters, not {term[:20]}…")
        if any(each in term for each in CONTROL_WORDS):
            raise ValueError(f"{name} must have no {CONTROL_WORDS[0]} or {CONTROL_WORDS[1]}, which steer a recognizer.")
        if term:
            kept.setdefault(term.casefold(), term)
    if len(kept) > MOST_TERMS:
        raise ValueError(f"{name} must have at most {MOST_TERMS} entries, not {len(kept)}.")
    return tuple(kept.values())
