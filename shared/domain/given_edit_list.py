"""An edit list that somebody gives instead of having one chosen."""

from dataclasses import dataclass

from shared.domain.span import Span
from shared.domain.video import Media, Video

REEL_FPS = 60  # at most, whatever the source has
NEARLY = 0.999
SOUND_FRAME_S = 0.02  # about a frame of AAC: nothing shorter can be told from rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenClip:
    """One stretch that the reel is to show."""

    wanted: Span
    """In source time."""
    lead_in_s: float = 0.0
    """When the picture is copied, the clip may begin this much later than wanted."""
    score: float = 1.0
    """In [0, 1]."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenEditList:
    """Clips in the order they are to be shown; they may overlap and repeat. At least one."""

    clips: tuple[GivenClip, ...]
    why_not_copied: str | None = None
    """Why the edit list that this one was taken from was encoded, None where that is not known."""


def what_is_wrong(given: GivenEditList, media: Media) -> str | None:
    """Return what keeps the source from being cut like that, as words that go on after its name; None when nothing.

    A clip that ends less than a frame beyond the source's end is right: reports round, and so do people.
    """
    frame_s, end_s = _frame_s(media), media.duration_s
    for number, clip in enumerate(given.clips, 1):
        wanted = clip.wanted
        where = f"clip {number} of the edit list, {seconds(wanted.start_s)} to {seconds(wanted.end_s)} s"
        if wanted.start_s >= end_s or wanted.end_s > end_s + frame_s:
            return f"{where}, lies outside it; it is {seconds(end_s)} s long."
        if min(wanted.end_s, end_s) - wanted.start_s < frame_s * NEARLY:
            return f"{where}, is shorter than a frame of the reel, which lasts {seconds(frame_s)} s."
    return None


def seconds(value_s: float) -> str:
    """Return seconds as people write them: 0.5, 12, 3600.25."""
    return f"{round(value_s, 4):.10g}"


def _frame_s(media: Media) -> float:
    """Return how long a frame of the reel lasts, in seconds."""
    return max(float(1 / media.fps), 1 / REEL_FPS) if isinstance(media, Video) else SOUND_FRAME_S
