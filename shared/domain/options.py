"""What a user may ask of a job; every field has a default that suits most footage."""

import re
from dataclasses import dataclass
from typing import Literal

from shared.domain.edit_list import Join, JoinKind, RenderMode

Mode = Literal["auto", "motion", "speech"]
OnNothingFound = Literal["fallback", "fail"]
Quality = Literal["draft", "standard", "high"]
Loudness = Literal["normalise", "keep"]
LANGUAGE = re.compile(r"[a-zA-Z]{2,3}")


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

    @property
    def joins(self) -> Join:
        """How the clips of the reel are joined."""
        return Join(kind=self.join, duration_s=self.join_s)
