"""What a user may ask of a job; every field has a default that suits most footage."""

from dataclasses import dataclass
from typing import Literal

from shared.domain.edit_list import RenderMode

Mode = Literal["auto", "motion", "speech"]
OnNothingFound = Literal["fallback", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionOptions:
    """When a body counts as moving. Speeds are in body heights per second, so distance to the camera cancels."""

    movement_threshold: float = 0.04
    """Body speed at and above which a moment counts as moving; see docs/decisions/0006."""
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
