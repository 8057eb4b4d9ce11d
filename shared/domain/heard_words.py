"""Words as a recognizer heard them in a unit, made into words in source time."""

from collections.abc import Sequence
from itertools import pairwise

from shared.domain.span import Span, meet, span
from shared.domain.transcript import Word

HeardWord = tuple[str, float, float, float]
"""(text, start_s, end_s, confidence), times from the unit's start."""

LONGEST_WORD_S = 2.0  # the longest in our read samples is 1.6 s; alignment can stretch one over a whole pause
SHORTEST_WORD_S = 0.02  # one step of the alignment
LONG_SILENCE_S = 2.0  # Whisper fills such silences with "Thank you.", and misses the first words after 20 s of one
NEAR_SPEECH_S = 0.5  # the voice detector may miss a soft beginning or end
LONELY_S, LONELY_PAUSE_S = 1.0, 1.5  # a sound this short with pauses this long around it is seldom a word
SURE = 0.6  # a knock taken for "So" came to 0.43 in one window and to 0.54 in another
JOINERS = ("-", "‐", "‑", "'", "’", ".", ",", "%", ":", "/")
"""What goes on with the word before it when no space comes first."""
CLOSING = frozenset("?!:;.,…»”’)]}%‰°€。、？！，」』")
"""Marks that stay with the word before them even after a space, as French and German have one there."""
SAID = frozenset("%‰°€")
"""Those of them that take time to say."""
OPENING = frozenset('¿¡«„“‘([{$£「『"')
"""Marks that stay with the word after them."""
NO_BREAK = "\u00a0"


def worth_hearing(silences: Sequence[Span], duration_s: float) -> tuple[Span, ...]:
    """Return the stretches of a unit to recognize, all but the inside of long silences; in seconds from its start."""
    stretches: list[Span] = []
    at_s = 0.0
    for silence in silences:
        if silence.duration_s < LONG_SILENCE_S:
            continue
        until_s = silence.start_s + NEAR_SPEECH_S if silence.start_s > 0 else 0.0
        if until_s > at_s:
            stretches.append(span(at_s, until_s))
        at_s = silence.end_s - NEAR_SPEECH_S if silence.end_s < duration_s else duration_s
    return (*stretches, span(at_s, duration_s)) if at_s < duration_s else tuple(stretches)


def at_their_place(heard: Sequence[HeardWord], stretches: Sequence[Span]) -> list[HeardWord]:
    """Return the words that were heard in the stretches joined end to end, with times from the unit's start."""
    return [
        (text, _place_s(start_s, stretches, is_end=False), _place_s(end_s, stretches, is_end=True), confidence)
        for text, start_s, end_s, confidence in heard
    ]


def without_guesses(heard: Sequence[HeardWord], silences: Sequence[Span]) -> list[HeardWord]:
    """Return the words but for those of short sounds alone in a silence of which the recognizer is not sure.

    Such sounds are knocks and rustles that the voice detector took for speech; a clear "Yes." stays.
    """
    pauses = [silence for silence in silences if silence.duration_s >= LONELY_PAUSE_S]
    lonely = [
        span(before.end_s, after.start_s)
        for before, after in pairwise(pauses)
        if after.start_s - before.end_s < LONELY_S
    ]
    guesses: set[HeardWord] = set()
    for sound in lonely:
        words = [word for word in heard if meet(_spoken(word, silences), sound)]
        if all(confidence < SURE for _, _, _, confidence in words):
            guesses.update(words)
    return [word for word in heard if word not in guesses]


def in_source_time(heard: Sequence[HeardWord], unit: Span, silences: Sequence[Span]) -> tuple[Word, ...]:
    """Return the words inside the unit, in order, none overlapping the next, each as long as a word can be.

    `silences` are those of the unit, in seconds from its start; words give up the part of them that is silent.
    """
    kept = _whole_words([word for word in heard if word[0].strip()])
    spans = _in_order([_spoken(word, silences) for word in kept], unit.duration_s)
    return tuple(
        Word(
            text=text.strip(),
            start_s=min(unit.end_s, round(unit.start_s + each.start_s, 3)),
            end_s=min(unit.end_s, round(unit.start_s + each.end_s, 3)),
            confidence=round(min(1.0, max(0.0, confidence)), 3),
            space_before=text[:1].isspace() if at else None,
        )
        for at, ((text, _, _, confidence), each) in enumerate(zip(kept, spans, strict=True))
    )


def _whole_words(heard: Sequence[HeardWord]) -> list[HeardWord]:
    """Return the words with what a recognizer cut off again joined to them: " cold" and "-hearted", " 20" and "%"."""
    whole: list[HeardWord] = []
    for word in heard:
        if whole and _is_mark(whole[-1], OPENING):
            whole[-1] = _opened(whole[-1], word)
        elif whole and (word[0].startswith(JOINERS) or word[0] == '"' or _is_mark(word, CLOSING)):
            whole[-1] = _closed(whole[-1], word)
        else:
            whole.append(word)
    return whole


def _is_mark(word: HeardWord, marks: frozenset[str]) -> bool:
    return marks.issuperset(word[0].strip())


def _opened(mark: HeardWord, word: HeardWord) -> HeardWord:
    """Return the word with the mark before it, which takes no time; French writes a space after its quotes."""
    space = NO_BREAK if "«" in mark[0] and word[0][:1].isspace() else ""
    return mark[0].rstrip() + space + word[0].lstrip(), *word[1:]


def _closed(word: HeardWord, more: HeardWord) -> HeardWord:
    """Return the word with what follows it; a mark that is not said leaves its time as it is."""
    text = word[0] + (NO_BREAK if more[0][:1].isspace() else "") + more[0].lstrip()
    if CLOSING.union('"').issuperset(more[0].strip()) and not SAID.intersection(more[0]):
        return text, *word[1:]
    return text, word[1], max(word[2], more[2]), min(word[3], more[3])


def _place_s(joined_s: float, stretches: Sequence[Span], *, is_end: bool) -> float:
    """Return the place of a time; where two stretches meet an end belongs to the one before, a start to the next."""
    for stretch in stretches[:-1]:
        if joined_s < stretch.duration_s or (is_end and joined_s == stretch.duration_s):
            return stretch.start_s + joined_s
        joined_s -= stretch.duration_s
    return stretches[-1].start_s + joined_s


def _spoken(word: HeardWord, silences: Sequence[Span]) -> Span:
    """Return the longest part of the word that is not silent, cut to a word's length; all of it when all is silent."""
    _, start_s, end_s, _ = word
    parts: list[Span] = []
    at_s = start_s
    for silence in silences:
        if silence.end_s <= at_s or silence.start_s >= end_s:
            continue
        if silence.start_s > at_s:
            parts.append(span(at_s, silence.start_s))
        at_s = silence.end_s
    if at_s < end_s:
        parts.append(span(at_s, end_s))
    longest = max(parts, key=lambda part: part.duration_s, default=span(start_s, max(start_s, end_s)))
    return span(longest.start_s, min(longest.end_s, longest.start_s + LONGEST_WORD_S))


def _in_order(spans: Sequence[Span], duration_s: float) -> list[Span]:
    """Return the spans inside [0, duration_s], none beginning before the one before it ends, none too short."""
    shortest_s = min(SHORTEST_WORD_S, duration_s / max(1, len(spans)))
    ordered: list[Span] = []
    at_s = 0.0
    for n, each in enumerate(spans):
        latest_s = duration_s - shortest_s * (len(spans) - n)  # leaves room for the words that follow
        start_s = max(at_s, min(max(at_s, each.start_s), latest_s))
        end_s = max(start_s + shortest_s, min(each.end_s, latest_s + shortest_s))
        ordered.append(span(start_s, end_s))
        at_s = end_s
    return ordered
