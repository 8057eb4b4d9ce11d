"""From chosen highlights to an edit list: cut where wanted, or where the source's keyframes allow a stream copy."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import inf

from shared.domain.edit_list import Clip, EditList, Join, RenderMode
from shared.domain.highlight import Highlight
from shared.domain.span import Span, meet, span

EARLIER_S = 2.0  # a copied clip may begin this much before what was wanted
LATER_S = 2.0  # and end this much after it
ROUNDED_S = 0.001  # reports, and people, round the time of a keyframe by up to this much
HARD_CUT = Join()


def plan_render(
    chosen: Sequence[Highlight],
    *,
    render: RenderMode,
    why_not_copy: str | None,
    keyframes_s: Sequence[float],
    duration_s: float,
    lead_in_s: float | Sequence[float] = 0.0,
    longest_s: float | None = None,
    may_repeat: bool = False,
    join: Join = HARD_CUT,
) -> EditList:
    """Return the edit list of the chosen highlights in their order.

    `why_not_copy` says why the source cannot be stream-copied, None when it can; `keyframes_s` are its keyframes in
    source time, ascending. Within the first `lead_in_s` of a highlight, one for all or one each, a copied clip may
    begin later: what happens there may be missed. None is copied where a clip would last longer than `longest_s` and
    what keyframes add to one, because it runs into the next; or where keyframes would make clips out of the source's
    order show some of it twice, unless they `may_repeat`, as somebody who gives an order accepts.
    """
    wanted = tuple(_joined([_clip(each, each.span) for each in chosen]))
    if render == "encode":
        return EditList(render="encode", clips=wanted, join=join)
    if join.kind != "cut" and len(wanted) > 1:
        why_not_copy = f"a {join.kind} is drawn into the picture"
    if why_not_copy is not None:
        return EditList(render="encode", clips=wanted, join=join, why_not_copied=why_not_copy)
    lead_ins_s = [lead_in_s] * len(chosen) if isinstance(lead_in_s, float | int) else lead_in_s
    snapped = [
        snap(each.span, keyframes_s, duration_s=duration_s, lead_in_s=may_miss_s)
        for each, may_miss_s in zip(chosen, lead_ins_s, strict=True)
    ]
    for highlight, actual in zip(chosen, snapped, strict=True):
        if actual is None:
            reason = f"no keyframes near [{highlight.span.start_s:.2f}, {highlight.span.end_s:.2f}) s"
            return EditList(render="encode", clips=wanted, join=join, why_not_copied=reason)
    copied = [_clip(each, actual) for each, actual in zip(chosen, snapped, strict=True) if actual is not None]
    joined = tuple(_joined(copied))
    if not may_repeat and _shows_twice(joined):
        reason = "cut on keyframes, clips that are not in the source's order would show some of it twice"
        return EditList(render="encode", clips=wanted, join=join, why_not_copied=reason)
    most_s = inf if longest_s is None else longest_s + EARLIER_S + LATER_S + ROUNDED_S
    if any(each.actual.duration_s > most_s for each in joined if each not in copied):
        reason = f"cut on keyframes, clips would run into each other and last longer than {longest_s:g} s"
        return EditList(render="encode", clips=wanted, join=join, why_not_copied=reason)
    return EditList(render="copy", clips=joined)


def lead_in_before(wanted: Span, happening: Iterable[Span]) -> float:
    """Return how long it takes from the start of what is wanted until something happens, 0.0 if nothing does."""
    inside = (each for each in happening if meet(each, wanted))
    return min((max(0.0, each.start_s - wanted.start_s) for each in inside), default=0.0)


def snap(wanted: Span, keyframes_s: Sequence[float], *, duration_s: float, lead_in_s: float) -> Span | None:
    """Return the span between keyframes that shows what is wanted, None when no keyframe lies near enough.

    The start goes to the last keyframe up to `EARLIER_S` before it, else to the first one inside the lead-in; the end
    to the first keyframe (or the source's end) up to `LATER_S` after it.
    """
    before = bisect_right(keyframes_s, wanted.start_s + ROUNDED_S) - 1
    after = bisect_left(keyframes_s, wanted.end_s - ROUNDED_S)
    start_s: float | None = None
    if before >= 0 and keyframes_s[before] >= wanted.start_s - EARLIER_S:
        start_s = keyframes_s[before]
    elif before + 1 < len(keyframes_s) and keyframes_s[before + 1] <= wanted.start_s + lead_in_s:
        start_s = keyframes_s[before + 1]
    end_s = keyframes_s[after] if after < len(keyframes_s) else duration_s
    if start_s is None or end_s > wanted.end_s + LATER_S or end_s <= start_s:
        return None
    return span(start_s, end_s)


def _clip(highlight: Highlight, actual: Span) -> Clip:
    return Clip(wanted=highlight.span, actual=actual, score=highlight.score, reasons=highlight.reasons)


def _shows_twice(clips: Sequence[Clip]) -> bool:
    """Return whether snapping made clips overlap that are not wanted to."""
    by_time = sorted(clips, key=lambda clip: (clip.actual, clip.wanted))
    return any(
        other.actual.start_s < one.actual.end_s and not meet(one.wanted, other.wanted)
        for one, other in pairwise(by_time)
    )


def _joined(clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips, those that go on where the one before them ends, or that snapping made overlap, joined.

    Clips that are *wanted* to overlap show something twice on purpose, and stay apart.
    """
    joined: list[Clip] = []
    for clip in clips:
        last = joined[-1] if joined else None
        goes_on = last is not None and last.wanted.end_s <= clip.wanted.start_s
        if last is None or not goes_on or clip.actual.start_s > last.actual.end_s:
            joined.append(clip)
            continue
        joined[-1] = Clip(
            wanted=span(min(last.wanted.start_s, clip.wanted.start_s), max(last.wanted.end_s, clip.wanted.end_s)),
            actual=span(last.actual.start_s, max(last.actual.end_s, clip.actual.end_s)),
            score=max(last.score, clip.score),
            reasons=tuple(dict.fromkeys(last.reasons + clip.reasons)),
        )
    return joined
