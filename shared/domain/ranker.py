"""Which candidates are worth how much: what a ranker is, and the built-in one, which needs only the evidence."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from shared.domain.candidate import Candidate, Passage, Ranking

MOTION_REASON = "movement"
FAST_REASON = "fast movement"
LAUGHTER_REASON = "laughter-like peak"
QUESTION_REASON = "a question and its answer"
DENSE_REASON = "speaks densely"
THOUGHT_REASON = "a whole thought"
SPEECH_REASON = "someone speaks"
KEYWORD_REASON = "your keyword: "

RUNNING = 1.0  # body heights per second; who walks briskly makes 0.8, so that this is fast whatever else there is
FASTER = 1.5  # times what is usual in the source
ON_THE_SPOT = 0.3  # body heights per second; who juggles or does squats stays below, and is not fast beside who stands
DENSE_FROM = 1.15  # times the source's usual speed
BASE, FOR_ANSWER, FOR_THOUGHT, FOR_DENSITY = 0.3, 0.3, 0.2, 0.2  # sums to 1
REMARK_S = 1.0  # what is said in less says little: a lone "So" between two silences is often not even there
FOR_SPEED, FOR_LAUGHTER = 0.2, 0.4
FOR_KEYWORD = 0.8  # asked for: even in a weak passage worth more than any usual one without it


class HighlightRanker(Protocol):
    """Judges what could go into the reel. It is a port, said here because the rules around it are the domain's."""

    def rank(self, candidates: Sequence[Candidate]) -> Sequence[Ranking]:
        """Return a score in [0, 1] and at least one reason for each candidate, in their order.

        The same candidates get the same answer: a merge that is run again makes the same reel. Raises TryAgain where
        time helps; an answer that breaks these rules ends the job.
        """
        ...


class BuiltInRanker:
    """Scores by rule, each candidate by itself.

    Movement, fast movement, speech, laughter and every keyword say how likely a candidate is worth showing, and each
    leaves the others what it leaves open: 1 - (1 - a)(1 - b)… So more evidence never lessens a score.
    """

    def rank(self, candidates: Sequence[Candidate]) -> Sequence[Ranking]:
        """Return a score and reasons for each candidate, in their order."""
        return [Ranking(score=_score(each), reasons=_reasons(each)) for each in candidates]


def is_fast(candidate: Candidate) -> bool:
    """Return whether it moves fast for anybody, or clearly faster than what usually moves in this source.

    The second because told speeds of long even movements are too low, and a wide shot of a slow sport has its fast
    moments, too.
    """
    beyond_usual = candidate.speed >= max(ON_THE_SPOT, FASTER * candidate.usual_speed)
    return candidate.speed >= RUNNING or (candidate.usual_speed > 0 and beyond_usual)


def _score(candidate: Candidate) -> float:
    speaks_for_it = (
        candidate.speed / (candidate.speed + 1),
        FOR_SPEED * is_fast(candidate),
        max(map(passage_score, candidate.passages), default=0.0),
        FOR_LAUGHTER * bool(candidate.peaks),
        *(FOR_KEYWORD for _ in candidate.keywords),
    )
    return round(_together(speaks_for_it), 4)


def passage_score(passage: Passage) -> float:
    """Return what speaks for a passage times how sure its words are, in [0, 1]; less for a lone short word."""
    dense = min(1.0, max(0.0, (passage.density - 0.7) / 0.8))
    fullness = min(1.0, passage.spoken.duration_s / REMARK_S)
    points = BASE + FOR_ANSWER * passage.is_answered + FOR_THOUGHT * passage.is_thought + FOR_DENSITY * dense
    return min(1.0, max(0.0, points * passage.confidence * fullness))


def _together(shares: Iterable[float]) -> float:
    left = 1.0
    for share in shares:
        left *= 1 - share
    return 1 - left


def _reasons(candidate: Candidate) -> tuple[str, ...]:
    """Return the reasons, what was asked for first; that somebody speaks is said only where nothing says more."""
    reasons = [KEYWORD_REASON + each for each in candidate.keywords]
    if candidate.speed > 0:
        reasons.append(FAST_REASON if is_fast(candidate) else MOTION_REASON)
    if candidate.peaks:
        reasons.append(LAUGHTER_REASON)
    best_first = sorted(candidate.passages, key=lambda each: (-passage_score(each), each.spoken))
    said = [reason for each in best_first for reason in _passage_reasons(each)]
    says_nothing_more = not said and not candidate.peaks and not candidate.keywords
    speaks = any(each.spoken.duration_s >= REMARK_S for each in candidate.passages)
    if says_nothing_more and (speaks or not reasons):
        said.append(SPEECH_REASON)
    return tuple(dict.fromkeys(reasons + said))


def _passage_reasons(passage: Passage) -> list[str]:
    is_said = passage.spoken.duration_s >= REMARK_S
    reasons = (
        (QUESTION_REASON, passage.is_answered),
        (DENSE_REASON, is_said and passage.density >= DENSE_FROM),
        (THOUGHT_REASON, passage.is_thought and not passage.is_answered),
    )
    return [reason for reason, holds in reasons if holds]
