"""What was said in a source, word by word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.span import Span, span

SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "۔", "។", "။", "።", "፧", "։")
CLOSERS = "\"'”’»)]」』"
QUOTED, QUOTING = ("」", "』"), ("と", "って")
OPENERS = "\"'“‘„«‹([¿¡"
ABBREVIATIONS = (
    *("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "jr.", "vs.", "e.g.", "i.e."),
    *("hr.", "fr.", "nr.", "bzw.", "ca.", "z.b.", "d.h.", "u.a."),
    *("sr.", "sra.", "srta.", "ud.", "uds.", "mlle."),
)
"""In small letters: they end with a dot and no sentence with them."""
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
    space_before: bool | None = None
    """Whether a space parts it from the word before; None where that is not known, and the script tells."""


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
    said = tuple(words)
    for at, word in enumerate(said):
        if open_words and word.start_s - open_words[-1].end_s > LONGEST_PAUSE_S:
            found += _cut(open_words)
            open_words = []
        open_words.append(word)
        if ends_sentence(_with_closer(open_words), said[at + 1].text if at + 1 < len(said) else None):
            found += _cut(open_words)
            open_words = []
    return (*found, *_cut(open_words))


def ends_sentence(text: str, after: str | None) -> bool:
    """Return whether a sentence ends with this text: by its punctuation, unless what comes after goes on with it.

    So not "Dr." nor the dots of "Well... you know", nor 「本当に？」と; `after` is None when nothing follows.
    """
    if not text.rstrip(CLOSERS).endswith(SENTENCE_ENDS):
        return False
    if not after:
        return True
    if not after.strip(CLOSERS) or (text.endswith(QUOTED) and after.startswith(QUOTING)):
        return False
    return not after.lstrip(OPENERS)[:1].islower() and text.lstrip(OPENERS).casefold() not in ABBREVIATIONS


def _with_closer(words: Sequence[Word]) -> str:
    """Return the last word's text, with the one before it where it only closes that."""
    last = words[-1].text
    return words[-2].text + last if len(words) > 1 and not last.strip(CLOSERS) else last


def _cut(words: Sequence[Word]) -> list[Sentence]:
    """Return the words as one sentence, or as several cut at their widest pauses when they last too long."""
    if not words:
        return []
    if len(words) == 1 or words[-1].end_s - words[0].start_s <= LONGEST_SENTENCE_S:
        return [Sentence(words=tuple(words))]
    at = max(range(1, len(words)), key=lambda at: (words[at].start_s - words[at - 1].end_s, -abs(at - len(words) / 2)))
    return _cut(words[:at]) + _cut(words[at:])
