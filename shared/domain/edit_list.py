"""The border between deciding and cutting: which seconds of the source the reel shows, and why."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from shared.domain.span import Span, total_s

RenderMode = Literal["auto", "copy", "encode"]
JoinKind = Literal["cut", "crossfade", "dip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """How one clip gives way to the next."""

    kind: JoinKind = "cut"
    """A cross-fade shows the end of a clip and the beginning of the next together; a dip goes through black."""
    duration_s: float = 0.5
    """Of the whole passage; at most half of either clip belongs to it. A cut takes no time."""


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
    join: Join = Join()
    why_not_copied: str | None = None
    """Why stream copy was wanted or considered and not taken; None when it was taken or never asked for."""

    @property
    def fades_s(self) -> tuple[float, ...]:
        """How long the join behind each clip but the last takes of *each* of the two clips beside it, in seconds."""
        share = {"cut": 0.0, "crossfade": 1.0, "dip": 0.5}[self.join.kind]
        lengths_s = (clip.actual.duration_s for clip in self.clips)
        return tuple(min(share * self.join.duration_s, a / 2, b / 2) for a, b in pairwise(lengths_s))

    @property
    def overlaps_s(self) -> tuple[float, ...]:
        """How long each clip but the last is shown together with the next, in seconds."""
        return self.fades_s if self.join.kind == "crossfade" else (0.0,) * (len(self.clips) - 1)

    @property
    def duration_s(self) -> float:
        """Length of the reel in seconds."""
        return total_s(clip.actual for clip in self.clips) - sum(self.overlaps_s)
