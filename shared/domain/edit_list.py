"""The border between deciding and cutting: which seconds of the source the reel shows, and why."""

from dataclasses import dataclass
from typing import Literal

from shared.domain.span import Span, total_s

RenderMode = Literal["auto", "copy", "encode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One stretch of the reel."""

    wanted: Span
    """What was chosen, in source time."""
    actual: Span
    """What is shown, in source time: equal to `wanted` for `encode`, snapped to keyframes for `copy`."""
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditList:
    """The clips of a reel in the order they are shown; a plain value that can be stored, compared and edited."""

    render: Literal["copy", "encode"]
    clips: tuple[Clip, ...]
    why_not_copied: str | None = None
    """Why stream copy was wanted or considered and not taken; None when it was taken or never asked for."""

    @property
    def duration_s(self) -> float:
        """Length of the reel in seconds."""
        return total_s(clip.actual for clip in self.clips)
