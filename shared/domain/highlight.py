"""A stretch of the source that could go into the reel, and the one that does when nothing was found."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.clip_lengths import ClipLengths
from shared.domain.pose import PoseSample
from shared.domain.span import Span, span

FALLBACK_S = 10.0
FALLBACK_REASON = "nothing moved: the liveliest stretch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A candidate for the reel, with what speaks for it."""

    span: Span
    """Padding included; of one that is chosen, what is shown of it."""
    score: float
    """In [0, 1]."""
    reasons: tuple[str, ...]
    is_chosen: bool = False


def fallback_highlight(
    samples: Sequence[PoseSample],
    *,
    duration_s: float,
    lengths: ClipLengths | None = None,
    target_s: float | None = None,
) -> Highlight:
    """Return the `FALLBACK_S` of the source in which most changes, the earliest of equals; a shorter source whole.

    It is longer, or shorter, where clips are to be, and no longer than the target.
    """
    allowed = lengths or ClipLengths()
    wanted_s = min(max(FALLBACK_S, allowed.shortest_s), allowed.longest_s)
    length_s = min(wanted_s, duration_s, wanted_s if target_s is None else target_s)
    starts = sorted({0.0, *(s.t_s for s in samples if s.index % 8 == 0 and s.t_s + length_s <= duration_s)})
    change_at = [(sample.t_s, sample.change) for sample in samples]
    best = max(starts, key=lambda start: (round(_changed(change_at, span(start, start + length_s)), 6), -start))
    return Highlight(span=span(best, best + length_s), score=0.0, reasons=(FALLBACK_REASON,), is_chosen=True)


def _changed(change_at: Sequence[tuple[float, float]], window: Span) -> float:
    return sum(change for t_s, change in change_at if window.start_s <= t_s < window.end_s)
