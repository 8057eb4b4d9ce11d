"""Which of the candidates go into the reel."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf

from shared.domain.clip_lengths import ROUNDING_S, ClipLengths
from shared.domain.highlight import Highlight
from shared.domain.shortening import Material
from shared.domain.span import Span, meet, span

NEARLY_AS_WELL = 0.15  # of a score: so much worse a candidate may be and still be taken for variety
NEAR = 0.25  # of the stretch in which candidates lie: those closer together resemble each other
FLASH_S = 4.0  # what is left of the target, when it is less, shows no beginning of a longer one
ONE_CLIP = 0.5  # of the target, at most, while others score nearly as well
TOUCH_S = 0.001  # clips this near to each other are shown as one: reports round their times


def choose_highlights(
    candidates: Iterable[Highlight], *, target_s: float | None, lengths: ClipLengths, material: Material
) -> tuple[Highlight, ...]:
    """Return the candidates in order of time with the chosen ones marked; no two chosen ones overlap.

    Without a target all are chosen that `lengths` allow, those that are too long shortened. With one, the best go in
    until it is reached; one that would exceed it is shortened to what is left.

    Best is what has the highest score less what it resembles the ones chosen before, by maximal marginal relevance
    (Carbonell and Goldstein, SIGIR 1998): up to `NEARLY_AS_WELL` where both lie at the same place, down to nothing
    where they lie `NEAR` of the whole apart. And no clip takes more than `ONE_CLIP` of the target before those that
    score nearly as well had their turn; what is left then, or is less than `FLASH_S`, makes it longer again.

    A sentence with a keyword, or with laughter, that is too long to be shown is cut between two words around that. A
    question is shown without its answer, or the other way round, only when nothing else fits; candidates below the
    shortest clip are chosen only when nothing else is there; if nothing fits at all it is the beginning of the best.
    So at least one is chosen.
    """
    by_time = sorted(candidates, key=lambda each: (each.span, -each.score, each.reasons))
    chosen = _chosen(by_time, target_s, lengths, material)
    if not chosen:
        material = replace(material, exchanges=())
        chosen = _chosen(by_time, target_s, lengths, material)
    if not chosen:
        chosen = _chosen(by_time, target_s, replace(lengths, shortest_s=0.0), material)
    if not chosen and by_time:
        at = min(range(len(by_time)), key=lambda at: (-by_time[at].score, at))
        longest_s = lengths.longest_s if target_s is None else min(target_s, lengths.longest_s)
        chosen = {at: material.beginning(by_time[at].span, longest_s)}
    return tuple(
        replace(each, span=chosen[at], is_chosen=True) if at in chosen else each for at, each in enumerate(by_time)
    )


def _chosen(
    candidates: Sequence[Highlight], target_s: float | None, lengths: ClipLengths, material: Material
) -> dict[int, Span]:
    """Return what is shown of each candidate that is chosen, by its place among them."""
    most_s = inf if target_s is None else target_s
    fitter = _Fitter(candidates=candidates, lengths=lengths, material=material, target_s=most_s)
    if target_s is None:
        return _without_overlap(candidates, fitter)
    chosen: dict[int, Span] = {}
    left_s = _fill(chosen, candidates, fitter, target_s, most_s=ONE_CLIP * target_s)
    _lengthen(chosen, candidates, fitter, left_s)
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitter:
    """Says what can be shown of a candidate."""

    candidates: Sequence[Highlight]
    lengths: ClipLengths
    material: Material
    target_s: float = inf

    def fitted(self, at: int, at_most_s: float) -> Span | None:
        """Return what is shown of a candidate in so much time; None when that would be no clip."""
        whole = self.candidates[at].span
        longest_s = min(at_most_s, self.lengths.longest_s)
        if longest_s < self.lengths.shortest_s - ROUNDING_S or whole.duration_s <= 0:
            return None
        kept = whole if whole.duration_s <= longest_s + ROUNDING_S else self.material.shortened(whole, longest_s)
        return kept if kept is not None and kept.duration_s > 0 and self.lengths.allow(kept) else None

    def with_what_was_asked_for(self, at: int, at_most_s: float) -> Span | None:
        """Return what is shown of a candidate too long for it whose keyword or laughter must not be left out."""
        if self.fitted(at, self.target_s) is not None:
            return None  # there is only no room left for it
        longest_s = min(at_most_s, self.lengths.longest_s)
        kept = self.material.around_what_was_asked_for(self.candidates[at].span, longest_s)
        if kept is None:
            return None
        whole = replace(self, material=replace(self.material, exchanges=())).fitted(at, at_most_s)
        return whole or (kept if self.lengths.allow(kept) else None)

    def may_join(self, kept: Span, others: Collection[Span], most_s: float = inf) -> bool:
        """Return whether a clip overlaps no other one, and is not too long with those that it touches."""
        if any(meet(kept, other) for other in others):
            return False
        together = kept
        for other in _touching(kept, others):
            together = span(min(together.start_s, other.start_s), max(together.end_s, other.end_s))
        is_alone = together == kept
        return is_alone or together.duration_s <= min(most_s, self.lengths.longest_s) + ROUNDING_S

    def is_cut(self, at: int, kept: Span) -> bool:
        """Return whether less is shown of a candidate than its clip could have."""
        return kept.duration_s < min(self.candidates[at].span.duration_s, self.lengths.longest_s) - ROUNDING_S


def _without_overlap(candidates: Sequence[Highlight], fitter: _Fitter) -> dict[int, Span]:
    chosen: dict[int, Span] = {}
    for at in sorted(range(len(candidates)), key=lambda at: (-candidates[at].score, at)):
        kept = fitter.fitted(at, inf) or fitter.with_what_was_asked_for(at, inf)
        if kept is not None and fitter.may_join(kept, chosen.values()):
            chosen[at] = kept
    return chosen


def _fill(
    chosen: dict[int, Span], candidates: Sequence[Highlight], fitter: _Fitter, left_s: float, *, most_s: float
) -> float:
    """Choose the best one by one while there is room, and return how much is left.

    None that can be shortened takes more than `most_s`, except one that nothing else comes near.
    """
    waiting = dict.fromkeys(range(len(candidates)), 0.0)
    """Candidate to how much it resembles what is chosen."""
    later: list[int] = []
    """Those that would make one clip too long of another one while they have rivals."""
    starts_s, ends_s = [each.span.start_s for each in candidates], [each.span.end_s for each in candidates]
    reach_s = NEAR * (max(ends_s, default=0.0) - min(starts_s, default=0.0))
    while waiting and left_s >= fitter.lengths.shortest_s - ROUNDING_S and left_s > 0:
        at = max(waiting, key=lambda at: (round(candidates[at].score - NEARLY_AS_WELL * waiting[at], 6), -at))
        del waiting[at]
        has_rivals = any(candidates[each].score >= candidates[at].score - NEARLY_AS_WELL for each in waiting)
        kept = (
            (fitter.fitted(at, min(left_s, most_s)) if has_rivals else None)
            or fitter.fitted(at, left_s)
            or fitter.with_what_was_asked_for(at, left_s)
        )
        is_flash = bool(chosen) and left_s < FLASH_S and kept is not None and fitter.is_cut(at, kept)
        if kept is None or is_flash:
            continue
        if fitter.may_join(kept, chosen.values(), most_s if has_rivals else inf):
            chosen[at] = kept
            left_s -= kept.duration_s
            _note_alike(waiting, candidates, candidates[at].span, reach_s)
        else:
            later.append(at)
    for at in later:
        kept = fitter.fitted(at, left_s)
        is_whole = kept is not None and not fitter.is_cut(at, kept)
        if kept is not None and is_whole and fitter.may_join(kept, chosen.values()):
            chosen[at] = kept
            left_s -= kept.duration_s
    return left_s


def _lengthen(chosen: dict[int, Span], candidates: Sequence[Highlight], fitter: _Fitter, left_s: float) -> None:
    """Give what is left to those that had to be shortened, the best first."""
    for at in sorted(chosen, key=lambda at: (-candidates[at].score, at)):
        others = [each for other, each in chosen.items() if other != at]
        longer = fitter.fitted(at, chosen[at].duration_s + left_s)
        if longer is not None and longer.duration_s > chosen[at].duration_s and fitter.may_join(longer, others):
            left_s -= longer.duration_s - chosen[at].duration_s
            chosen[at] = longer


def _note_alike(waiting: dict[int, float], candidates: Sequence[Highlight], one: Span, reach_s: float) -> None:
    for at in waiting:
        apart_s = abs(candidates[at].span.middle_s - one.middle_s)
        waiting[at] = max(waiting[at], 1 - apart_s / reach_s if 0 <= apart_s < reach_s else 0.0)


def _touching(one: Span, others: Collection[Span]) -> list[Span]:
    """Return those that touch it, and those that touch these."""
    found: list[Span] = []
    start_s, end_s = one.start_s, one.end_s
    for each in sorted((each for each in others if each.end_s <= one.start_s), reverse=True):
        if start_s - each.end_s <= TOUCH_S:
            found.append(each)
            start_s = each.start_s
    for each in sorted(each for each in others if each.start_s >= one.end_s):
        if each.start_s - end_s <= TOUCH_S:
            found.append(each)
            end_s = each.end_s
    return found
