"""What was said in a source, word by word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.span import Span, span

SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "۔")
CLOSERS = "\"'”’»)]」』"
LONGEST_PAUSE_S = 1.5  # a longer silence ends a sentence whatever the punctuation says
LONGEST_SENTENCE_S = 20.0  # speech without punctuation is cut at its widest pause before it gets longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One spoken word with its punctuation, in source time."""

    text: str
    """Without surrounding spaces."""
    start_s: float
    end_s: float
    confidence: float
    """In [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Words that belong together, in order; never empty."""

    words: tuple[Word, ...]

    @property
    def span(self) -> Span:
        return span(self.words[0].start_s, self.words[-1].end_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Everything said in a source, words in order of time, none overlapping the next."""

    language: str | None
    """ISO 639-1, e.g. "en"; None when nobody speaks."""
    words: tuple[Word, ...]


def sentences(words: Iterable[Word]) -> tuple[Sentence, ...]:
    """Return the words as sentences: parted by punctuation, by long pauses, and where they would grow too long."""
    found: list[Sentence] = []
    open_words: list[Word] = []
    for word in words:
        if open_words and word.start_s - open_words[-1].end_s > LONGEST_PAUSE_S:
            found += _cut(open_words)
            open_words = []
        open_words.append(word)
        if word.text.rstrip(CLOSERS).endswith(SENTENCE_ENDS):
            found += _cut(open_words)
            open_words = []
    return (*found, *_cut(open_words))


def _cut(words: Sequence[Word]) -> list[Sentence]:
    """Return the words as one sentence, or as several cut at their widest pauses when they last too long."""
    if not words:
        return []
    if len(words) == 1 or words[-1].end_s - words[0].start_s <= LONGEST_SENTENCE_S:
        return [Sentence(words=tuple(words))]
    at = max(range(1, len(words)), key=lambda at: (words[at].start_s - words[at - 1].end_s, -abs(at - len(words) / 2)))
    return _cut(words[:at]) + _cut(words[at:])
