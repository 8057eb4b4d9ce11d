"""What could go into the reel, with everything that is known of it; a ranker says how good it is."""

from dataclasses import dataclass
from itertools import pairwise

from shared.domain.sound_peaks import SoundPeak
from shared.domain.span import Span, span
from shared.domain.transcript import CLOSERS, SENTENCE_ENDS, Sentence, Word

QUESTION_ENDS = ("?", "？", "؟", "፧")
THOUGHT_S = 4.0  # what is said in less is a remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Sentences that belong together; never empty."""

    sentences: tuple[Sentence, ...]
    density: float = 1.0
    """Letters per second, as a multiple of what is usual in the source."""

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for each in self.sentences for word in each.words)

    @property
    def spoken(self) -> Span:
        """From the first word's start to the last one's end."""
        return span(self.sentences[0].span.start_s, self.sentences[-1].span.end_s)

    @property
    def confidence(self) -> float:
        """How sure the recognizer was of its words, in [0, 1]."""
        words = self.words
        return sum(word.confidence for word in words) / len(words)

    @property
    def is_answered(self) -> bool:
        """Whether there is a question in it, and after it something else."""
        return any(is_question(one) and not is_question(other) for one, other in pairwise(self.sentences))

    @property
    def is_thought(self) -> bool:
        """Whether it ends like a sentence and is long enough to say something."""
        ends_well = self.words[-1].text.rstrip(CLOSERS).endswith(SENTENCE_ENDS)
        return ends_well and not is_question(self.sentences[-1]) and self.spoken.duration_s >= THOUGHT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A stretch of the source that could be a clip, and the evidence for it."""

    span: Span
    """Padding and lead-in included."""
    speed: float = 0.0
    """Fastest sustained body speed in its movements, in body heights per second; 0 where nobody moves."""
    usual_speed: float = 0.0
    """Median of that over the source's movements."""
    passages: tuple[Passage, ...] = ()
    """What is said in it, in order."""
    peaks: tuple[SoundPeak, ...] = ()
    """Where it may be that people laugh."""
    keywords: tuple[str, ...] = ()
    """Which of the user's words are said in it, as the user wrote them."""
    words: tuple[Word, ...] = ()
    """Every word that is said in it from beginning to end, also of sentences that it shows in part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What a ranker makes of a candidate."""

    score: float
    """In [0, 1]."""
    reasons: tuple[str, ...]
    """What speaks for it, in words a person understands; never empty."""


def is_question(sentence: Sentence) -> bool:
    """Return whether a sentence ends as questions do."""
    return sentence.words[-1].text.rstrip(CLOSERS).endswith(QUESTION_ENDS)
