"""What must not be cut in a source, and where what counts happens in it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise

from shared.domain.candidate import Candidate, is_question
from shared.domain.candidates import MotionEvidence, SpeechEvidence
from shared.domain.shortening import Material
from shared.domain.sound_peaks import with_laughter
from shared.domain.span import join_near, span
from shared.domain.transcript import Sentence


def material(motion: MotionEvidence, speech: SpeechEvidence, candidates: Iterable[Candidate]) -> Material:
    """Return what shortening goes by."""
    found = tuple(candidates)
    return Material(
        sentences=tuple(with_laughter([each.span for each in speech.sentences], speech.peaks)),
        words=tuple(span(each.start_s, each.end_s) for each in speech.words),
        events=tuple(sorted(motion.events)),
        looks=tuple(sorted(motion.looks, key=lambda each: each.t_s)),
        exchanges=tuple(sorted(span(one.span.start_s, other.span.end_s) for one, other in _exchanges(found))),
        moments=tuple(sorted(_moments(motion, speech, found))),
        asked_for=join_near([*(each.span for each in speech.keywords), *(each.span for each in speech.peaks)]),
    )


def _moments(motion: MotionEvidence, speech: SpeechEvidence, candidates: Iterable[Candidate]) -> Iterator[float]:
    yield from (each.span.middle_s for each in speech.keywords)
    yield from (each.span.middle_s for each in speech.peaks)
    for one, other in _exchanges(candidates):
        yield from (one.span.middle_s, other.span.middle_s)
    looks = sorted(motion.looks, key=lambda each: each.t_s)
    for event in motion.events:
        first, last = (bisect_left(looks, t_s, key=lambda each: each.t_s) for t_s in (event.start_s, event.end_s))
        if inside := looks[first:last]:
            yield max(inside, key=lambda look: (look.energy, -look.t_s)).t_s


def _exchanges(candidates: Iterable[Candidate]) -> Iterator[tuple[Sentence, Sentence]]:
    """Yield each question that is answered, with the first sentence of its answer."""
    for candidate in candidates:
        for passage in candidate.passages:
            for one, other in pairwise(passage.sentences):
                if is_question(one) and not is_question(other):
                    yield one, other
