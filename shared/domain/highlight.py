"""What could go into the reel, and what does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.domain.motion import Look
from shared.domain.options import MotionOptions
from shared.domain.pose import PoseSample
from shared.domain.span import Span, padded, span

Shorten = Callable[[Span, float], Span | None]
"""(a candidate's span, seconds left) → what is shown of it, None when it cannot be shortened to that."""

FALLBACK_S = 10.0
SHORTEST_CLIP_S = 2.0  # a shorter clip cannot be followed; a remainder of the target below it is left unused
MOTION_REASON = "movement"
FALLBACK_REASON = "nothing moved: the liveliest stretch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A candidate for the reel, with what speaks for it."""

    span: Span
    """Padding included."""
    score: float
    """In [0, 1]."""
    reasons: tuple[str, ...]
    is_chosen: bool = False


def motion_highlights(
    motion: Sequence[Span], looks: Sequence[Look], options: MotionOptions, *, duration_s: float
) -> tuple[Highlight, ...]:
    """Return one candidate per stretch of movement, padded, in order of time; stretches whose padding meets are one.

    The score is v / (v + 1) of the fastest sustained body speed v in it, in body heights per second.
    """
    whole = span(0.0, duration_s)
    stretches = padded(motion, before_s=options.pad_before_s, after_s=options.pad_after_s, within=whole)
    return tuple(
        Highlight(span=stretch, score=motion_score(stretch, looks), reasons=(MOTION_REASON,)) for stretch in stretches
    )


def motion_score(stretch: Span, looks: Sequence[Look]) -> float:
    """Return v / (v + 1) of the fastest sustained body speed v in the stretch, in body heights per second."""
    fastest = max((look.energy for look in looks if stretch.start_s <= look.t_s < stretch.end_s), default=0.0)
    return round(fastest / (fastest + 1), 4)


def fallback_highlight(samples: Sequence[PoseSample], *, duration_s: float) -> Highlight:
    """Return the `FALLBACK_S` of the source in which most changes, the earliest of equals; a shorter source whole."""
    length_s = min(FALLBACK_S, duration_s)
    starts = sorted({0.0, *(s.t_s for s in samples if s.index % 8 == 0 and s.t_s + length_s <= duration_s)})
    change_at = [(sample.t_s, sample.change) for sample in samples]
    best = max(starts, key=lambda start: (round(_changed(change_at, span(start, start + length_s)), 6), -start))
    return Highlight(span=span(best, best + length_s), score=0.0, reasons=(FALLBACK_REASON,), is_chosen=True)


def choose_highlights(
    candidates: Sequence[Highlight], *, target_s: float | None, shortened: Shorten
) -> tuple[Highlight, ...]:
    """Return the candidates in order of time with the chosen ones marked.

    Without a target all are chosen. With one, the best scores go in first until it is reached; one that would exceed it
    is `shortened` to what is left, if that makes a clip of at least `SHORTEST_CLIP_S`. At least one is chosen.
    """
    if target_s is None:
        return tuple(replace(each, is_chosen=True) for each in candidates)
    left_s = target_s
    chosen: dict[int, Highlight] = {}
    by_score = sorted(range(len(candidates)), key=lambda at: (-candidates[at].score, at))
    for at in by_score:
        whole = candidates[at].span
        shortest_s = min(SHORTEST_CLIP_S, whole.duration_s)
        if left_s < shortest_s:
            continue
        kept = whole if whole.duration_s <= left_s else shortened(whole, left_s)
        if kept is not None and kept.duration_s >= shortest_s:
            chosen[at] = replace(candidates[at], span=kept, is_chosen=True)
            left_s -= kept.duration_s
    if not chosen:  # nothing fits as it should be: rather the beginning of the best than no reel
        best = candidates[by_score[0]]
        kept = span(best.span.start_s, min(best.span.end_s, best.span.start_s + target_s))
        chosen[by_score[0]] = replace(best, span=kept, is_chosen=True)
    return tuple(chosen.get(at, each) for at, each in enumerate(candidates))


def _changed(change_at: Sequence[tuple[float, float]], window: Span) -> float:
    return sum(change for t_s, change in change_at if window.start_s <= t_s < window.end_s)
