"""What could go into the reel, with scores and reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.candidate import Candidate
from shared.domain.candidates import MotionEvidence, SpeechEvidence, find_candidates, speech_evidence
from shared.domain.clip_lengths import ClipLengths
from shared.domain.highlight import Highlight
from shared.domain.ranker import BuiltInRanker, HighlightRanker
from shared.domain.sound_level import SoundLevel
from shared.domain.transcript import Word


class BadRanking(ValueError):
    """A ranker breaks its rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What could go into the reel, and what it was found by."""

    speech: SpeechEvidence
    candidates: tuple[Candidate, ...]
    """In order of time, none overlapping."""
    highlights: tuple[Highlight, ...]
    """The candidates, each with a score in [0, 1] and its reasons."""


def score_spans(
    motion: MotionEvidence,
    words: Iterable[Word],
    levels: Sequence[SoundLevel],
    *,
    duration_s: float,
    keywords: Sequence[str] = (),
    lengths: ClipLengths | None = None,
    ranker: HighlightRanker | None = None,
) -> Scored:
    """Return what could go into the reel, with scores and reasons.

    Words do not overlap; they, the looks and the levels may come in any order. Raises BadRanking, with a sentence, for
    a ranker that does not keep its word.
    """
    speech = speech_evidence(words, levels, keywords=keywords, duration_s=duration_s)
    candidates = find_candidates(motion, speech, duration_s=duration_s, lengths=lengths or ClipLengths())
    highlights = _ranked(candidates, ranker or BuiltInRanker())
    return Scored(speech=speech, candidates=candidates, highlights=highlights)


def _ranked(candidates: Sequence[Candidate], ranker: HighlightRanker) -> tuple[Highlight, ...]:
    """Return the candidates with what the ranker makes of them.

    Raises BadRanking when it answers for another number of candidates, with a score outside [0, 1]
    or without a reason: a reel of such scores would be silently wrong.
    """
    rankings = ranker.rank(candidates) if candidates else ()
    if len(rankings) != len(candidates):
        raise BadRanking(f"The ranker was asked about {len(candidates)} candidates and answered for {len(rankings)}.")
    for candidate, ranking in zip(candidates, rankings, strict=True):
        where = f"[{candidate.span.start_s:.2f}, {candidate.span.end_s:.2f}) s"
        if not 0 <= ranking.score <= 1:
            raise BadRanking(f"The ranker scored {where} {ranking.score:g}; scores lie between 0 and 1.")
        if not ranking.reasons:
            raise BadRanking(f"The ranker gave no reason for {where}.")
    return tuple(
        Highlight(span=candidate.span, score=ranking.score, reasons=tuple(ranking.reasons))
        for candidate, ranking in zip(candidates, rankings, strict=True)
    )
