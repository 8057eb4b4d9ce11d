"""Where the source's seconds lie in the reel: the one mapping that rendering, captions and pictures share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from shared.domain.edit_list import EditList
from shared.domain.span import Span, meet, span
from shared.domain.transcript import Word

SHORTEST_WORD_S = 0.001  # files tell whole milliseconds
CameOn = Callable[[float], float]
"""(source time) → when the frame on screen then came on, in source time."""


@dataclass(frozen=True, slots=True)
class ReelClip:
    """Where a clip of the edit list lies on the reel's frame grid."""

    start_s: float
    """In source time."""
    first_frame: int
    """In the reel. Of a cross-fade, both clips have the frames: this one begins before the one before it has ended."""
    frames: int
    fade_in: int = 0
    """So many of its first frames come in, over the clip before (cross-fade) or out of black (dip)."""
    fade_out: int = 0
    """So many of its last frames go out."""
    begun_s: float | None = None
    """Where in source time the clip begins of which this is a later part; None of a whole one, or of its beginning."""


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
    is_crossfade = edit_list.join.kind == "crossfade"
    laid: list[ReelClip] = []
    start_s = 0.0
    overlaps_s = (0.0, *edit_list.overlaps_s)
    for clip, overlap_s, dip_s in zip(edit_list.clips, overlaps_s, (0.0, *edit_list.fades_s), strict=True):
        start_s -= overlap_s
        before = laid[-1] if laid else None
        first = before.first_frame + before.frames if before is not None else 0
        beyond = max(first, round((start_s + clip.actual.duration_s) * fps))
        fade = 0
        if before is not None:
            wanted = first - round(start_s * fps) if is_crossfade else round(dip_s * fps)
            fade = _that_fits(wanted, before.frames, beyond - first, is_overlapping=is_crossfade)
            laid[-1] = replace(before, fade_out=fade)
            first -= fade if is_crossfade else 0
        laid.append(ReelClip(came_on_s(clip.actual.start_s), first, beyond - first, fade_in=fade))
        start_s += clip.actual.duration_s
    return tuple(laid)


def _that_fits(wanted: int, before: int, alone: int, *, is_overlapping: bool) -> int:
    """Return how many frames a join takes of each of two clips, so that no clip's two joins meet.

    `before` are the frames of the first; `alone` are those the second has, without the overlap.
    """
    fade = max(0, min(wanted, before // 2))
    while fade > (alone + (fade if is_overlapping else 0)) // 2:
        fade -= 1
    return fade


def shown_clips(edit_list: EditList, fps: Fraction, came_on_s: CameOn = as_asked) -> tuple[Shown, ...]:
    """Return every clip in source and reel time, in the reel's order.

    An encoded reel has the borders of `lay_out`; of a cross-fade each clip has the half in which it is seen more. A
    copied reel keeps the source's frames, so its borders are the sums.
    """
    if edit_list.render == "encode":
        share = 1 if edit_list.join.kind == "crossfade" else 0
        return tuple(
            _seen(clip, clip.fade_in // 2 * share, (clip.fade_out - clip.fade_out // 2) * share, fps)
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
    sticks out of the clip is cut off. Of a cross-fade each clip has the words of the half in which it is heard more. A
    word is left out when the grid's rounding leaves nothing of it.
    """
    shown = shown_clips(edit_list, fps, came_on_s)
    return tuple(
        (at.reel, tuple(_words_in(at, [word for word in words if _has_middle_in(word, own)])))
        for own, at in zip(_own_spans(edit_list), shown, strict=True)
        if at.reel.duration_s > 0
    )


def _seen(clip: ReelClip, before: int, after: int, fps: Fraction) -> Shown:
    """Return the clip without its first `before` and its last `after` frames."""
    first, beyond = clip.first_frame + before, clip.first_frame + clip.frames - after
    return _shown(clip.start_s + float(before / fps), float(first / fps), float(beyond / fps))


def _shown(source_start_s: float, start_s: float, end_s: float) -> Shown:
    return Shown(source=span(source_start_s, source_start_s + end_s - start_s), reel=span(start_s, end_s))


def _is_shown(one: Span, source: Span) -> bool:
    if one.duration_s == 0:
        return source.start_s <= one.start_s < source.end_s
    return meet(one, source) and source.duration_s > 0


def _own_spans(edit_list: EditList) -> tuple[Span, ...]:
    """Return what each clip shows of the source, of a cross-fade the half in which it is seen more."""
    halves_s = [each / 2 for each in edit_list.overlaps_s]
    return tuple(
        span(clip.actual.start_s + before_s, clip.actual.end_s - after_s)
        for clip, before_s, after_s in zip(edit_list.clips, (0.0, *halves_s), (*halves_s, 0.0), strict=True)
    )


def _has_middle_in(word: Word, own: Span) -> bool:
    return own.start_s <= (word.start_s + word.end_s) / 2 < own.end_s


def _words_in(shown: Shown, words: Iterable[Word]) -> Iterator[Word]:
    for word in words:
        place = _moved(span(word.start_s, word.end_s), shown)
        if place.duration_s >= SHORTEST_WORD_S:
            yield replace(word, start_s=place.start_s, end_s=place.end_s)


def _moved(one: Span, shown: Shown) -> Span:
    """Return the part of a span that a clip shows, in reel time, never outside the clip."""
    return span(_moved_time(one.start_s, shown), _moved_time(one.end_s, shown))


def _moved_time(t_s: float, shown: Shown) -> float:
    return min(max(t_s - shown.source.start_s + shown.reel.start_s, shown.reel.start_s), shown.reel.end_s)
