"""Words as a recognizer heard them in a unit, made into words in source time."""

from collections.abc import Sequence

from shared.domain.span import Span, span
from shared.domain.transcript import Word

HeardWord = tuple[str, float, float, float]
"""(text, start_s, end_s, confidence), times from the unit's start."""

LONGEST_WORD_S = 2.0  # the longest in our read samples is 1.6 s; alignment can stretch one over a whole pause
SHORTEST_WORD_S = 0.02  # one step of the alignment
LONG_SILENCE_S = 2.0  # speech recognizers fill such silences with "Thank you." and the like
NEAR_SPEECH_S = 0.5  # how far alignment may set a real word beside the sound of it


def in_source_time(heard: Sequence[HeardWord], unit: Span, silences: Sequence[Span]) -> tuple[Word, ...]:
    """Return the words inside the unit, in order, none overlapping the next, each as long as a word can be.

    `silences` are those of the unit, in seconds from its start. Words deep inside a long one are invented and left
    out; the others give up the part of them that is silent.
    """
    kept = [word for word in heard if word[0].strip() and not _is_invented(word, silences, unit.duration_s)]
    spans = _in_order([_spoken(word, silences) for word in kept], unit.duration_s)
    return tuple(
        Word(
            text=text.strip(),
            start_s=min(unit.end_s, round(unit.start_s + each.start_s, 3)),
            end_s=min(unit.end_s, round(unit.start_s + each.end_s, 3)),
            confidence=round(min(1.0, max(0.0, confidence)), 3),
        )
        for (text, _, _, confidence), each in zip(kept, spans, strict=True)
    )


def _is_invented(word: HeardWord, silences: Sequence[Span], duration_s: float) -> bool:
    """Return whether a word lies in a long silence, far from what is spoken before and after it."""
    _, start_s, end_s, _ = word
    for silence in silences:
        after_speech_s = silence.start_s + NEAR_SPEECH_S if silence.start_s > 0 else float("-inf")
        before_speech_s = silence.end_s - NEAR_SPEECH_S if silence.end_s < duration_s else float("inf")
        if silence.duration_s >= LONG_SILENCE_S and after_speech_s <= start_s and end_s <= before_speech_s:
            return True
    return False


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
