"""Where the source's seconds lie in the reel: the one mapping that rendering, captions and pictures share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from shared.domain.edit_list import Clip, EditList
from shared.domain.span import Span, span
from shared.domain.transcript import Word

CameOn = Callable[[float], float]
"""(source time) → when the frame on screen then came on, in source time."""


@dataclass(frozen=True, slots=True)
class ReelClip:
    """Where a clip of the edit list lies on the reel's frame grid."""

    start_s: float
    """In source time."""
    first_frame: int
    """In the reel."""
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One clip of the reel in both times; both spans are equally long."""

    source: Span
    reel: Span


def as_asked(t_s: float) -> float:
    """Return the time itself: every frame is taken to come on screen just when a clip wants to begin."""
    return t_s


def lay_out(edit_list: EditList, fps: Fraction, came_on_s: CameOn = as_asked) -> tuple[ReelClip, ...]:
    """Return the clips on the reel's frame grid; borders are rounded from the exact sums, so nothing adds up.

    A clip begins when its first frame came on screen (`came_on_s` tells), not in the middle of it: otherwise the
    picture would lag behind the sound by up to a frame.
    """
    laid: list[ReelClip] = []
    total_s, border = 0.0, 0
    for clip in edit_list.clips:
        total_s += clip.actual.duration_s
        beyond = round(total_s * fps)
        laid.append(ReelClip(came_on_s(clip.actual.start_s), border, beyond - border))
        border = beyond
    return tuple(laid)


def shown_clips(edit_list: EditList, fps: Fraction, came_on_s: CameOn = as_asked) -> tuple[Shown, ...]:
    """Return every clip in source and reel time, in the reel's order.

    An encoded reel has the borders of `lay_out`; a copied one keeps the source's frames, so its borders are the sums.
    """
    if edit_list.render == "encode":
        return tuple(
            _shown(clip.start_s, float(clip.first_frame / fps), float((clip.first_frame + clip.frames) / fps))
            for clip in lay_out(edit_list, fps, came_on_s)
        )
    copied: list[Shown] = []
    total_s = 0.0
    for clip in edit_list.clips:
        copied.append(_shown(clip.actual.start_s, total_s, total_s + clip.actual.duration_s))
        total_s += clip.actual.duration_s
    return tuple(copied)


def to_reel(one: Span, edit_list: EditList, fps: Fraction, came_on_s: CameOn = as_asked) -> tuple[Span, ...]:
    """Return where a span of source time is seen in the reel, in the reel's order; () when it is not.

    A span that several clips show has a place for each; one that is partly shown has the part's. Moments (empty spans)
    are mapped too.
    """
    places = ((one, shown) for shown in shown_clips(edit_list, fps, came_on_s))
    return tuple(_moved(one, shown) for one, shown in places if _is_shown(one, shown.source))


def reel_words(
    words: Sequence[Word], edit_list: EditList, fps: Fraction, came_on_s: CameOn = as_asked
) -> tuple[tuple[Span, tuple[Word, ...]], ...]:
    """Return each clip's place in the reel and its words in reel time.

    A word belongs to a clip that wants its middle, so that clips that follow on each other share no word; what
    sticks out of the clip is cut off.
    """
    shown = shown_clips(edit_list, fps, came_on_s)
    return tuple(
        (at.reel, tuple(_word_in(word, at) for word in words if _has_middle_in(word, clip)))
        for clip, at in zip(edit_list.clips, shown, strict=True)
        if at.reel.duration_s > 0
    )


def _shown(source_start_s: float, start_s: float, end_s: float) -> Shown:
    return Shown(source=span(source_start_s, source_start_s + end_s - start_s), reel=span(start_s, end_s))


def _is_shown(one: Span, source: Span) -> bool:
    if one.duration_s == 0:
        return source.start_s <= one.start_s < source.end_s
    return one.start_s < source.end_s and source.start_s < one.end_s and source.duration_s > 0


def _has_middle_in(word: Word, clip: Clip) -> bool:
    return clip.actual.start_s <= (word.start_s + word.end_s) / 2 < clip.actual.end_s


def _word_in(word: Word, shown: Shown) -> Word:
    place = _moved(span(word.start_s, word.end_s), shown)
    return replace(word, start_s=place.start_s, end_s=place.end_s)


def _moved(one: Span, shown: Shown) -> Span:
    """Return the part of a span that a clip shows, in reel time, never outside the clip."""
    return span(_moved_time(one.start_s, shown), _moved_time(one.end_s, shown))


def _moved_time(t_s: float, shown: Shown) -> float:
    return min(max(t_s - shown.source.start_s + shown.reel.start_s, shown.reel.start_s), shown.reel.end_s)
