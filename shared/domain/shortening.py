"""What of a candidate is shown when there is no room for all of it."""

from collections.abc import Sequence
from itertools import pairwise

from shared.domain.motion import Look
from shared.domain.span import Span, span

LEAD_IN_S, RUN_OUT_S = 0.3, 0.5


def shortened(whole: Span, at_most_s: float, *, sentences: Sequence[Span], looks: Sequence[Look]) -> Span | None:
    """Return the best stretch of a candidate that lasts at most `at_most_s`; None when it has no such stretch.

    Where somebody speaks it is whole sentences, as many as fit, the first ones of equally long runs. Where nobody does
    it lies around the fastest moment, so that a short clip shows the movement and not the padding before it.
    `sentences` are those of the source, in order.
    """
    whole = _without_broken_sentences(whole, sentences)
    if whole.duration_s <= 0:
        return None
    spoken = [each for each in sentences if whole.start_s <= each.start_s and each.end_s <= whole.end_s]
    if spoken:
        return _sentences_that_fit(whole, spoken, at_most_s)
    return _around_the_fastest(whole, looks, at_most_s)


def _without_broken_sentences(whole: Span, sentences: Sequence[Span]) -> Span:
    """Return the stretch without what belongs to a sentence that begins before it or goes on after it."""
    start_s = max(
        (each.end_s for each in sentences if each.start_s < whole.start_s < each.end_s), default=whole.start_s
    )
    end_s = min((each.start_s for each in sentences if each.start_s < whole.end_s < each.end_s), default=whole.end_s)
    return span(start_s, max(start_s, end_s))


def _sentences_that_fit(whole: Span, spoken: Sequence[Span], at_most_s: float) -> Span | None:
    rooms = _rooms(whole, spoken)
    runs = [
        span(rooms[first].start_s, rooms[last].end_s)
        for first in range(len(spoken))
        for last in range(first, len(spoken))
        if rooms[last].end_s - rooms[first].start_s <= at_most_s
    ]
    return max(runs, key=lambda run: (round(run.duration_s, 6), -run.start_s), default=None)


def _rooms(whole: Span, spoken: Sequence[Span]) -> list[Span]:
    """Return each sentence with a little of the silence around it, never reaching into another one."""
    borders_s = [whole.start_s, *((a.end_s + b.start_s) / 2 for a, b in pairwise(spoken)), whole.end_s]
    return [
        span(
            min(each.start_s, max(before_s, each.start_s - LEAD_IN_S)),
            max(each.end_s, min(after_s, each.end_s + RUN_OUT_S)),
        )
        for each, (before_s, after_s) in zip(spoken, pairwise(borders_s), strict=True)
    ]


def _around_the_fastest(whole: Span, looks: Sequence[Look], at_most_s: float) -> Span:
    inside = [look for look in looks if whole.start_s <= look.t_s < whole.end_s]
    fastest = max(inside, key=lambda look: (look.energy, -look.t_s), default=None)
    middle_s = fastest.t_s if fastest is not None and fastest.energy > 0 else whole.start_s
    start_s = max(whole.start_s, min(middle_s - at_most_s / 2, whole.end_s - at_most_s))
    return span(start_s, min(whole.end_s, start_s + at_most_s))
