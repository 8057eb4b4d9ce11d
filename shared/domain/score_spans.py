"""What could go into the reel, with scores and reasons."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.candidate import Candidate, Ranking
from shared.domain.candidates import MotionEvidence, find_candidates, speech_evidence
from shared.domain.clip_lengths import ClipLengths
from shared.domain.highlight import Highlight
from shared.domain.ranker import BuiltInRanker
from shared.domain.sound_level import SoundLevel
from shared.domain.transcript import Word


class Rank(Protocol):
    """What `shared.ports.HighlightRanker` asks for, said where it is used."""

    def rank(self, candidates: Sequence[Candidate]) -> Sequence[Ranking]: ...


def score_spans(
    motion: MotionEvidence,
    words: Sequence[Word],
    levels: Sequence[SoundLevel],
    *,
    duration_s: float,
    keywords: Sequence[str] = (),
    lengths: ClipLengths | None = None,
    ranker: Rank | None = None,
) -> tuple[Highlight, ...]:
    """Return the candidates in order of time, none overlapping, each with a score in [0, 1] and its reasons.

    Words do not overlap; they, the looks and the levels may come in any order. Raises ValueError for a ranker that
    does not keep its word.
    """
    speech = speech_evidence(words, levels, keywords=keywords, duration_s=duration_s)
    candidates = find_candidates(motion, speech, duration_s=duration_s, lengths=lengths or ClipLengths())
    return ranked(candidates, ranker or BuiltInRanker())


def ranked(candidates: Sequence[Candidate], ranker: Rank) -> tuple[Highlight, ...]:
    """Return the candidates with what the ranker makes of them.

    Raises ValueError, with a sentence, when it answers for another number of candidates, with a score outside [0, 1]
    or without a reason: a reel of such scores would be silently wrong.
    """
    rankings = ranker.rank(candidates) if candidates else ()
    if len(rankings) != len(candidates):
        raise ValueError(f"The ranker was asked about {len(candidates)} candidates and answered for {len(rankings)}.")
    for candidate, ranking in zip(candidates, rankings, strict=True):
        where = f"[{candidate.span.start_s:.2f}, {candidate.span.end_s:.2f}) s"
        if not 0 <= ranking.score <= 1:
            raise ValueError(f"The ranker scored {where} {ranking.score:g}; scores lie between 0 and 1.")
        if not ranking.reasons:
            raise ValueError(f"The ranker gave no reason for {where}.")
    return tuple(
        Highlight(span=candidate.span, score=ranking.score, reasons=tuple(ranking.reasons))
        for candidate, ranking in zip(candidates, rankings, strict=True)
    )
