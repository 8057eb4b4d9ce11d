"""What of a candidate is shown when there is no room for all of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from shared.domain.motion import Look
from shared.domain.span import Span, meet, overlap_s, span

LEAD_IN_S, RUN_OUT_S = 0.3, 0.5  # shown before the first word and after the last, of a passage or of a part of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What of a source must not be cut, and where something happens in it; each in order of time."""

    sentences: tuple[Span, ...] = ()
    """With the laughter that they earn; none overlaps the next."""
    words: tuple[Span, ...] = ()
    events: tuple[Span, ...] = ()
    """Movements, without padding."""
    looks: tuple[Look, ...] = ()
    exchanges: tuple[Span, ...] = ()
    """Questions with their answers: neither is shown without the other."""
    moments: tuple[float, ...] = ()
    """When what counts happens: a keyword, laughter, a question's answer, the fastest of a movement."""
    asked_for: tuple[Span, ...] = ()
    """When a keyword is said, or when it may be that people laugh: not left out because its sentence is too long; none
    overlaps the next."""

    def shortened(self, whole: Span, at_most_s: float) -> Span | None:
        """Return the best stretch of a candidate that lasts at most `at_most_s`; None when it has no such stretch.

        Where somebody speaks it is whole sentences: those with the most that was asked for, then with the most moments
        that count, then as many as fit, then the first ones; None where only ones fit without anything that was asked
        for. Where nobody does, or nothing that counts is said and somebody moves, it lies around the fastest moment, so
        that a short clip shows the movement and neither the padding before it nor a mere word beside it.
        """
        found = self._shortened(whole, at_most_s)
        misses_it = found is not None and self._asked_in(whole) > 0 and self._asked_in(found) == 0
        return None if misses_it else found

    def around_what_was_asked_for(self, whole: Span, at_most_s: float) -> Span | None:
        """Return the stretch of at most `at_most_s` with the most that was asked for; None when there is no such one.

        It begins as its sentence does where it can, and ends between two words.
        """
        inside = _inside(self.asked_for, whole)
        found = [self._between_words(self._around(each, whole, at_most_s)) for each in inside]
        best = max(
            found, key=lambda each: (self._asked_in(each), round(each.duration_s, 6), -each.start_s), default=None
        )
        return best if best is not None and self._asked_in(best) > 0 else None

    def _shortened(self, whole: Span, at_most_s: float) -> Span | None:
        bare = self._without_broken_sentences(whole)
        spoken = self._whole_exchanges(_inside(self.sentences, bare), bare)
        if bare.duration_s > 0 and not spoken:
            return self._around_the_fastest(bare, at_most_s)
        run = self._sentences_that_fit(bare, spoken, at_most_s) if bare.duration_s > 0 else None
        if overlap_s(whole, self.events) == 0 or (run is not None and self._moments_in(run)):
            return run
        moving = self._without_broken_sentences(self._around_the_fastest(bare, at_most_s))
        if self._moments_in(moving) and (run is None or moving.duration_s > run.duration_s):
            return moving
        return run or self._between_words(self._around_the_fastest(whole, at_most_s))

    def beginning(self, whole: Span, at_most_s: float) -> Span:
        """Return a candidate's beginning, for want of anything better; it ends between two words where it can."""
        start_s = whole.start_s
        cut = self._between_words(span(start_s, min(whole.end_s, start_s + at_most_s)))
        return cut if cut.duration_s > 0 else span(start_s, min(whole.end_s, start_s + at_most_s))

    def _without_broken_sentences(self, whole: Span) -> Span:
        """Return the stretch without what belongs to a sentence that begins before it or goes on after it."""
        broken = _cut_by(self.sentences, whole.start_s)
        start_s = broken.end_s if broken is not None else whole.start_s
        broken = _cut_by(self.sentences, whole.end_s)
        end_s = broken.start_s if broken is not None else whole.end_s
        return span(start_s, max(start_s, end_s))

    def _whole_exchanges(self, spoken: Sequence[Span], bare: Span) -> Sequence[Span]:
        """Return the sentences, a question and its answer as one."""
        exchanges = _inside(self.exchanges, bare)
        blocks: list[Span] = []
        for each in spoken:
            if blocks and any(one.start_s <= blocks[-1].start_s and each.start_s < one.end_s for one in exchanges):
                blocks[-1] = span(blocks[-1].start_s, each.end_s)
            else:
                blocks.append(each)
        return blocks

    def _sentences_that_fit(self, whole: Span, spoken: Sequence[Span], at_most_s: float) -> Span | None:
        rooms = _rooms(whole, spoken)
        runs = [
            span(rooms[first].start_s, rooms[last].end_s)
            for first in range(len(spoken))
            for last in range(first, len(spoken))
            if rooms[last].end_s - rooms[first].start_s <= at_most_s
        ]
        return max(
            runs,
            key=lambda run: (self._asked_in(run), self._moments_in(run), round(run.duration_s, 6), -run.start_s),
            default=None,
        )

    def _around(self, one: Span, whole: Span, at_most_s: float) -> Span:
        """Return up to `at_most_s` of a candidate with a part of it: from its sentence's start, else with it amid."""
        begun = [_rooms(whole, [each])[0].start_s for each in _inside(self.sentences, whole) if meet(each, one)]
        start_s = max(whole.start_s, min(begun, default=one.start_s - LEAD_IN_S))
        if one.end_s > start_s + at_most_s:
            start_s = max(whole.start_s, min(one.middle_s - at_most_s / 2, whole.end_s - at_most_s))
        return span(start_s, min(whole.end_s, start_s + at_most_s))

    def _asked_in(self, one: Span) -> int:
        """Return how many of those that were asked for are shown, of longer ones the middle."""
        first = bisect_left(self.asked_for, one.start_s, key=lambda each: each.middle_s)
        return bisect_right(self.asked_for, one.end_s, key=lambda each: each.middle_s) - first

    def _moments_in(self, run: Span) -> int:
        return bisect_left(self.moments, run.end_s) - bisect_left(self.moments, run.start_s)

    def _around_the_fastest(self, whole: Span, at_most_s: float) -> Span:
        first = bisect_left(self.looks, whole.start_s, key=lambda look: look.t_s)
        last = bisect_left(self.looks, whole.end_s, key=lambda look: look.t_s)
        fastest = max(self.looks[first:last], key=lambda look: (look.energy, -look.t_s), default=None)
        middle_s = fastest.t_s if fastest is not None and fastest.energy > 0 else whole.start_s
        start_s = max(whole.start_s, min(middle_s - at_most_s / 2, whole.end_s - at_most_s))
        return span(start_s, min(whole.end_s, start_s + at_most_s))

    def _between_words(self, one: Span) -> Span:
        """Return the stretch without the words that it would cut."""
        first, last = _cut_by(self.words, one.start_s), _cut_by(self.words, one.end_s)
        start_s = min(first.end_s, one.end_s) if first is not None else one.start_s
        end_s = max(last.start_s, one.start_s) if last is not None else one.end_s
        return span(start_s, max(start_s, end_s))


def _inside(sentences: Sequence[Span], whole: Span) -> Sequence[Span]:
    first = bisect_left(sentences, whole.start_s, key=lambda each: each.start_s)
    last = bisect_right(sentences, whole.end_s, key=lambda each: each.end_s)
    return sentences[first:last]


def _cut_by(spans: Sequence[Span], t_s: float) -> Span | None:
    """Return the stretch that a cut at that time would go through."""
    at = bisect_left(spans, t_s, key=lambda each: each.start_s) - 1
    return spans[at] if at >= 0 and t_s < spans[at].end_s else None


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
